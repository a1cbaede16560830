"""What only a live request can show of an upstream: the questions, and the report of their answers."""
