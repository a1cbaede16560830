"""The money of the world: grants from invented funders to projects. Pure; the random stream and the day are arguments."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from random import Random
from typing import Any

from oso_dagster.sandbox.world.awkward import GRANT_CASES
from oso_dagster.sandbox.world.entities import Grant
from oso_dagster.sandbox.world.vocabulary import FUNDERS

GRANTS = 400
"""How many rows the funding file has, awkward ones and copies included."""

BLANK_SHARE = 0.18
HISTORY_DAYS = 900


def grants(rng: Random, names: Sequence[str], today: date) -> tuple[Grant, ...]:
    """All grants in the order of the file: funder by funder and pool by pool, newest last."""
    awkward = [
        grant
        for case in GRANT_CASES
        for grant in [_grant(rng, case.to_project_name, today, case.amount, dict(case.metadata))] * case.copies
    ]
    ordinary = [_grant(rng, _recipient(rng, names), today) for _ in range(GRANTS - len(awkward))]
    return tuple(sorted(awkward + ordinary, key=lambda g: (g.from_funder_name, g.grant_pool_name, g.funding_date)))


def _recipient(rng: Random, names: Sequence[str]) -> str:
    return "" if rng.random() < BLANK_SHARE else rng.choice(names)


def _grant(rng: Random, project: str, today: date, amount: float | None = None, metadata: dict[str, Any] | None = None) -> Grant:
    funder, pools, unit, price = rng.choice(FUNDERS)
    pool = rng.randrange(len(pools))
    tokens = rng.randint(500, 90_000) / 10 / price
    # Later pools are younger: each covers its share of the history.
    span = HISTORY_DAYS // len(pools)
    age = timedelta(days=(len(pools) - 1 - pool) * span + rng.randrange(span))
    if metadata is None:
        metadata = {
            "application_name": project or "An unlisted project",
            "token_amount": round(tokens, 2),
            "token_unit": unit,
        }
    return Grant(
        to_project_name=project,
        amount=tokens * price if amount is None else amount,
        funding_date=today - age,
        from_funder_name=funder,
        grant_pool_name=pools[pool],
        metadata=metadata,
        file_path=f"data/funders/{funder}/uploads/{pools[pool]}.csv",
    )
