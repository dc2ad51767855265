"""Doors of the server: each translates its protocol to the same commands, and answers with the same slugs.

What they need of the server (who is asking, the market's views, the state of the process) stands in `services`, as
protocols: `aeromatch.server` puts in what is there.
"""
