"""The whole engine under virtual time: one seed, one run, bit for bit the same again.

Only what stands around the engine is pretended here: time, the way to the database and back, the
bus, the machines. The rows are those of engine/store/memory, and everything between a press and its
row is the code that runs in production.
"""
