"""Pure values and decisions, which every other package may import. No I/O, no clock, the standard library only."""
