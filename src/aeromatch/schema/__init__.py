"""What travels between the server and whoever talks to it, as typed structures.

One description serves every gateway, the client, the OpenAPI document and the tests.
Names are the Python API's. Decimals are strings: `"0.10"` is exact everywhere, 0.1 is not. Times are nanoseconds since
1970, UTC. `orders` has what traders send and get, `market` what everyone sees, `accounts` money, `admin` what operators
do, `problems` how things are refused, `messages` what goes over a WebSocket.
"""
