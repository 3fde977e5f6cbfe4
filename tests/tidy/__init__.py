"""House rules that no formatter, linter or type checker can say: each one a function over text.

A rule takes what it judges as an argument and yields one complaint a fault, so it can be shown a
bad sample. tests/test_tidy.py applies all of them to the repository.
"""
