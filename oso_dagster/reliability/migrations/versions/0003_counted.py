"""What each attempt adds to its objective, kept beside it: counting a month needs no judging then."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from oso_dagster.domain.objectives.attempts import Attempt, Label, Outcome, count_families
from oso_dagster.reliability.tables import UtcTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_KEY = ("run_id", "asset", "partition", "report")


def upgrade() -> None:
    """Add two columns, fill them by the rules of the domain, and index them."""
    op.add_column("attempts", sa.Column("counted", sa.Integer))
    op.add_column("attempts", sa.Column("counted_at", UtcTime))
    _fill()
    op.drop_index("attempts_by_label", "attempts")
    op.drop_index("attempts_counted", "attempts")
    op.create_index("attempts_counted", "attempts", ["label", "asset", "counted_at", "counted"])
    bad = sa.text("counted = 0")
    op.create_index("attempts_bad", "attempts", ["counted_at"], sqlite_where=bad, postgresql_where=bad)
    op.create_index("runs_by_family", "runs", ["family"])


def _fill() -> None:
    connection = op.get_bind()
    metadata = sa.MetaData()
    attempts = sa.Table("attempts", metadata, *(sa.Column(name, sa.String) for name in (*_KEY, "label", "outcome")), *_columns())
    runs = sa.Table("runs", metadata, sa.Column("run_id"), sa.Column("family"), sa.Column("will_retry", sa.Boolean))
    rows = connection.execute(
        sa.select(attempts, runs.c.family, runs.c.will_retry).join(runs, runs.c.run_id == attempts.c.run_id)
    )
    keys = {_attempt(row): {f"key_{name}": getattr(row, name) for name in _KEY} for row in rows}
    values = [
        {**keys[counted.attempt], "counted": int(counted.good), "counted_at": counted.at} for counted in count_families(keys)
    ]
    if values:
        where = [attempts.c[name] == sa.bindparam(f"key_{name}") for name in _KEY]
        connection.execute(attempts.update().where(*where), values)


def _columns() -> list[sa.Column[Any]]:
    times = [sa.Column(name, UtcTime) for name in ("started", "ended", "counted_at")]
    return [*times, sa.Column("counted", sa.Integer)]


def _attempt(row: Any) -> Attempt:
    return Attempt(
        run_id=row.run_id,
        asset=row.asset,
        partition=row.partition or None,
        label=Label(row.label),
        outcome=Outcome(row.outcome),
        family=row.family,
        started=row.started,
        ended=row.ended,
        will_retry=row.will_retry,
        reported=row.report != "",
    )
