"""Kills, cuts and stops of real processes under a load of real clients, and the audit after each.

`python -m tests.e2e.kills` runs as many of each kind as it is told; `tests/e2e/test_kills.py` runs
a few. Nothing in the product knows of it: the named points are found by reading what goes over the
wire between the server and PostgreSQL (commits.py) and between the server and its guests.
"""
