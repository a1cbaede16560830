"""The daily roll-up of old rows (docs/decisions/0027): for each asset and day one row with the sums, and the rows packed in it.

What stays a row of its own: every failure, all that has a partition, the newest proof that an asset is fresh, the newest sample.
Belongs here: what is rolled up, and when. Reading it back is `rollup_reader`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, func, select

from oso_dagster.domain.objectives.attempts import Outcome
from oso_dagster.domain.objectives.over_time.utc_days import DAY, day_of
from oso_dagster.reliability.database import Database, insert_into, lock_table
from oso_dagster.reliability.ledger.packing import pack, unpack
from oso_dagster.reliability.tables import attempts, folded_attempts, folded_samples, folding, runs, samples

KEPT = timedelta(days=60)
"""How long every row stays as it is: twice the window of the objectives."""

ATTEMPT = tuple(column.name for column in attempts.columns if column.name not in ("asset", "label"))
SAMPLE = ("at", "good", "valid")
_SAMPLE_KEY = ("service", "objective", "at", "slice")
_KEY = ("run_id", "asset", "partition", "report")
_ROLLED_UP_OUTCOMES = [Outcome.OK, Outcome.SKIPPED_UPSTREAM, Outcome.CANCELED, Outcome.NOT_EMITTED]


class DailyRollup:
    """Rolls up what is older than `KEPT`, once a day."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def roll_up(self, now: datetime) -> int:
        """Roll up what became old since the last time; how many rows. At any other time of the day: one query, nothing to do."""
        until = day_of(now - KEPT)
        with self._database.reading() as connection:
            rolled_up_until = connection.execute(select(folding.c.until)).scalar_one_or_none()
            if rolled_up_until is not None and rolled_up_until >= until:
                return 0
            assets = list(connection.execute(select(attempts.c.asset).distinct()).scalars())
        with self._database.writing() as connection:  # before anything is rolled up: from now on readers look there
            connection.execute(_moved(connection, until))
        return sum(self._asset(asset, until, now - DAY) for asset in assets) + self._samples(until)

    def _asset(self, asset: str, until: datetime, seen_before: datetime) -> int:
        """A run that was found within a day may still be written by a slow fill, which must find its rows."""
        with self._database.writing() as connection:
            lock_table(connection, folded_attempts)
            rows = _rows_to_roll_up(connection, asset, until, seen_before)
            days: dict[tuple[datetime, str], list[Row[Any]]] = defaultdict(list)
            for row in rows:
                days[day_of(row.ended), row.label].append(row)
            for (day, label), day_rows in days.items():
                _roll_up_day(connection, {"asset": asset, "day": day, "label": label}, day_rows)
            if rows:
                gone = delete(attempts).where(*(attempts.c[name] == bindparam(f"key_{name}") for name in _KEY))
                connection.execute(gone, [{f"key_{name}": getattr(row, name) for name in _KEY} for row in rows])
        return len(rows)

    def _samples(self, until: datetime) -> int:
        with self._database.writing() as connection:
            lock_table(connection, folded_samples)
            old = _old_samples(connection, until)
            days: dict[tuple[Any, ...], list[Row[Any]]] = defaultdict(list)
            for row in old:
                days[row.service, row.objective, day_of(row.at), row.slice].append(row)
            for key, day_rows in days.items():
                where = dict(zip(("service", "objective", "day", "slice"), key, strict=True))
                before = _packed(connection, folded_samples, where, SAMPLE)
                every = [*before, *({name: getattr(row, name) for name in SAMPLE} for row in day_rows)]
                values: dict[str, Any] = {name: sum(row[name] for row in every) for name in ("good", "valid")}
                values["packed"] = pack([row[name] for name in SAMPLE] for row in every)
                _write(connection, folded_samples, where, values)
            if old:
                gone = delete(samples).where(*(samples.c[name] == bindparam(f"key_{name}") for name in _SAMPLE_KEY))
                connection.execute(gone, [{f"key_{name}": getattr(row, name) for name in _SAMPLE_KEY} for row in old])
        return len(old)


def _rows_to_roll_up(connection: Connection, asset: str, until: datetime, seen_before: datetime) -> list[Row[Any]]:
    mine = attempts.c.asset == asset
    good = (mine, attempts.c.outcome == Outcome.OK)
    newest = {
        connection.execute(select(func.max(attempts.c.ended)).where(*good)).scalar_one(),
        connection.execute(select(func.max(attempts.c.ended)).where(*good, attempts.c.audited.is_(True))).scalar_one(),
    }
    event = connection.execute(select(func.max(attempts.c.newest_event)).where(*good)).scalar_one()
    old = (
        attempts.c.outcome.in_(_ROLLED_UP_OUTCOMES),
        attempts.c.ended < until,
        attempts.c.partition == "",
        runs.c.seen_at < seen_before,
    )
    query = select(attempts).join(runs, runs.c.run_id == attempts.c.run_id).where(mine, *old)
    rows = connection.execute(query.order_by(attempts.c.ended, attempts.c.run_id))
    return [row for row in rows if row.ended not in newest and (row.newest_event is None or row.newest_event != event)]


def _old_samples(connection: Connection, until: datetime) -> list[Row[Any]]:
    """All but the newest of each objective: that it ever had data must not be forgotten."""
    own = (samples.c.service, samples.c.objective)
    newest = {tuple(row) for row in connection.execute(select(*own, func.max(samples.c.at)).group_by(*own))}
    rows = connection.execute(select(samples).where(samples.c.at < until).order_by(samples.c.at))
    return [row for row in rows if (row.service, row.objective, row.at) not in newest]


def _roll_up_day(connection: Connection, where: dict[str, Any], day_rows: Sequence[Row[Any]]) -> None:
    before = _packed(connection, folded_attempts, where, ATTEMPT)
    every = [*before, *({name: getattr(row, name) for name in ATTEMPT} for row in day_rows)]
    good = [row for row in every if row["outcome"] == Outcome.OK]
    values = {
        "good": sum(row["counted"] or 0 for row in every),
        "last_good": max((row["ended"] for row in good), default=None),
        "last_audited": max((row["ended"] for row in good if row["audited"]), default=None),
        "packed": pack([row[name] for name in ATTEMPT] for row in every),
    }
    _write(connection, folded_attempts, where, values)


def _packed(connection: Connection, table: Any, where: dict[str, Any], columns: Sequence[str]) -> list[dict[str, Any]]:
    """What a rolled-up day holds already: a row may become old later than its day did."""
    query = select(table.c.packed).where(*(table.c[name] == value for name, value in where.items()))
    packed = connection.execute(query).scalar_one_or_none()
    return [] if packed is None else unpack(packed, columns)


def _write(connection: Connection, table: Any, where: dict[str, Any], values: dict[str, Any]) -> None:
    insert = insert_into(connection, table).values(**where, **values)
    connection.execute(insert.on_conflict_do_update(index_elements=list(where), set_=values))


def _moved(connection: Connection, until: datetime) -> Any:
    insert = insert_into(connection, folding).values(id=1, until=until)
    return insert.on_conflict_do_update(index_elements=["id"], set_={"until": until})
