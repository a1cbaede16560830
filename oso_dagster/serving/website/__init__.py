"""Pages about projects, collections and metrics for people who write no SQL: made on the server, complete without script."""
