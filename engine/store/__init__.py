"""Adapters of the engine's stores: PostgreSQL, and memory under the same contracts."""
