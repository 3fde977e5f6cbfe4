"""The auction engine: domain, actors, commit, store. Knows nothing of HTTP or browsers."""
