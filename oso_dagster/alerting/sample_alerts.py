"""One incident of every kind: what `oso alerts preview` shows and `oso alerts test` sends.

The facts are invented; what is made of them is what is made of real ones. Nothing in them is read from anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from fractions import Fraction

from oso_dagster.domain.alerts import asset_signals, objective_signals
from oso_dagster.domain.alerts.alert_links import AlertLinks, OwnedAsset
from oso_dagster.domain.alerts.announcement import Announcement, AnnouncementKind
from oso_dagster.domain.alerts.announcing import Signal
from oso_dagster.domain.alerts.collecting import digest_of, storm_of
from oso_dagster.domain.alerts.incident import Incident, Kind, Severity, State
from oso_dagster.domain.alerts.sprint import HYSTERESIS, Guilty, ObjectiveFinding, Sprint, SprintPhase, acknowledge, advance
from oso_dagster.domain.alerts.weekly import ObjectiveWeek, Remark, RetiredSource, Week, weekly_of
from oso_dagster.domain.coverage.comparison import Comparison
from oso_dagster.domain.judging.lost_rows import LostRows
from oso_dagster.domain.objectives.attempts import Label
from oso_dagster.domain.objectives.burn import TIERS, Burning
from oso_dagster.domain.objectives.failed_family import FailedFamily
from oso_dagster.domain.objectives.objectives import objective_of
from oso_dagster.domain.objectives.over_time.history import Spell
from oso_dagster.domain.objectives.over_time.silence import Silence
from oso_dagster.domain.objectives.slo import Assessment, Tally, Verdict, evaluate

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_RUN = "6f1d2c9e-0000-4000-8000-000000000000"
_PLACES = AlertLinks(
    "http://127.0.0.1:3000",
    "https://status.example.org/",
    "team:platform",
    "https://github.com/opensource-observer/oso/blob/main/docs/runbooks.md",
)
_PROJECTS = OwnedAsset("oss_directory/projects", Label.CORE, "team:data", "core_source_data")
_EVENTS = OwnedAsset("github/events", Label.CORE, "team:data", "core_source_data")
_DOWNLOADS = OwnedAsset("npm/downloads", Label.UNSTABLE, "team:data", "unstable_source_data")
_FEES = OwnedAsset("defillama/fees", Label.UNSTABLE, "team:data", "unstable_source_data")
_MODEL = OwnedAsset("marts/projects_v1", Label.SQLMESH, "team:models", "sqlmesh")


def stories(world: str, now: datetime) -> list[Sequence[Announcement]]:
    """The announcements of one incident of each kind; of the sprint all of them: raised, acknowledged, reminded, recovered."""
    return [_sprint(world, now), *([_raised(incident, world)] for incident in _incidents(now))]


def test_story(world: str, now: datetime) -> Sequence[Announcement]:
    """A test that opens and ends at once, so that nobody is left with an open incident."""
    about = _test(now)
    return [_raised(about, world), _announcement(AnnouncementKind.RECOVERED, 2, _over(about, now), world)]


def _sprint(world: str, now: datetime) -> Sequence[Announcement]:
    missed = _finding(now, Verdict.BREACHED, 28)
    opened = _known(advance(None, missed))
    taken = acknowledge(opened, "ada", now + _HOUR)
    met = _known(advance(taken, _finding(now + 29 * _HOUR, Verdict.COMPLIANT, 29)))
    raised, seen, watched = (objective_signals.sprint(sprint, _PLACES).incident for sprint in (opened, taken, met))
    return [
        _raised(raised, world),
        _announcement(AnnouncementKind.UPDATED, 2, seen, world),
        replace(_announcement(AnnouncementKind.REMINDED, 3, seen, world), at=now + 25 * _HOUR),
        _announcement(AnnouncementKind.RECOVERED, 4, _over(watched, now + 29 * _HOUR + HYSTERESIS), world),
    ]


def _finding(at: datetime, verdict: Verdict, good: int) -> ObjectiveFinding:
    """The freshness of 29 core assets, of which so many are fresh."""
    objective = objective_of("core_source_data.data_freshness")
    guilty = (Guilty(_PROJECTS.asset, _PROJECTS.owner, 1, 1, "last good 50 h ago, promised within 1 d 12 h", _RUN),)
    return ObjectiveFinding(
        objective.id,
        objective.service,
        verdict,
        f"{good} of 29 assets are fresh; the target is all of them",
        good,
        29,
        objective.target,
        at,
        guilty,
        f"Open the newest runs of {_PROJECTS.asset} in Dagster, fix the cause, and materialize them again.",
    )


def _incidents(now: datetime) -> list[Incident]:
    """One of each kind but the sprint, in the order of the kinds."""
    alone = [signal.incident for signal in (*_of_assets(now), *_of_objectives(now))]
    unstable = [
        asset_signals.stale(asset, "last good 5 d ago, promised within 3 d", now, _PLACES) for asset in (_DOWNLOADS, _FEES)
    ]
    unwell = [signal.incident for signal in unstable]
    together = [digest_of([unwell[0], _over(unwell[1], now)], now), storm_of([*alone, *unwell], now)]
    return sorted([*alone, *together, _week(now), _test(now)], key=lambda incident: list(Kind).index(incident.kind))


def _of_assets(now: datetime) -> list[Signal]:
    failed = FailedFamily(
        _EVENTS.asset, "2026-03-01", _RUN, _RUN, now, "github.events[2026-03-01]: the server answers 503", Label.CORE, in_a_row=2
    )
    check = asset_signals.FailedCheck(_MODEL.asset, "unique_values", "12 rows stand twice", _RUN, now)
    return [
        asset_signals.failed(failed, _EVENTS, _PLACES, now),
        asset_signals.stale(_PROJECTS, "last good 50 h ago, promised within 1 d 12 h", now, _PLACES),
        asset_signals.failed_check(check, _MODEL, _PLACES),
        asset_signals.drift(asset_signals.SchemaDrift(_PROJECTS.asset, ("projects.colour",), _RUN, now), _PROJECTS, _PLACES),
        asset_signals.lost(
            LostRows(_EVENTS.asset, ("2026-03-01", "2026-03-02"), True, "ingest_github_daily"), _EVENTS, now, _PLACES
        ),
        asset_signals.long_run(
            asset_signals.LongRun("ingest_github_daily", (_EVENTS.asset,), _RUN, now - 3 * _HOUR, 2 * _HOUR, 4 * _HOUR),
            _EVENTS,
            _PLACES,
            now,
        ),
        asset_signals.silent(asset_signals.LastHeartbeat("daemon sensor", now - _HOUR, timedelta(minutes=1)), _PLACES, now),
    ]


def _of_objectives(now: datetime) -> list[Signal]:
    requests = objective_of("public_applications.requests")
    burning = (Burning(TIERS[0], Fraction(162, 10), Fraction(15)),)
    models, probe = objective_of("sqlmesh.materialization_reliability"), objective_of("public_applications.availability")
    below = Assessment(objective_of("unstable_source_data.materialization_reliability"), Verdict.BREACHED, 12, 29, (), now)
    signals = [
        objective_signals.burning(evaluate(requests, [Tally("api", 9_950, 10_000)], now, burning), _PLACES),
        objective_signals.budget_spent(evaluate(models, [Tally(_MODEL.asset, 992, 1_000)], now), _PLACES),
        objective_signals.removal(_FEES, below, _PLACES),
        objective_signals.no_data(Silence(probe, now - 2 * _HOUR), _PLACES, now),
    ]
    return [signal for signal in signals if signal is not None]


def _week(now: datetime) -> Incident:
    fresh = _finding(now, Verdict.COMPLIANT, 29)
    sprint = _known(advance(None, _finding(now - 2 * _DAY, Verdict.BREACHED, 28)))
    closed = replace(sprint, phase=SprintPhase.CLOSED, closed_at=now - 2 * _DAY + 26 * _HOUR)
    stars = Comparison("github/events", "WatchEvent", now, 930, 1_100, 1_100, 9_500, sampled=True, items=140, draws=180.5)
    return weekly_of(
        Week(
            until=now,
            objectives=[
                ObjectiveWeek(fresh.objective, fresh.verdict, fresh.summary, "", [Spell(now - 2 * _DAY, now - _DAY)]),
                ObjectiveWeek("sqlmesh.materialization_reliability", Verdict.AT_RISK, "99.2 % of 1,000", "2 of 10 failures left"),
                ObjectiveWeek("consumer_trino.queries", Verdict.NO_DATA, "", ""),
            ],
            sprints=[closed],
            notices=[Remark("l2beat/tvs", "l2beat.tvs: upstream announces: l2beat.com: will not answer after 2027-03-01", now)],
            set_aside=[Remark(_FEES.asset, "defillama.fees: 2 of 240 items set aside: sbx-one, sbx-two", now - 3 * _DAY)],
            coverage=[stars],
            retired=[RetiredSource("gitcoin", date(2025, 5, 31), "Grants Lab has closed")],
        ),
        _PLACES,
    )


def _test(now: datetime) -> Incident:
    return Incident(
        "test:test",
        Kind.TEST,
        Severity.INFO,
        "",
        "",
        _PLACES.owner,
        "This is a test: nothing is wrong",
        now,
        now,
        body=("sent by `oso alerts test`",),
        links=_PLACES.links(Kind.TEST),
        next_step="Nothing has to be done.",
    )


def _over(about: Incident, at: datetime) -> Incident:
    return replace(about, state=State.RECOVERED, updated_at=at, closed_at=at)


def _raised(about: Incident, world: str) -> Announcement:
    return _announcement(AnnouncementKind.RAISED, 1, about, world)


def _announcement(why: AnnouncementKind, sequence: int, about: Incident, world: str) -> Announcement:
    return Announcement(why, sequence, about, world, about.updated_at)


def _known(sprint: Sprint | None) -> Sprint:
    if sprint is None:
        raise ValueError("an objective that is missed has a sprint")
    return sprint
