"""How rows are fetched (git, HTTP, databases, BigQuery) and made into Arrow tables. Knows no source, no warehouse, no dagster."""
