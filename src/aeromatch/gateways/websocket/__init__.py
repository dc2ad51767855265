"""The WebSocket gateway, at /ws (docs/websocket.md; the messages are `schema.messages`).

`app` accepts connections, `session` is one of them, `subscription` one channel that it follows. `channels` makes the
messages, in the feed's thread; `hub` brings them into the event loop; `outlet` sends them, or not; `past` reads what
was before. `protocol` is what uvicorn needs.
"""

from aeromatch.gateways.websocket.app import WebSocketApp
from aeromatch.gateways.websocket.hub import Hub
from aeromatch.gateways.websocket.options import WebSocketOptions
from aeromatch.gateways.websocket.protocol import server_options

__all__ = ["Hub", "WebSocketApp", "WebSocketOptions", "server_options"]
