"""`python -m aeromatch`: the same as the command `aeromatch`."""

from aeromatch.cli.main import main

if __name__ == "__main__":
    main()
