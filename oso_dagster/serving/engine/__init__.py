"""Where queries run: read-only copies of the warehouse, each answer as a stream that can be given up at any time."""
