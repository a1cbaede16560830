"""Dagster's and SQLMesh's own stores: how they are opened, backed up, restored and upgraded."""
