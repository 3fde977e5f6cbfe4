"""`python -m loadtests.scenarios [--shape NAME] [--guests N] [--time S]`."""

from loadtests.scenarios.command import main

if __name__ == "__main__":
    main()
