"""`python -m edge` is the `hothour` command."""

from edge.main import main

main()
