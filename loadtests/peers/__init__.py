"""The same job done as it is usually done, to have something to compare with.

Nothing that serves imports from here. Its packages are the dependency group `peers`.
"""
