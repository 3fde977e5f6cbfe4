"""A flash sale under load: guests who look, watch, press, lose and try another, with Locust.

`python -m loadtests.scenarios` starts a server of its own and tries it; locustfile.py is what
Locust loads, against any server. docs/load.md says how.

Pure, and tested as such: schedule.py and offset.py (prices and clocks as a client keeps them),
watched.py (one auction from its frames), temper.py (what a guest wants), bill.py (what a studio
opens), shapes.py (how many guests when), thresholds.py (what is good enough), ledger.py and
endcheck.py (what guests were told, and whether it is so). Within Locust, on gevent: guest.py,
staff.py, live.py, asking.py, findings.py. Guests know the public contract alone, so nothing here
imports the engine or the edge.

Whatever imports Locust patches its process' sockets and threads: nothing pure does.
"""
