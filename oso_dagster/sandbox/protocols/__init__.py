"""How upstreams are spoken to: git, JSON, GraphQL, BigQuery, PostgreSQL. Knows no upstream."""
