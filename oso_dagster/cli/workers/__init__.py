"""Jobs run side by side by worker processes."""
