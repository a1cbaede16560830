"""What Alembic runs: it upgrades on the connection, and inside the transaction, that `reliability.database` hands over."""

from __future__ import annotations

from alembic import context

from oso_dagster.reliability.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=context.config.attributes["version_table"],
)
with context.begin_transaction():
    context.run_migrations()
