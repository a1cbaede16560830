"""One invented incident of every kind, as it develops: what `oso alerts preview` shows and `oso alerts test` sends.

The texts are like those of real incidents; nothing in them is read from anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from oso_dagster.domain.announcement import Announcement, Said
from oso_dagster.domain.incident import Field, Incident, Kind, Link, Severity, State

_HOUR = timedelta(hours=1)
_DAGSTER, _STATUS = "http://127.0.0.1:3000", "https://status.example.org"


@dataclass(frozen=True)
class Sample:
    """What differs between the kinds."""

    kind: Kind
    severity: Severity
    about: str
    title: str
    body: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    next_step: str
    service: str = "core_source_data"
    owner: str = "team:data-platform"


_SAMPLES = (
    Sample(
        Kind.SPRINT,
        Severity.PAGE,
        "core_source_data.data_freshness",
        "core_source_data.data_freshness is breached",
        ("1 of 14 assets is later than promised", "oss_directory/projects: last good 50 h ago, promised within 36 h"),
        (("SLI", "13 of 14"), ("Target", "all"), ("Guilty", "oss_directory/projects")),
        "Look at the failed runs of oss_directory/projects, mend the cause, and materialize it again.",
    ),
    Sample(
        Kind.FAILED_MATERIALIZATION,
        Severity.PAGE,
        "defillama/tvl",
        "defillama/tvl failed, after 3 tries",
        ("HTTP 503 from the upstream at every try: `upstream connect error`",),
        (("Asset", "defillama/tvl"), ("Partition", "2026-03-01"), ("Tries", "3")),
        "See whether the upstream is down; materialize the partition again when it is not.",
    ),
    Sample(
        Kind.STALE_ASSET,
        Severity.PAGE,
        "github/events",
        "github/events is stale",
        ("last good 7 h ago, promised within 6 h",),
        (("Asset", "github/events"),),
        "Look at its last runs.",
    ),
    Sample(
        Kind.FAILED_CHECK,
        Severity.TICKET,
        "int_events/unique_values",
        "Check unique_values of int_events failed",
        ("12 rows stand twice",),
        (("Asset", "int_events"),),
        "Run the audit's query, and mend the model.",
        "sqlmesh",
        "team:models",
    ),
    Sample(
        Kind.BURN_RATE,
        Severity.PAGE,
        "consumer_trino.queries",
        "consumer_trino.queries burns its budget 16 times too fast",
        ("1 h: 16.2, 5 min: 15.0; it fires above 14.4",),
        (("Budget left", "61 %"),),
        "Look at the failed queries of the last hour.",
        "consumer_trino",
    ),
    Sample(
        Kind.SCHEMA_DRIFT,
        Severity.TICKET,
        "npm/downloads",
        "npm/downloads changed its columns",
        ("new: `downloads_total`", "gone: `downloads`"),
        (("Asset", "npm/downloads"),),
        "Declare the new columns, or ask the upstream.",
    ),
    Sample(
        Kind.SILENT,
        Severity.PAGE,
        "daemon",
        "Dagster's daemon is silent",
        ("no tick for 9 minutes; one is expected every minute",),
        (),
        "Look whether the daemon runs, and start it again.",
        "",
    ),
    Sample(
        Kind.BUDGET_SPENT,
        Severity.TICKET,
        "sqlmesh.materialization_reliability",
        "sqlmesh.materialization_reliability has spent 80 % of its budget",
        ("2 of 10 failures left",),
        (("SLI", "99.2 %"),),
        "Hold back risky changes until the window has moved on.",
        "sqlmesh",
        "team:models",
    ),
    Sample(
        Kind.REMOVAL_PROPOSAL,
        Severity.TICKET,
        "gitcoin/votes",
        "gitcoin/votes may be removed: 41 % good for 30 days",
        ("its target is 75 %",),
        (("Asset", "gitcoin/votes"),),
        "Mend it, or remove it from the catalogue.",
        "unstable_source_data",
    ),
    Sample(
        Kind.NO_DATA,
        Severity.TICKET,
        "public_applications.availability",
        "public_applications.availability has had no data for 2 h",
        ("the last probe reported at 09:58 UTC",),
        (),
        "Look whether the probes run.",
        "public_applications",
    ),
    Sample(
        Kind.DIGEST,
        Severity.INFO,
        "unstable_source_data",
        "Unstable data: 3 things since yesterday",
        ("gitcoin/votes failed twice", "npm/downloads is stale since 3 h", "growthepie/metrics recovered"),
        (),
        "Nothing is urgent.",
        "unstable_source_data",
    ),
    Sample(
        Kind.STORM,
        Severity.PAGE,
        "storm",
        "14 things at once",
        tuple(f"source_{number}/table failed: no space left on device" for number in range(1, 15)),
        (("Pages", "9"), ("Tickets", "5")),
        "Look for what they have in common.",
        "",
    ),
    Sample(
        Kind.TEST,
        Severity.INFO,
        "test",
        "This is a test: nothing is wrong",
        ("sent by `oso alerts test`",),
        (),
        "Nothing has to be done.",
        "",
    ),
)


def stories(world: str, now: datetime) -> list[Sequence[Announcement]]:
    """What is said of one incident of each kind; the sprint's story is told whole: raised, acknowledged, reminded, recovered."""
    return [_whole(sample, world, now) if sample.kind is Kind.SPRINT else [_raised(sample, world, now)] for sample in _SAMPLES]


def test_story(world: str, now: datetime) -> Sequence[Announcement]:
    """A test that opens and ends at once, so that nobody is left with an open incident."""
    raised = _raised(_SAMPLES[-1], world, now)
    return [replace(raised, at=now), _later(raised, 2, Said.RECOVERED, timedelta(0))]


def _whole(sample: Sample, world: str, now: datetime) -> Sequence[Announcement]:
    raised = _raised(sample, world, now)
    taken = _later(raised, 2, Said.UPDATED, _HOUR, State.ACKNOWLEDGED)
    over = _later(taken, 4, Said.RECOVERED, 30 * _HOUR)
    met = replace(over.incident, title=f"{sample.about} is met again", body=("all of 14 assets, for 2 h",))
    return [raised, taken, _later(taken, 3, Said.REMINDED, 25 * _HOUR), replace(over, incident=met)]


def _later(said: Announcement, sequence: int, why: Said, after: timedelta, state: State | None = None) -> Announcement:
    at = said.incident.opened_at + after
    over = why is Said.RECOVERED
    state = State.RECOVERED if over else state or said.incident.state
    about = replace(said.incident, updated_at=at, state=state, closed_at=at if over else None)
    return replace(said, said=why, sequence=sequence, incident=about, at=at)


def _raised(sample: Sample, world: str, now: datetime) -> Announcement:
    anchor = sample.kind.value.replace("_", "-")
    about = Incident(
        subject=f"{sample.kind.value}:{sample.about}",
        kind=sample.kind,
        severity=sample.severity,
        service=sample.service,
        stability="",
        owner=sample.owner,
        title=sample.title,
        opened_at=now,
        updated_at=now,
        body=sample.body,
        fields=tuple(Field(name, value) for name, value in sample.facts),
        links=(
            Link("Dagster run", f"{_DAGSTER}/runs/6f1d2c9e"),
            Link("asset", f"{_DAGSTER}/assets/{sample.about}"),
            Link("status page", f"{_STATUS}/"),
            Link("runbook", f"https://github.com/opensource-observer/oso/blob/main/docs/runbooks.md#{anchor}"),
        ),
        next_step=sample.next_step,
    )
    return Announcement(Said.RAISED, 1, about, world, now)
