"""The stores on PostgreSQL, a file a noun."""
