"""The command line: `aeromatch ...`."""
