"""The newest good and the newest failed attempt of a few assets: what alerts ask about those that are in trouble."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import func, select

from oso_dagster.domain.attempts import Outcome
from oso_dagster.reliability.rows import chunks
from oso_dagster.reliability.store import Store
from oso_dagster.reliability.tables import attempts


def newest_good(store: Store, assets: Collection[str]) -> dict[tuple[str, str], datetime]:
    """When each (asset, partition) was last materialized well; the partition of one that has none is ""."""
    found: dict[tuple[str, str], datetime] = {}
    newest = func.max(attempts.c.ended).label("at")
    with store.database.reading() as connection:
        for chunk in chunks(sorted(assets)):
            query = select(attempts.c.asset, attempts.c.partition, newest).where(
                attempts.c.asset.in_(chunk), attempts.c.outcome == Outcome.OK
            )
            rows = connection.execute(query.group_by(attempts.c.asset, attempts.c.partition))
            found |= {(row.asset, row.partition): row.at for row in rows}
    return found


def newest_failed_run(store: Store, assets: Collection[str]) -> dict[str, str]:
    """The run of the newest failed attempt at each asset that ever failed."""
    found: dict[str, str] = {}
    with store.database.reading() as connection:
        for asset in sorted(assets):
            query = select(attempts.c.run_id).where(attempts.c.asset == asset, attempts.c.outcome == Outcome.FAILED)
            run = connection.execute(query.order_by(attempts.c.ended.desc()).limit(1)).scalar_one_or_none()
            if run is not None:
                found[asset] = run
    return found
