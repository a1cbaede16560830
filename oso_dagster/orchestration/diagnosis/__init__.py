"""`oso doctor`: what is configured, reachable, migrated, scheduled and alive on this machine, each with the next step."""
