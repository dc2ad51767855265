"""The WebSocket gateway, at /ws (docs/websocket.md; the messages are `schema.messages`).

`app` accepts connections, `session` is one of them, `outlet` the way to its client: what `gateways.streams` brings is
sent by it, or not. `protocol` is what uvicorn needs.
"""

from aeromatch.gateways.websocket.app import WebSocketApp, deny
from aeromatch.gateways.websocket.options import WebSocketOptions
from aeromatch.gateways.websocket.protocol import server_options

__all__ = ["WebSocketApp", "WebSocketOptions", "deny", "server_options"]
