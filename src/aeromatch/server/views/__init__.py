"""What happened, for whoever asks: orders, trades, candles, kept beside the exchange (docs/views.md).

`ServerViews` follows the feed and answers gateways; a `Writer` brings what it collects into a store, in a thread of its
own. `rebuild` makes the same rows from a journal.
"""

from aeromatch.server.views.opening import open_views
from aeromatch.server.views.options import ViewOptions
from aeromatch.server.views.orders import OrderRows
from aeromatch.server.views.rebuild import rebuild
from aeromatch.server.views.views import ServerViews

__all__ = ["OrderRows", "ServerViews", "ViewOptions", "open_views", "rebuild"]
