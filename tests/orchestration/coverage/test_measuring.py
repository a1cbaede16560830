"""From a declared second count to the ledger, the verdict and the table for readers."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from oso_dagster.domain.catalogue.loading import Extract
from oso_dagster.domain.catalogue.second_count import Held, SecondCount, TrueCount
from oso_dagster.domain.catalogue.source import Stability
from oso_dagster.domain.catalogue.truth import Retired
from oso_dagster.domain.coverage import published
from oso_dagster.domain.coverage.comparison import MEASURED_WITHIN, Comparison
from oso_dagster.domain.objectives.objectives import COVERAGE
from oso_dagster.domain.objectives.over_time.silence import silences
from oso_dagster.domain.objectives.slo import Verdict
from oso_dagster.orchestration.coverage.coverage_asset import coverage_asset
from oso_dagster.orchestration.coverage.measuring import measure
from oso_dagster.orchestration.objectives.evaluator import Evaluator, measured_assets
from oso_dagster.orchestration.resources import warehouse_of
from oso_dagster.reliability.failed_families import last_data
from oso_dagster.reliability.store import Store
from oso_dagster.settings import PROJECT_ROOT
from tests.orchestration.shop import source, table

NOW = datetime.now(UTC)


def counted(*counts, **more):
    return SecondCount("Things that the shop counts", lambda _: counts, **more)


def shop(second, **more):
    return source("shop", table("things", second_count=second, **more))


def loaded(settings, of, rows):
    import pyarrow as pa

    ids = pa.table({"id": pa.array(range(rows), pa.int64())})
    warehouse_of(settings).load(of, of.tables[0], Extract("v", {"things": [ids]}), fingerprint="f")


def test_what_is_held_stands_beside_what_is_really_there(settings):
    of = shop(counted(TrueCount("", 10, 12)))
    loaded(settings, of, 9)
    [comparison] = measure(settings, [of], NOW).comparisons
    assert (comparison.asset, comparison.held, comparison.low, comparison.high) == ("shop/things", 9, 10, 12)
    assert comparison.verdict is Verdict.BREACHED


def test_a_table_that_was_never_loaded_or_is_retired_is_not_asked(settings):
    def refuse(_):
        raise AssertionError("it was asked")

    of = shop(SecondCount("Things", refuse))
    assert measure(settings, [of], NOW).comparisons == ()
    loaded(settings, of, 1)
    retired = replace(of, retired=Retired(NOW.date(), "the shop has closed"))
    round_ = measure(settings, [retired], NOW)
    assert (round_.comparisons, round_.failures) == ((), {})


@pytest.mark.parametrize(
    ("second", "words"),
    [
        (SecondCount("Things", lambda _: 1 / 0), "division by zero"),
        (counted(), "has counted nothing"),
        (counted(TrueCount("a", 1, 1), TrueCount("a", 2, 2)), "counts a twice"),
    ],
)
def test_a_second_count_that_fails_is_named_and_takes_no_other_along(settings, second, words):
    sick, well = shop(second), source("fair", table("things", second_count=counted(TrueCount("", 1, 1))))
    loaded(settings, sick, 1)
    loaded(settings, well, 1)
    round_ = measure(settings, [sick, well], NOW)
    assert [comparison.asset for comparison in round_.comparisons] == ["fair/things"]
    assert words in round_.failures["shop/things"]


def test_the_asset_keeps_what_it_measured_writes_the_table_and_fails_in_the_end(instance, settings):
    sick, well = shop(counted()), source("fair", table("things", second_count=counted(TrueCount("", 2, 2))))
    loaded(settings, sick, 1)
    loaded(settings, well, 1)
    result = dg.materialize([coverage_asset(settings, [sick, well])], instance=instance, raise_on_error=False)
    assert not result.success
    assert "shop/things: shop.things: the second count has counted nothing" in str(result.all_events)
    with Store.open(settings.reliability_store_url, settings.world.value) as store:
        assert [comparison.asset for comparison in store.comparisons.newest(datetime.now(UTC))] == ["fair/things"]
    with warehouse_of(settings).read() as connection:
        rows = connection.execute("SELECT table_name, held, coverage_high, verdict FROM platform.coverage").fetchall()
    assert rows == [("fair.things", 1, 0.5, "breached")]


def store_with(settings, *comparisons):
    store = Store.open(settings.reliability_store_url, settings.world.value)
    store.comparisons.record(comparisons)
    return store


def compared(held, at=NOW, asset="shop/things", **more):
    return Comparison(
        **({"asset": asset, "category": "", "measured_at": at, "held": held, "low": 100, "high": 100, "target": 9_500} | more)
    )


def assess(store, sources, now=NOW):
    return Evaluator(store, sources, measured_assets(sources, [])).assess_one(COVERAGE, now, ())


def test_the_objective_is_about_core_tables_and_the_newest_round_of_each(settings):
    sources = [shop(counted()), source("fair", table("things"), stability=Stability.UNSTABLE)]
    old = compared(10, NOW - timedelta(days=1), category="a chain that is no more")
    with store_with(settings, old, compared(95), compared(1, asset="fair/things")) as store:
        assessed = assess(store, sources)
        assert (assessed.verdict, assessed.good, assessed.valid) == (Verdict.COMPLIANT, 1, 1)
        assert assess(store, sources, NOW - timedelta(hours=1)).verdict is Verdict.BREACHED


def test_an_old_comparison_says_nothing_of_now_and_its_silence_is_noticed(settings):
    sources = [shop(counted())]
    later = NOW + MEASURED_WITHIN + timedelta(minutes=1)
    with store_with(settings, compared(10)) as store:
        assert assess(store, sources, later).verdict is Verdict.NO_DATA
        assert [silence.objective for silence in silences([COVERAGE], last_data(store), later)] == [COVERAGE]
        assert silences([COVERAGE], last_data(store), NOW + timedelta(days=2)) == []


def test_a_sample_is_judged_by_its_items_which_are_lost_together(settings):
    """One of four repositories is missing whole: of independent draws it would be a broken promise."""
    true = {"0": 1, "1": 1, "2": 1, "77": 1}
    second = counted(TrueCount("", 4, 4, items=tuple(true), by_item=true), held=Held(item="id"), sample="four things")
    of = shop(second)
    loaded(settings, of, 3)
    [comparison] = measure(settings, [of], NOW).comparisons
    assert (comparison.held, comparison.low, comparison.items, comparison.sampled) == (3, 4, 4, True)
    assert comparison.draws is not None
    assert 0 < comparison.draws < 4
    with store_with(settings, comparison) as store:
        assert store.comparisons.newest(NOW) == [comparison]


def test_a_sample_that_does_not_say_what_each_item_has_is_an_error(settings):
    of = shop(counted(TrueCount("", 4, 4, items=("0", "1")), held=Held(item="id"), sample="two things"))
    loaded(settings, of, 3)
    assert "does not say what each item has" in measure(settings, [of], NOW).failures["shop/things"]


def test_the_table_for_readers_is_there_empty_and_described_before_anything_was_measured(settings):
    loaded(settings, shop(None), 1)
    with warehouse_of(settings).read() as connection:
        assert connection.execute("SELECT * FROM platform.coverage").fetchall() == []
        columns = connection.execute(
            "SELECT column_name, comment FROM duckdb_columns() WHERE schema_name = 'platform' AND table_name = 'coverage'"
        ).fetchall()
    assert columns == [(column.name, column.description) for column in published.COLUMNS]


def test_the_page_about_objectives_has_every_column_of_the_table_with_its_description():
    page = (PROJECT_ROOT / "docs" / "objectives.md").read_text()
    for column in published.COLUMNS:
        assert f"| `{column.name}` | {column.description} |" in page


def test_a_count_of_a_table_that_is_not_core_fails_nothing_and_is_named(instance, settings):
    sick = source("shop", table("things", second_count=counted()), stability=Stability.UNSTABLE)
    loaded(settings, sick, 1)
    result = dg.materialize([coverage_asset(settings, [sick])], instance=instance)
    [measured] = result.asset_materializations_for_node("platform__coverage")
    assert measured.metadata["not_measured"].value == ["shop/things"]
