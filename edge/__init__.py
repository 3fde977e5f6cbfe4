"""HTTP and WebSocket: parses, authenticates, routes, fans out. Decides nothing."""
