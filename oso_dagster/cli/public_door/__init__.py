"""`oso serve` and `oso keys`: the public door, and who may pass it."""
