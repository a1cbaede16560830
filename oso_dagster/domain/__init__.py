"""The ground: pure values and decisions. No I/O, no clock, the standard library only."""
