"""The warehouse of one machine: a DuckDB file, one writer at a time, readers that never see half a load."""
