"""How rows are fetched: git, files, and what turns them into Arrow tables. Knows no source, no warehouse and no dagster."""
