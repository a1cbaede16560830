"""What a source declares, and one load of it."""
