"""The stores in memory, for the deterministic simulation and never for a running product."""
