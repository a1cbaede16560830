"""Status pages to test with: one that shows every state, one that holds what an attacker would name things."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from oso_dagster.domain.attempts import Label
from oso_dagster.domain.freshness import Freshness
from oso_dagster.domain.history import Day
from oso_dagster.domain.slo import ALL, Verdict
from oso_dagster.domain.status import Incident, ObjectiveState, ServiceState, StatusPage
from oso_dagster.domain.status_data import DataGroup, DataSet

NOW = datetime(2025, 11, 21, 9, 5, 7, tzinfo=UTC)
MONTH = timedelta(days=30)
HOSTILE = (
    '<script>window.hacked=1</script>"\'><img src=x onerror="window.hacked=1">{{ 7*7 }}</style></script><!--\u202eevil\ud800\x00'
)


def days(last: Verdict = Verdict.COMPLIANT) -> tuple[Day, ...]:
    """Ninety days that end with `last`: three weeks without data, then good ones with two bad and three risky among them."""
    shown = {29: Verdict.BREACHED, 28: Verdict.BREACHED, 27: Verdict.AT_RISK, 26: Verdict.AT_RISK, 60: Verdict.AT_RISK, 0: last}
    made = []
    for ago in reversed(range(90)):
        day = NOW.date() - timedelta(days=ago)
        verdict = shown.get(ago, Verdict.COMPLIANT)
        silent = ago > 68 or verdict is Verdict.NO_DATA
        made.append(Day(day) if silent else Day(day, verdict, 711 if verdict is Verdict.BREACHED else 719, 720, 96))
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
        "budget": "6 of 7 failures left",
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
    }
    return DataSet(**(values | changes))  # type: ignore[arg-type]


def page(
    services: tuple[ServiceState, ...] = (),
    groups: tuple[DataGroup, ...] = (),
    incidents: tuple[Incident, ...] = (),
    world: str = "live",
) -> StatusPage:
    """A page made at NOW."""
    return StatusPage(world, NOW, timedelta(minutes=30), services, groups, incidents)


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
        budget="",
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
        budget="",
        summary="no data: no asset has a partition that is due",
    )
    risky = objective(
        Verdict.AT_RISK,
        good=4_155,
        valid=4_190,
        id="sqlmesh.materialization_reliability",
        title="Attempts at SQLMesh models that are good, regardless of retries",
        budget="6 of 41 failures left",
        summary="4,155 of 4,190 attempts succeeded (99.16 %); the target is 99.00 %",
    )
    calm = objective(
        good=96,
        valid=100,
        id="unstable_source_data.materialization_reliability",
        title="Unstable materializations that are good after retries",
        target=7_500,
        budget="21 of 25 failures left",
        summary="96 of 100 materializations succeeded (96.00 %); the target is 75.00 %",
    )
    services = (
        ServiceState("core_source_data", "Core source data", "The raw data that others build on.", (objective(), stale, nothing)),
        ServiceState("unstable_source_data", "Unstable source data", "Raw data on trial: it may be wrong or go away.", (calm,)),
        ServiceState("sqlmesh", "Models", "The tables computed from the sources.", (risky,)),
    )
    derived = {"label": Label.SQLMESH, "fresh_within": None, "freshness": None}
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
    incident = Incident(
        "core_source_data.data_freshness@20251121T040507Z",
        "Core source data misses its freshness",
        "One core data set is older than promised: oss_funding/grants.",
        NOW - timedelta(hours=5),
        link="https://github.com/opensource-observer/oso/issues",
        service="core_source_data",
    )
    over = Incident(
        "core_source_data.materialization_reliability@20251023T101500Z",
        "Not met: Core materializations that are good after retries",
        "The objective was missed and is met again.",
        NOW - timedelta(days=29),
        until=NOW - timedelta(days=27, hours=5),
        service="core_source_data",
    )
    return StatusPage(world, NOW, timedelta(minutes=30), services, groups, (incident,), (over,))


def many(sets: int = 500, objectives: int = 12) -> StatusPage:
    """A page as large as the platform may become: 500 data sets of 25 sources, 12 objectives of 6 services."""
    services = tuple(
        ServiceState(
            f"service_{at}", f"Service {at}", "One line.", tuple(objective(id=f"service_{at}.{one}") for one in range(2))
        )
        for at in range(objectives // 2)
    )
    groups = tuple(
        DataGroup(f"source_{at}", f"Source {at}", "", tuple(data_set(f"source_{at}/table_{one}") for one in range(sets // 25)))
        for at in range(25)
    )
    return page(services, groups)


def hostile() -> StatusPage:
    """Every text an attacker could set, set by one."""
    bad = objective(id=HOSTILE, title=HOSTILE, summary=HOSTILE, budget=HOSTILE, guilty=(HOSTILE,))
    return page(
        (ServiceState(HOSTILE, HOSTILE, HOSTILE, (bad,)),),
        (
            DataGroup(
                HOSTILE,
                HOSTILE,
                "javascript:window.hacked=1",
                (data_set(HOSTILE, title=HOSTILE, owner=HOSTILE, tainted_by=(HOSTILE,)),),
            ),
        ),
        (Incident(HOSTILE, HOSTILE, HOSTILE, NOW, link="data:text/html,<script>window.hacked=1</script>"),),
        HOSTILE,
    )
