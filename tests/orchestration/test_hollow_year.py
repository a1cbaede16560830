"""A year in which GH Archive decays as it did in 2025 and 2026: in time, well formed, and without most of its events.

By the clock, with the real schedules, SQL, arithmetic, evaluation and alert rules. Shares of the feed by type are those that
pingcap/ossinsight PR 3110 and ClickHouse/github-explorer PR 22 measured; pushes are taken to be whole.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from math import exp, log

import duckdb
import pytest

from oso_dagster.domain.catalogue.second_count import TrueCount
from oso_dagster.domain.coverage.clusters import independent_draws
from oso_dagster.domain.coverage.comparison import Comparison
from oso_dagster.domain.judging.usual import PastLoad, of_regime, unusual_mix
from oso_dagster.domain.objectives.objectives import COVERAGE
from oso_dagster.domain.objectives.slo import Verdict
from oso_dagster.reliability.store import Store
from oso_dagster.sources import catalogue
from oso_dagster.sources._second_counts.github import EVENTS
from oso_dagster.warehouse.held import held_by_item, held_counts
from tests.orchestration.simulated_platform import SimulatedPlatform, in_world_of

DAY = timedelta(days=1)
BEGIN, UNTIL = datetime(2025, 9, 1, 12, 40, tzinfo=UTC), datetime(2026, 9, 1, 12, 40, tzinfo=UTC)
SHARES = {
    date(2025, 6, 15): {"PushEvent": 59.0, "WatchEvent": 3.0, "IssuesEvent": 1.9, "PullRequestEvent": 7.9},
    date(2026, 4, 15): {"PushEvent": 73.0, "WatchEvent": 2.2, "IssuesEvent": 2.3, "PullRequestEvent": 5.7},
    date(2026, 6, 15): {"PushEvent": 87.0, "WatchEvent": 0.05, "IssuesEvent": 0.08, "PullRequestEvent": 0.26},
    date(2026, 8, 15): {"PushEvent": 95.0, "WatchEvent": 0.2, "IssuesEvent": 0.3, "PullRequestEvent": 1.0},
}
"""Percent of the events of an hour."""
WHOLE = SHARES[date(2025, 6, 15)]
DECAYS_FROM = date(2026, 1, 1)
PER_DAY = {"PushEvent": 11_800, "WatchEvent": 600, "IssuesEvent": 380, "PullRequestEvent": 1_580}
"""Events of the sampled repositories on a working day."""
REPOSITORIES = 150
GITHUB = next(source for source in catalogue() if source.name == "github")
TABLE = next(table for table in GITHUB.tables if table.name == "events")

pytestmark = pytest.mark.timeout(900)  # a minute of a processor, which may be shared by many


def kept(kind: str, day: date) -> float:
    """The share of the events of a type that the archive still has: one until it decays, then between the measured days."""
    known = [(DECAYS_FROM, 1.0)]
    for measured, shares in list(SHARES.items())[1:]:
        known.append((measured, min(1.0, (shares[kind] / shares["PushEvent"]) / (WHOLE[kind] / WHOLE["PushEvent"]))))
    known.append((date(2027, 1, 1), known[-1][1]))
    if day <= DECAYS_FROM:
        return 1.0
    (since, before), (until, after) = next(pair for pair in pairwise(known) if pair[0][0] < day <= pair[1][0])
    return exp(log(before) + (log(after) - log(before)) * ((day - since) / (until - since)))


def true_of(day: date) -> dict[str, int]:
    """What really happened: fewer on weekends."""
    return {kind: count if day.weekday() < 5 else count * 6 // 10 for kind, count in PER_DAY.items()}


def archived(day: date) -> dict[str, int]:
    """What the archive has of it."""
    return {kind: int(count * kept(kind, day)) for kind, count in true_of(day).items()}


def days(since: date, until: date) -> Iterator[date]:
    while since < until:
        yield since
        since += DAY


@pytest.fixture(scope="module")
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    """The events of the archive, day by day, of the sampled repositories and of others that nobody compares."""
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA github")
        connection.execute("CREATE TABLE github.events (type VARCHAR, repo_id BIGINT, created_at TIMESTAMPTZ)")
        rows = [(kind, day, count) for day in days(BEGIN.date() - 3 * DAY, UNTIL.date()) for kind, count in archived(day).items()]
        connection.executemany("INSERT INTO github.events SELECT ?, n % 150, CAST(? AS TIMESTAMP) AT TIME ZONE 'UTC' "
                               "+ n * INTERVAL 7 SECOND FROM range(?) AS t(n)", rows)  # fmt: skip
        connection.execute("INSERT INTO github.events SELECT type, 1000, created_at FROM github.events USING SAMPLE 1 PERCENT")
        yield connection


def measured(warehouse: duckdb.DuckDBPyConnection, tick: datetime) -> list[Comparison]:
    """The comparisons of the day before the tick's, as `orchestration.coverage` makes them of such a second count."""
    end = tick.replace(hour=0, minute=0)
    items = tuple(map(str, range(REPOSITORIES)))
    true_counts = true_of((end - DAY).date())
    counts = [TrueCount(kind, n, n, end - DAY, end, items, of_repositories(n)) for kind, n in true_counts.items()]
    held, by_item = (count(warehouse, GITHUB, TABLE, EVENTS, counts) for count in (held_counts, held_by_item))
    return [
        Comparison(
            "github/events", true.category, tick, kept, true.low, true.high, EVENTS.target, true.since, true.until,
            sampled=True, items=REPOSITORIES, draws=independent_draws(mine, true.by_item),
        )
        for true, kept, mine in zip(counts, held, by_item, strict=True)
    ]  # fmt: skip


