"""Tables of a database as Arrow."""
