"""`oso sources`: the catalogue, dry runs, and the file of a new source."""
