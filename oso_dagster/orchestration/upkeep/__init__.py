"""Dagster's and SQLMesh's own stores: opened, copied, upgraded."""
