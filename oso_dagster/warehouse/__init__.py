"""Where rows land and are read: staging by dlt, guards, one publishing transaction, the write lock. Knows no source and no dagster."""
