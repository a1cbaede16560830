"""Rows in Iceberg tables, by the SQL catalogue in PostgreSQL that PyIceberg and Trino share; staged and judged as everywhere."""
