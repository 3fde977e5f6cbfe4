"""`python -m loadtests.bench [NAME ...] [--json FILE] [--quick]`."""

from loadtests.bench.command import main

if __name__ == "__main__":
    main()
