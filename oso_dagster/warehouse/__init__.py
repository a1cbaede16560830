"""Where rows land and are read: staging by dlt, guards, publication in one transaction. Knows no source, no dagster."""
