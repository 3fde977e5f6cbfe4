"""What stands beside the product's figures: the least that can be done with the same sockets.

Each is a program of its own that says `ready URL` on stdout, as `hothour serve` does, and ends at
SIGTERM. None of them decides, checks or remembers anything; that is the point of them.
"""
