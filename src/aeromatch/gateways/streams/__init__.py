"""What happens, for those who follow it, whichever gateway they came through.

`channels` makes the messages, in the feed's thread; `hub` brings them into the event loop; `subscription` is one
channel that one client follows; `past` reads what was before. A gateway brings its own `Outlet`, the way to one of its
clients; `backlog` is what most of them have in common.
"""

from aeromatch.gateways.streams.backlog import Backlog
from aeromatch.gateways.streams.channels import Published, Topic
from aeromatch.gateways.streams.hub import Hub
from aeromatch.gateways.streams.subscription import Outlet, Stale, Subscription

__all__ = ["Backlog", "Hub", "Outlet", "Published", "Stale", "Subscription", "Topic"]
