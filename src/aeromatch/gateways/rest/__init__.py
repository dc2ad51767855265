"""REST: orders, markets and money over HTTP with JSON (docs/rest.md)."""
