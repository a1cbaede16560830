"""What is done to a project in SQLMesh; results leave as events. Does not belong here: Dagster."""
