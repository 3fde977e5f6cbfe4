"""How frames travel between nodes: adapters of engine.ports.bus."""
