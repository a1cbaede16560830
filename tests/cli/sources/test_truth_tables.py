"""What `oso sources show` says of the truth of a table: the declaration, and what past loads and second counts have shown."""

import io
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import duckdb
import pytest
from rich.console import Console

from oso_dagster.cli.sources.learned_bands import rounded
from oso_dagster.cli.sources.truth_tables import Seen, print_truth, truth_of
from oso_dagster.domain.catalogue.second_count import SecondCount
from oso_dagster.domain.catalogue.truth import Regime
from oso_dagster.domain.coverage.comparison import Comparison
from oso_dagster.domain.judging.usual import PastLoad
from oso_dagster.warehouse.past_facts import past_facts, standing
from tests.orchestration.shop import source, table

NOW = datetime(2026, 3, 4, 6, tzinfo=UTC)
DAY = timedelta(days=1)
PAST = [
    (NOW, {"set_aside": {"a": "no JSON", "b": "timed out"}, "upstream_notices": ["api.example: gone on 2026-12-01"]}),
    (NOW - DAY, {"set_aside": {"a": "no JSON"}, "upstream_notices": ["api.example: gone on 2026-12-01"]}),
    (NOW - 2 * DAY, {"set_aside": {"b": "timed out"}}),
]


def test_an_item_is_set_aside_since_the_first_load_of_those_that_all_had_it():
    assert standing(PAST, "set_aside") == {"a": ("no JSON", NOW - DAY), "b": ("timed out", NOW)}
    assert standing(PAST, "upstream_notices") == {"api.example: gone on 2026-12-01": ("", NOW - DAY)}
    assert standing([], "set_aside") == standing(PAST, "vanished") == {}


def test_the_facts_of_past_loads_come_newest_first():
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA platform")
        connection.execute("CREATE TABLE platform.loads (source VARCHAR, table_name VARCHAR, facts JSON, loaded_at TIMESTAMPTZ)")
        rows = [("shop", "things", '{"n": 1}', NOW - DAY), ("shop", "things", None, NOW), ("shop", "other", "{}", NOW)]
        connection.executemany("INSERT INTO platform.loads VALUES (?, ?, ?, ?)", rows)
        assert past_facts(connection, "shop", "things") == [(NOW, {}), (NOW - DAY, {"n": 1})]


@pytest.fixture
def shown():
    second = SecondCount("Things that the shop counts", lambda _: (), sample="every tenth")
    things = replace(
        table("things", second_count=second),
        mix_by=("id",),
        not_taken={"colour": "of no use"},
        regimes=(Regime("closed_on_mondays", date(2026, 1, 1), "no rows on Mondays", "its issue 7"),),
    )
    compared = [
        Comparison("shop/things", name, NOW, held, 100, 100, 9_500, sampled=True) for name, held in (("red", 99), ("blue", 10))
    ]
    facts = {"mix": {"id": {"1": 3, "2": 1}}, "pace": {"api.example": 0.5}}
    days = [NOW.date() - n * DAY for n in range(1, 41)]
    past = [PastLoad(day, 60 if day.weekday() > 4 else 100, mix={"id": {"1": 75, "2": 25}}) for day in days]
    seen = Seen({"things": [(NOW, facts | PAST[0][1]), *PAST[1:]]}, {"shop/things": compared}, {"things": past}, NOW.date())
    return truth_of(source("shop", things), things, seen)


def test_everything_known_of_a_table_is_there_for_programs(shown):
    assert [(entry["item"], entry["since"][:10]) for entry in shown["set_aside"]] == [("a", "2026-03-03"), ("b", "2026-03-04")]
    assert shown["notices"] == [{"text": "api.example: gone on 2026-12-01", "since": "2026-03-03T06:00:00+00:00"}]
    assert shown["deletions"] == "replaced as a whole"
    assert shown["coverage"]["extension"] is True
    assert [entry["verdict"] for entry in shown["coverage"]["comparisons"]] == ["compliant", "breached"]
    assert [entry["not_contradicted"] for entry in shown["coverage"]["comparisons"]] == ["sample too small to prove it", ""]


def test_people_see_it_within_80_columns_the_worst_comparison_first(shown):
    out = io.StringIO()
    print_truth(shown, Console(file=out, width=80, markup=False))
    lines = out.getvalue()
    assert max(map(len, lines.splitlines())) <= 80
    for words in ("no JSON", "gone on 2026-12-01", "not taken: colour (of no use)", "closed_on_mondays", "0.5 requests a second",
                  "our extension", "every tenth", "1 75.0%, 2 25.0%", "38 to 160 rows",
                  "Mon 100%", "Sun 60%", "usual shares of id: 1 ", "rows 0, sums 0, mix 0"):  # fmt: skip
        assert words in lines
    assert lines.index("blue 5") < lines.index("red 94")
    assert lines.count("not contradicted: sample") == lines.count("too small to prove it") == 1  # of red, in two lines


def test_programs_get_the_bands_that_the_next_load_is_held_against(shown):
    usual = shown["usual"]
    assert (usual["loads"], usual["rows"], usual["judged_again"]) == (40, [38, 160], 35)
    assert usual["rhythm"]["Wed"] == 1.0
    assert usual["rhythm"]["Sat"] == pytest.approx(0.6)
    low, high = usual["mix"]["id"]["2"]
    assert low < 0.25 < high
    assert usual["alarms"] == {"rows": 0, "sums": 0, "mix": 0}


def test_before_the_first_load_nothing_was_seen():
    things = table("things")
    shown = truth_of(source("shop", things), things, Seen())
    assert (shown["set_aside"], shown["notices"], shown["coverage"]) == ([], [], None)
    assert (shown["usual"]["loads"], shown["usual"]["rows"], shown["usual"]["judged_again"]) == (0, None, 0)


def test_a_large_total_is_written_out() -> None:
    assert [rounded(total) for total in (37_412.6, 1_234_567.0, 8.125)] == ["37,413", "1,234,567", "8.125"]
