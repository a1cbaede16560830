"""The newest good and the newest failed attempt of a few assets; when a model was last known to be up to date."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, func, or_, select

from oso_dagster.domain.objectives.attempts import Label, Outcome, RunState, is_deployment
from oso_dagster.reliability.ledger.attempt_rows import chunks
from oso_dagster.reliability.store import Store
from oso_dagster.reliability.tables import attempts, runs


def newest_good(store: Store, assets: Collection[str]) -> dict[tuple[str, str], datetime]:
    """When each (asset, partition) was last materialized well; the partition of one that has none is "".

    Any model that was computed well shows that the deployment that failed before does so no more.
    """
    newest_by_key: dict[tuple[str, str], datetime] = {}
    newest = func.max(attempts.c.ended).label("at")
    with store.database.reading() as connection:
        for chunk in chunks(sorted(assets)):
            query = select(attempts.c.asset, attempts.c.partition, newest).where(
                attempts.c.asset.in_(chunk), attempts.c.outcome == Outcome.OK
            )
            rows = connection.execute(query.group_by(attempts.c.asset, attempts.c.partition))
            newest_by_key |= {(row.asset, row.partition): row.at for row in rows}
        for asset in filter(is_deployment, assets):
            at = connection.execute(select(newest).where(*good_model())).scalar_one()
            newest_by_key |= {(asset, ""): at} if at is not None else {}
    return newest_by_key


def good_model() -> list[ColumnElement[bool]]:
    """The condition of an attempt at some model that was good."""
    return [attempts.c.label == Label.SQLMESH, attempts.c.outcome == Outcome.OK]


def newest_up_to_date(store: Store, models: Collection[str], since: datetime | None = None) -> dict[str, datetime]:
    """When each model was last known to be up to date, if after `since`: computed well, or left as it is by a run that succeeded.

    A run that failed at something else proves nothing for what it left; a single partition proves nothing for its model.
    """
    proof = or_(attempts.c.outcome == Outcome.OK, runs.c.state == RunState.SUCCEEDED)
    whole = (attempts.c.outcome.in_([Outcome.OK, Outcome.NOT_EMITTED]), attempts.c.partition == "", proof)
    late = [] if since is None else [attempts.c.ended > since]
    at = func.max(attempts.c.ended).label("at")
    newest_by_model: dict[str, datetime] = {}
    with store.database.reading() as connection:
        for chunk in chunks(sorted(models)):
            query = select(attempts.c.asset, at).join(runs, runs.c.run_id == attempts.c.run_id)
            rows = connection.execute(query.where(attempts.c.asset.in_(chunk), *whole, *late).group_by(attempts.c.asset))
            newest_by_model |= {row.asset: row.at for row in rows}
    return newest_by_model


def newest_failed_run(store: Store, assets: Collection[str]) -> dict[str, str]:
    """The run of the newest failed attempt at each asset that ever failed."""
    newest_by_asset: dict[str, str] = {}
    with store.database.reading() as connection:
        for asset in sorted(assets):
            query = select(attempts.c.run_id).where(attempts.c.asset == asset, attempts.c.outcome == Outcome.FAILED)
            run = connection.execute(query.order_by(attempts.c.ended.desc()).limit(1)).scalar_one_or_none()
            if run is not None:
                newest_by_asset[asset] = run
    return newest_by_asset
