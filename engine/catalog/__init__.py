"""The calm part of the engine: accounts, studios, drafts, lists. One file a noun."""
