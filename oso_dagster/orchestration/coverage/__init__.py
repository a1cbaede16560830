"""Asks the second counts of upstreams once a day, compares them with what is held, and shows the result to all."""
