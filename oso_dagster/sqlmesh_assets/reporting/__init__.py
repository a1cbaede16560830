"""From events to Dagster's event log. Does not belong here: SQLMesh (`execution` raises the events)."""