def of_repositories(count: int) -> dict[str, int]:
    """So many events as the warehouse of this test spreads them over the sampled repositories: in turns."""
    return {str(item): len(range(item, count, REPOSITORIES)) for item in range(REPOSITORIES)}


def day_it_should(kind: str) -> date:
    """The first day of which even the upper end of Wilson's interval is below 95 %: (p - t)² n > z² t (1 - t).

    Repositories lose alike here, so that events are draws of their own, but for what Student's quantile takes for 150 of them.
    """
    target = 0.95
    for day in days(BEGIN.date(), UNTIL.date()):
        count = true_of(day)[kind]
        share = archived(day)[kind] / count
        if share < target and (share - target) ** 2 * count > 1.976**2 * max(target * (1 - target), share * (1 - share)):
            return day
    raise AssertionError(f"{kind} never falls below the target")


@pytest.mark.slow
def test_coverage_falls_below_its_target_on_the_day_it_should_and_nothing_else_is_missed(settings, instance, warehouse):
    sources = in_world_of([replace(GITHUB, tables=(TABLE,))], BEGIN - 30 * DAY)
    with Store.open(settings.reliability_store_url, settings.world.value) as store:
        ran = SimulatedPlatform(settings, store, instance, sources, BEGIN, measured=lambda tick: measured(warehouse, tick))
        ran.run(UNTIL)
        missed = store.results.verdict_history("core_source_data", "data_coverage")
        judged = {(row.service, row.objective): row.verdict for row in store.latest_verdicts()}
        comparisons = store.comparisons.all()
        sprints = store.sprints.since(BEGIN)
    first_day = min(day_it_should(kind) for kind in PER_DAY if kind != "PushEvent")
    opened = datetime.combine(first_day + DAY, datetime.min.time(), UTC) + timedelta(hours=7, minutes=45)
    assert date(2026, 1, 1) < first_day < date(2026, 4, 1)
    assert [(sprint.objective, sprint.opened_at, sprint.open) for sprint in sprints] == [(COVERAGE.id, opened, True)]
    alone = [message for message in ran.messages if "| key=weekly@" not in message]
    assert alone
    assert all(COVERAGE.id in message for message in alone)
    digests = [message for message in ran.messages if message not in alone]
    assert len(digests) == 52
    assert "Coverage of github/events: WatchEvent" in digests[-1]
    assert {verdict for (_, objective), verdict in judged.items() if objective != COVERAGE.name} <= {
        Verdict.COMPLIANT,
        Verdict.NO_DATA,
    }
    assert [row.verdict for row in missed if row.evaluated_at < opened if row.verdict is Verdict.BREACHED] == []
    for comparison in comparisons:  # what the second source says stays true, and the interval holds what was really kept
        day = comparison.since.date()
        low, high = comparison.bounds
        assert comparison.low == comparison.high == true_of(day)[comparison.category]
        assert low - 0.002 <= kept(comparison.category, day) <= high + 0.002
    assert {comparison.category for comparison in comparisons if comparison.verdict is Verdict.BREACHED} == {
        "WatchEvent",
        "IssuesEvent",
        "PullRequestEvent",
    }


def mixes(of) -> list[PastLoad]:
    return [PastLoad(day, sum(of(day).values()), {}, {"type": of(day)}) for day in days(BEGIN.date(), UNTIL.date())]


def yellow(loads, regimes=()) -> list[date]:
    return [now.day for place, now in enumerate(loads) if unusual_mix(now, of_regime(loads[:place], regimes, now.day))]


def test_neither_the_mix_of_the_feeds_nor_that_of_the_archive_is_unusual_so_that_only_coverage_sees_the_decay():
    """Some percent a day are a trend, which what is usual follows; with the regime mark the longer past is no measure either."""
    assert yellow(mixes(true_of)) == []
    assert yellow(mixes(archived), TABLE.regimes) == []


def test_a_type_that_vanishes_at_once_is_unusual_so_that_the_silence_means_something():
    loads = mixes(true_of)
    gone = replace(loads[200], mix={"type": {kind: n for kind, n in loads[200].mix["type"].items() if kind != "WatchEvent"}})
    assert yellow([*loads[:200], gone], TABLE.regimes) == [gone.day]
