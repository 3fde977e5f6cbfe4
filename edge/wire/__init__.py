"""The public contract as pydantic models, one file a noun: bodies, queries and answers."""
