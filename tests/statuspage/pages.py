"""A status page to test with that shows every state, and the values to make others of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from oso_dagster.domain.objectives.attempts import Label
from oso_dagster.domain.objectives.freshness import Freshness
from oso_dagster.domain.objectives.over_time.history import DayHistory
from oso_dagster.domain.objectives.slo import ALL, Verdict
from oso_dagster.domain.status.data_sets import DataGroup, DataSet
from oso_dagster.domain.status.objective_state import ObjectiveState
from oso_dagster.domain.status.page import ServiceState, StatusPage
from oso_dagster.domain.status.public_incidents import PublicIncident, PublicPhase, Update, Work

NOW = datetime(2025, 11, 21, 9, 5, 7, tzinfo=UTC)
MONTH = timedelta(days=30)
NEVER = timedelta(0)


def days(last: Verdict = Verdict.COMPLIANT) -> tuple[DayHistory, ...]:
    """Ninety days that end with `last`: three weeks without data, then good ones with two bad and three risky among them."""
    shown = {29: Verdict.BREACHED, 28: Verdict.BREACHED, 27: Verdict.AT_RISK, 26: Verdict.AT_RISK, 60: Verdict.AT_RISK, 0: last}
    made = []
    for ago in reversed(range(90)):
        day = NOW.date() - timedelta(days=ago)
        verdict = shown.get(ago, Verdict.COMPLIANT)
        silent = ago > 68 or verdict is Verdict.NO_DATA
        made.append(DayHistory(day) if silent else DayHistory(day, verdict, 711 if verdict is Verdict.BREACHED else 719, 720, 96))
    return tuple(made)


def objective(verdict: Verdict = Verdict.COMPLIANT, *, good: int = 719, valid: int = 720, **changes: object) -> ObjectiveState:
    """An objective of the core sources."""
    values: dict[str, object] = {
        "id": "core_source_data.materialization_reliability",
        "title": "Core materializations that are good after retries",
        "verdict": verdict,
        "good": good,
        "valid": valid,
        "target": 9_900,
        "window": MONTH,
        "summary": f"{good} of {valid} materializations succeeded (99.86 %); the target is 99.00 %",
    }
    values["days"] = days(verdict)
    return ObjectiveState(**(values | changes))  # type: ignore[arg-type]


def data_set(asset: str = "oss_directory/projects", **changes: object) -> DataSet:
    """A fresh core table."""
    values: dict[str, object] = {
        "asset": asset,
        "title": "Projects of OSS Directory, one row each",
        "label": Label.CORE,
        "owner": "team:data",
        "rows": 7_112,
        "last_good": NOW - timedelta(hours=7, minutes=12),
        "fresh_within": timedelta(hours=36),
        "freshness": Freshness.FRESH,
        "fresh_for": timedelta(days=29, hours=11, minutes=4),
        "promised_for": MONTH,
    }
    return DataSet(**(values | changes))  # type: ignore[arg-type]


def page(
    services: tuple[ServiceState, ...] = (),
    groups: tuple[DataGroup, ...] = (),
    world: str = "live",
    **more: tuple[object, ...],
) -> StatusPage:
    """A page made at NOW."""
    return StatusPage(world, NOW, timedelta(minutes=30), services, groups, **more)  # type: ignore[arg-type]


def of(*objectives: ObjectiveState) -> StatusPage:
    """A page with one service."""
    return page((ServiceState("core_source_data", "Core source data", "Data that others build on.", objectives),))


def full(world: str = "sandbox") -> StatusPage:
    """Every state, every kind of data set, an incident."""
    stale = objective(
        Verdict.BREACHED,
        good=2,
        valid=3,
        id="core_source_data.data_freshness",
        title="Core assets within their promised freshness",
        target=ALL,
        window=None,
        summary="2 of 3 assets are fresh (66.66 %); the target is all of them",
        guilty=("oss_funding/grants",),
    )
    nothing = objective(
        Verdict.NO_DATA,
        good=0,
        valid=0,
        id="core_source_data.partition_completeness",
        title="Due partitions of each core asset that are there",
        window=None,
        summary="no data: no asset has a partition that is due",
    )
    risky = objective(
        Verdict.AT_RISK,
        good=4_155,
        valid=4_190,
        id="sqlmesh.materialization_reliability",
        title="Attempts at SQLMesh models that are good, regardless of retries",
        summary="4,155 of 4,190 attempts succeeded (99.16 %); the target is 99.00 %",
    )
    calm = objective(
        good=96,
        valid=100,
        id="unstable_source_data.materialization_reliability",
        title="Unstable materializations that are good after retries",
        target=7_500,
        summary="96 of 100 materializations succeeded (96.00 %); the target is 75.00 %",
    )
    burnt = objective(
        Verdict.BREACHED,
        good=40_608,
        valid=43_200,
        id="consumer_trino.availability",
        title="Time in which the SQL endpoint answers",
        summary="40,608 of 43,200 events are good (94.00 %); the target is 99.00 %",
        timed=True,
        recovers=NOW + timedelta(days=12, hours=3),
    )
    unknown = objective(
        Verdict.NO_DATA,
        good=0,
        valid=0,
        id="consumer_trino.queries",
        title="Queries without an unexpected error",
        target=9_000,
        summary="no data: no sample was taken in the window",
        days=tuple(DayHistory(day.day) for day in days()),
    )
    services = (
        ServiceState("core_source_data", "Core source data", "The raw data that others build on.", (objective(), stale, nothing)),
        ServiceState("unstable_source_data", "Unstable source data", "Raw data on trial: it may be wrong or go away.", (calm,)),
        ServiceState("sqlmesh", "Models", "The tables computed from the sources.", (risky,)),
        ServiceState("consumer_trino", "SQL endpoint", "It answers, and fails no query unexpectedly.", (burnt, unknown)),
    )
    derived = {"label": Label.SQLMESH, "fresh_within": None, "freshness": None, "fresh_for": NEVER, "promised_for": NEVER}
    groups = (
        DataGroup(
            "oss_directory",
            "OSS Directory",
            "https://github.com/opensource-observer/oss-directory",
            (data_set(), data_set("oss_directory/collections", title="Collections of projects, one row each", rows=117)),
        ),
        DataGroup(
            "oss_funding",
            "OSS Funding",
            "https://github.com/opensource-observer/oss-funding",
            (
                data_set(
                    "oss_funding/grants",
                    title="Grants to open source projects, one row each",
                    rows=5_071,
                    last_good=NOW - timedelta(days=3, hours=2),
                    freshness=Freshness.STALE,
                    newest_event=NOW - timedelta(days=4),
                    events_within=timedelta(days=3),
                    due_partitions=412,
                    holes=tuple(f"2025-11-{day:02d}" for day in (3, 4, 18, 19)),
                ),
            ),
        ),
        DataGroup(
            "defillama",
            "DefiLlama",
            "",
            (
                data_set(
                    "defillama/tvl_events",
                    title="Value locked per protocol, chain and day",
                    label=Label.UNSTABLE,
                    rows=None,
                    last_good=None,
                    freshness=Freshness.NOT_DUE,
                    promised_for=NEVER,
                    fresh_for=NEVER,
                ),
            ),
        ),
        DataGroup(
            "marts",
            "Marts",
            "",
            (
                data_set(
                    "marts/artifacts_by_project_v1", title="Which artifacts belong to which project", rows=48_211, **derived
                ),
                data_set(
                    "marts/timeseries_metrics_by_project_v0",
                    title="Metrics of projects over time",
                    rows=2_904_118,
                    tainted_by=("defillama", "growthepie"),
                    **derived,
                ),
            ),
        ),
    )
    return StatusPage(
        world, NOW, timedelta(minutes=30), services, groups, incidents(), past(), works(), ("Alerts are not delivered now.",)
    )


def incidents() -> tuple[PublicIncident, ...]:
    """An open sprint that is watched, and one that was just opened."""
    began = NOW - timedelta(days=2, hours=5)
    sprint = PublicIncident(
        "sprint.consumer_trino.availability@20251119T040507Z",
        "Time in which the SQL endpoint answers",
        "40,608 of 43,200 events are good (94.00 %); the target is 99.00 %.",
        began,
        service="consumer_trino",
        objective="consumer_trino.availability",
        owners=("team:platform",),
        sprint=True,
        updates=(
            Update(began, "Opened: the objective is missed."),
            Update(began + timedelta(minutes=40), "A worker ran out of memory. We move the endpoint to larger ones."),
            Update(began + timedelta(hours=31), "The endpoint answers again. We watch whether it stays so.", PublicPhase.WATCHED),
        ),
    )
    fresh = PublicIncident(
        "core_source_data.data_freshness@20251121T040507Z",
        "Core source data misses its freshness",
        "One core data set is older than promised.",
        NOW - timedelta(hours=5),
        link="https://github.com/opensource-observer/oso/issues",
        service="core_source_data",
        objective="core_source_data.data_freshness",
        affected=("oss_funding/grants",),
    )
    return fresh, sprint


def past() -> tuple[PublicIncident, ...]:
    """A breach that ended last month."""
    over = PublicIncident(
        "core_source_data.materialization_reliability@20251023T101500Z",
        "Not met: Core materializations that are good after retries",
        "The objective was missed and is met again.",
        NOW - timedelta(days=29),
        until=NOW - timedelta(days=27, hours=5),
        service="core_source_data",
        objective="core_source_data.materialization_reliability",
    )
    return (over,)


def works() -> tuple[Work, ...]:
    """Maintenance: over, running, planned."""
    day = timedelta(days=1)
    return (
        Work("kubernetes", "Kubernetes", "New nodes.", NOW - 9 * day, NOW - 9 * day + timedelta(hours=2), "kubernetes"),
        Work("sqlmesh", "Data models", "A new disk.", NOW - timedelta(minutes=20), NOW + timedelta(minutes=100), "sqlmesh"),
        Work("oss_funding/grants", "oss_funding/grants", "A new header.", NOW + 3 * day, NOW + 3 * day + timedelta(hours=1)),
    )
