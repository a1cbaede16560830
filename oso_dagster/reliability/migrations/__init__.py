"""The history of the store's schema, for Alembic; run by `reliability.database`, never by hand."""
