"""What attempts add to their objectives, worked out when they are recorded. The rules are those of `domain.objectives.attempts`.

Nearly every family is one run, whose attempts are judged as they come. A family with several runs, one that is reported anew, and
one that reported its attempts one by one are read whole and judged again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Row, and_, not_, select

from oso_dagster.domain.objectives.attempts import Attempt, Counted, Outcome, RunState, count_families, count_single
from oso_dagster.reliability.ledger.attempt_rows import attempt_of, chunks, joined, key_of, update_counted
from oso_dagster.reliability.ledger.run_rows import RunRow
from oso_dagster.reliability.tables import attempts, runs


def judge_single_attempts(run_rows: Iterable[RunRow], new_attempts: Iterable[Attempt]) -> list[tuple[Attempt, Counted | None]]:
    """Each attempt with what it adds if it is the only one at its unit."""
    waiting = {run.run_id for run in run_rows if run.will_retry}
    failed = Outcome.FAILED
    marked = (
        attempt._replace(will_retry=True) if attempt.outcome is failed and attempt.run_id in waiting else attempt
        for attempt in new_attempts
    )
    return [(attempt, count_single(attempt)) for attempt in marked]


def families_to_judge(connection: Connection, run_rows: Sequence[RunRow], new_attempts: Iterable[Attempt]) -> set[str]:
    """The families among these whose attempts cannot be judged one by one; asked before the runs are updated."""
    families = {attempt.family for attempt in new_attempts if attempt.reported}
    families |= {run.family for run in run_rows if run.family != run.run_id}
    doubtful = {run.run_id: run.family for run in run_rows if run.state is not RunState.SUCCEEDED}
    for chunk in chunks(sorted(doubtful)):
        judged_before = select(runs.c.run_id).where(runs.c.run_id.in_(chunk), runs.c.state != RunState.ACTIVE)
        families |= {doubtful[run_id] for run_id in connection.execute(judged_before).scalars()}
        retried = select(runs.c.family).where(and_(runs.c.family.in_(chunk), runs.c.family != runs.c.run_id))
        families |= set(connection.execute(retried).scalars())
    return families


def rejudge_families(connection: Connection, families: Collection[str]) -> None:
    """Judge families as a whole, and write what changed."""
    for chunk in chunks(sorted(families)):
        _judge(connection, _entangled(connection, chunk))


def judge_anew(connection: Connection, families: Collection[str]) -> None:
    """The same without assuming that anything of them was judged before: some had no label then."""
    for chunk in chunks(sorted(families)):
        _judge(connection, list(connection.execute(joined().where(runs.c.family.in_(chunk)))))


def _judge(connection: Connection, rows: Sequence[Row[Any]]) -> None:
    changed = []
    read = [attempt_of(row) for row in rows]
    adds = {key_of(count.attempt): count for count in count_families(read)}
    for row, attempt in zip(rows, read, strict=True):
        count = adds.get(key_of(attempt))
        if (row.counted, row.counted_at) != ((int(count.good), count.at) if count else (None, None)):
            changed.append((attempt, count))
    update_counted(connection, changed)


def _entangled(connection: Connection, families: Sequence[str]) -> list[Row[Any]]:
    """The attempts of families that share their unit with another one, or failed; what is plainly good by itself stays so.

    Most of a run that is retried was good at once: it is read only where a retry did it again.
    """
    plain = and_(attempts.c.run_id == runs.c.family, attempts.c.outcome == Outcome.OK, attempts.c.report == "")
    rows = list(connection.execute(joined().where(runs.c.family.in_(families), not_(plain))))
    first = {(row.family, row.asset, row.partition) for row in rows if row.run_id == row.family}
    again = sorted({row.family for row in rows if (row.family, row.asset, row.partition) not in first})
    return rows + list(connection.execute(joined().where(runs.c.family.in_(again), plain)))
