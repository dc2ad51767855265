"""FIX 4.4: an acceptor with a session layer of its own (docs/fix.md).

`entrance` reads a connection's first message, `session` is the protocol (bytes, messages and times in, actions out; no
I/O and no clock), `codec` and `message` are its bytes, `dictionary` judges messages by the data of `fix44`, `store`
keeps what survives a restart, and at its `gate` waits what relies on the disk.

`acceptor` listens and knows whose session is whose, `connection` is a socket with its session. A `desk` takes what a
session asks for its orders, a `follower` brings what happens to them; `requests` and `reports` say what both mean.
"""

from aeromatch.gateways.fix.acceptor import Acceptor, open_fix
from aeromatch.gateways.fix.options import FixOptions

__all__ = ["Acceptor", "FixOptions", "open_fix"]
