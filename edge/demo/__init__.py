"""`hothour demo`: a running shop to look at, with studios that sell and guests who press.

Theory of operation. The real server runs in this process and knows nothing of all this: whoever
appears here is a client of its public API and of its live channel, with an account of its own.
Studio admins enter auctions (playbill.py), guests watch prices fall and press (guest.py), desks
check some of them in (door.py), and one anonymous watcher (window.py) sees what any visitor sees.
What they see and what they are told meets in one place (scene.py), which is drawn as a board
(board.py, terminal.py) or written line by line. What people do by themselves is decided by pure
functions of a random source (catalogue.py, temper.py), so tests can look at it.
"""
