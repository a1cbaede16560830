"""Random histories of attempts, and what they are worth by brute force, for tests that compare."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from random import Random

from oso_dagster.domain.objectives.attempts import Attempt, Label, Outcome

EPOCH = datetime(2026, 3, 1, tzinfo=UTC)
PATIENCE = timedelta(hours=1)
_ENDS = [*[Outcome.OK] * 6, *[Outcome.FAILED] * 5, Outcome.CANCELED, Outcome.SKIPPED_UPSTREAM, Outcome.NOT_EMITTED]


def history(dice: Random, families: int, *, label: Label = Label.CORE, prefix: str = "") -> list[Attempt]:
    """Attempts of `families` families at up to three assets, with automatic retries, some of them never made."""
    attempts: list[Attempt] = []
    for number in range(families):
        begin = EPOCH + timedelta(minutes=dice.randrange(60 * 60))
        first, last = f"{prefix}{number}-0", dice.choice([0, 0, 0, 1, 2])
        units = [(f"shop/{name}", dice.choice([None, "p1"])) for name in dice.sample("abc", dice.randint(1, 3))]
        for turn in range(last + 1):
            waits = turn < last or dice.random() < 0.15
            for asset, partition in units:
                pending = turn == last and dice.random() < 0.05
                outcome = Outcome.PENDING if pending else Outcome.FAILED if turn < last else dice.choice(_ENDS)
                ended = None if pending else begin + timedelta(minutes=20 * turn + dice.randrange(15))
                attempts.append(
                    Attempt(f"{prefix}{number}-{turn}", asset, partition, label, outcome, first, begin, ended, will_retry=waits)
                )
    return attempts


def families_by_brute_force(attempts: list[Attempt], since: datetime, now: datetime) -> dict[str, tuple[int, int]]:
    """Good and valid per asset, by asking each unit every question anew."""
    sums: dict[str, tuple[int, int]] = {}
    for family, asset, partition in {(attempt.family, attempt.asset, attempt.partition) for attempt in attempts}:
        unit = [
            attempt for attempt in attempts if (attempt.family, attempt.asset, attempt.partition) == (family, asset, partition)
        ]
        goods = sorted(attempt.ended for attempt in unit if attempt.outcome is Outcome.OK and attempt.ended)
        at, good = None, 0
        if goods:
            at, good = goods[0], 1
        elif all(attempt.ended for attempt in unit):
            last = max(unit, key=lambda attempt: attempt.ended or EPOCH)
            if last.outcome is Outcome.FAILED and last.ended:
                at = last.ended + (PATIENCE if last.will_retry else timedelta(0))
        if at is not None and since < at <= now:
            before = sums.get(asset, (0, 0))
            sums[asset] = before[0] + good, before[1] + 1
    return sums


def attempts_by_brute_force(attempts: list[Attempt], since: datetime, now: datetime) -> dict[str, tuple[int, int]]:
    """Good and valid attempts per asset."""
    sums: dict[str, tuple[int, int]] = {}
    for attempt in attempts:
        if attempt.ended is not None and since < attempt.ended <= now and attempt.outcome in (Outcome.OK, Outcome.FAILED):
            before = sums.get(attempt.asset, (0, 0))
            sums[attempt.asset] = before[0] + (attempt.outcome is Outcome.OK), before[1] + 1
    return sums


def verdict_by_brute_force(good: int, valid: int, target: int) -> str:
    """By fractions, without any of the formulas under test."""
    if not valid:
        return "no_data"
    share, wanted = Fraction(good, valid), Fraction(target, 10_000)
    if share < wanted:
        return "breached"
    return "at_risk" if wanted < 1 and (1 - share) * 4 >= 3 * (1 - wanted) else "compliant"
