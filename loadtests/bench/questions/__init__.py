"""The questions, one a file, in the order in which they are asked."""
