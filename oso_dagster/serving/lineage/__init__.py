"""Dagster's own pages for everyone: a filter in front of the real webserver, which is never reachable by itself."""
