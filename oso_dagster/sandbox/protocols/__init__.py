"""The protocols that upstreams speak: git, JSON over HTTP, GraphQL, BigQuery, PostgreSQL. Knows no upstream."""
