"""Where rows land and are read: staging by dlt, guards, one publishing transaction, the lock. Knows no source, no dagster."""
