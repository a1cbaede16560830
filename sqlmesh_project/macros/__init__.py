"""SQL that cannot be written the same for every engine."""
