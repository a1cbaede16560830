"""What became of one attempt at an asset, and what a family of attempts is worth.

Belongs here: outcome classes, their derivation from plain facts of a run, families and their judgement. Does not: where the
facts come from (`orchestration.ledger.asset_events`), what share of good ones is promised (`domain.objectives.slo`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

RETRY_PATIENCE = timedelta(hours=1)
"""How long a family may wait for its announced automatic retry; after that nobody retries, and it has failed."""


class Label(StrEnum):
    """The class an asset is measured in; platform assets have none and count nowhere."""

    CORE = "core"
    UNSTABLE = "unstable"
    SQLMESH = "sqlmesh"


_DEPLOYMENT = "deployment"

REGARDLESS_OF_RETRIES = frozenset({Label.SQLMESH})
"""The labels whose every attempt counts; of the others a family counts once."""

_FOREVER = datetime.max.replace(tzinfo=UTC)


class Outcome(StrEnum):
    """How one attempt ended. Only `ok` and `failed` are counted; `pending` is read again."""

    OK = "ok"
    FAILED = "failed"
    SKIPPED_UPSTREAM = "skipped_upstream"
    CANCELED = "canceled"
    NOT_EMITTED = "not_emitted"
    PENDING = "pending"


class RunState(StrEnum):
    """Where a run stands; `deleted` means that its record is gone before its end was read."""

    ACTIVE = "active"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    DELETED = "deleted"


class StepEnd(StrEnum):
    """How the step of an asset ended, once it did.

    A crash is a process that ended without a message; `refused` means that a blocking check failed after the write.
    """

    SUCCEEDED = "succeeded"
    SKIPPED = "skipped"
    FAILED = "failed"
    CRASHED = "crashed"
    REFUSED = "refused"
    INTERRUPTED = "interrupted"


BROKEN = frozenset({StepEnd.FAILED, StepEnd.CRASHED, StepEnd.REFUSED})
"""The ends of a step that failed."""


@dataclass(frozen=True)
class AttemptFacts:
    """What is known of one planned (asset, partition) in one run; `shared`: its step makes others too, one after the other."""

    run: RunState
    step: StepEnd | None
    materialized: bool
    upstream_failed: bool = False
    shared: bool = False


class Attempt(NamedTuple):
    """One row of the ledger. `label` None: who recorded it did not know the asset; it counts once somebody does.

    `family` is the run that the automatic retries go back to; `will_retry` says that Dagster announced one more;
    `reported` attempts were reported one by one by the SQLMesh bridge; `step_retries` None is not known. `audited`: whether all
    checks of it passed, None where that is not needed; `newest_event` is the newest event time of its rows, where it is watched.
    """

    run_id: str
    asset: str
    partition: str | None
    label: Label | None
    outcome: Outcome
    family: str
    started: datetime | None
    ended: datetime | None
    cause: str = ""
    rows: int | None = None
    will_retry: bool = False
    reported: bool = False
    step_retries: int | None = None
    audited: bool | None = None
    newest_event: datetime | None = None


class Judgement(StrEnum):
    """What a family is worth for one asset and partition."""

    GOOD = "good"
    BAD = "bad"
    UNCOUNTED = "uncounted"
    PENDING = "pending"


class Counted(NamedTuple):
    """What an attempt adds to the objective of its label, from `at` on: the attempt that decides about its family, or itself."""

    attempt: Attempt
    good: bool
    at: datetime


@dataclass(frozen=True)
class JudgedFamily:
    """One materialization in the sense of the objectives: judged once, at `at`; the last attempt has the cause."""

    judgement: Judgement
    at: datetime | None
    last: Attempt


def classify(facts: AttemptFacts) -> Outcome:
    """The outcome of a planned attempt. A step that failed has failed, also when it materialized before.

    Only what landed before a shared step failed at something else is there: a day of a range, one asset of several.
    """
    if facts.step in BROKEN:
        landed = facts.materialized and facts.shared and facts.step is not StepEnd.REFUSED
        return Outcome.OK if landed else Outcome.FAILED
    if facts.step in (StepEnd.SUCCEEDED, StepEnd.SKIPPED):
        return Outcome.OK if facts.materialized else Outcome.NOT_EMITTED
    if facts.run is RunState.ACTIVE:
        return Outcome.PENDING
    return Outcome.OK if facts.materialized else _never_finished(facts)


def classify_unreported(facts: AttemptFacts) -> Outcome:
    """The outcome of an asset whose attempts are reported one by one, in a run that reported none for it.

    A model that was up to date is not attempted. A process that died before its report has failed at all of them; one that ended
    by itself has named what failed, or failed as a whole before any (`deployment_of`).
    """
    outcome = classify(facts)
    return Outcome.NOT_EMITTED if outcome is Outcome.OK or facts.step is StepEnd.FAILED else outcome


def deployment_of(step: str) -> str:
    """Under which name the ledger keeps a failure of a whole step of models that none of them is to blame for."""
    return f"{step}/{_DEPLOYMENT}"


def is_deployment(asset: str) -> bool:
    """Whether this is the name of such a failure, and not of an asset."""
    return asset.endswith(f"/{_DEPLOYMENT}")


def judge_family(unit: Sequence[Attempt], now: datetime) -> JudgedFamily:
    """Judge one unit: all attempts of one family at one asset and partition.

    Good as soon as one attempt is, since nothing later can change it; bad when the last one failed and no retry is to come.
    """
    ordered = sorted(unit, key=_order)
    last = ordered[-1]
    good = next((attempt for attempt in ordered if attempt.outcome is Outcome.OK), None)
    if good is not None:
        return JudgedFamily(Judgement.GOOD, good.ended, good)
    if last.outcome is Outcome.PENDING or last.ended is None:
        return JudgedFamily(Judgement.PENDING, None, last)
    if last.outcome is not Outcome.FAILED:
        return JudgedFamily(Judgement.UNCOUNTED, last.ended, last)
    over = last.ended + RETRY_PATIENCE if last.will_retry else last.ended
    return JudgedFamily(Judgement.BAD, over, last) if over <= now else JudgedFamily(Judgement.PENDING, None, last)


def judge_families(attempts: Iterable[Attempt], now: datetime) -> list[JudgedFamily]:
    """Judge every unit among `attempts`, in the order in which the units first appear."""
    units: dict[tuple[str, str, str | None], list[Attempt]] = defaultdict(list)
    for attempt in attempts:
        units[attempt.family, attempt.asset, attempt.partition].append(attempt)
    return [judge_family(unit, now) for unit in units.values()]


def count_families(attempts: Iterable[Attempt]) -> Iterator[Counted]:
    """What whole families add to the objectives, each by the rule of its label.

    A failure that waits for its retry counts from when patience with it is over; at any time before, nothing of it counts.
    """
    forgiving = []
    for attempt in attempts:
        if attempt.label is None:
            continue
        if attempt.label not in REGARDLESS_OF_RETRIES:
            forgiving.append(attempt)
        elif attempt.outcome in (Outcome.OK, Outcome.FAILED) and attempt.ended is not None:
            yield Counted(attempt, attempt.outcome is Outcome.OK, attempt.ended)
    for judged in judge_families(forgiving, _FOREVER):
        if judged.at is not None and judged.judgement in (Judgement.GOOD, Judgement.BAD):
            yield Counted(judged.last, judged.judgement is Judgement.GOOD, judged.at)


def count_single(attempt: Attempt) -> Counted | None:
    """The same for the only attempt at its unit, as nearly all are."""
    if attempt.label is None or attempt.ended is None or attempt.outcome not in (Outcome.OK, Outcome.FAILED):
        return None
    waits = attempt.will_retry and attempt.outcome is Outcome.FAILED and attempt.label not in REGARDLESS_OF_RETRIES
    return Counted(attempt, attempt.outcome is Outcome.OK, attempt.ended + RETRY_PATIENCE if waits else attempt.ended)


def _never_finished(facts: AttemptFacts) -> Outcome:
    if facts.run is RunState.SUCCEEDED:
        return Outcome.NOT_EMITTED
    if facts.upstream_failed:
        return Outcome.SKIPPED_UPSTREAM
    return Outcome.FAILED if facts.run is RunState.FAILED else Outcome.CANCELED


def _order(attempt: Attempt) -> tuple[bool, float]:
    """Attempts that have not ended come last."""
    return (True, 0.0) if attempt.ended is None else (False, attempt.ended.timestamp())
