"""aeromatchd: the exchange as a server."""
