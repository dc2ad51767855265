"""Keeps gRPC's own log silent: it has what clients sent, as it came, among it lines that look like the server's.

What it would tell of is in our log and metrics. It asks for this once, when it is first imported: this module comes
before all that import it. Who wants to see its log sets the variable.
"""

import os

__all__: list[str] = []

os.environ.setdefault("GRPC_VERBOSITY", "NONE")
