"""The doors to the world, as Protocols, one file a noun. Adapters stand in engine.store, engine.bus
and the edge; only the composition root, the simulation and tests name them."""
