"""What a load does with what upstream no longer has, could not give, or has corrected."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pyarrow as pa
import pytest

from oso_dagster.domain.catalogue.loading import Extract, Loaded, RefusedError
from oso_dagster.domain.catalogue.partitions import PartitionKind, Partitions, Window
from oso_dagster.domain.catalogue.source import Child, Column, ColumnType, Disposition, Table
from oso_dagster.warehouse.embedded.warehouse import DuckDBWarehouse
from tests.warehouse.shop import DAY, SOURCE, TABLE

ITEM = Column("repository", ColumnType.VARCHAR, "which", nullable=False)
NUMBER = Column("n", ColumnType.BIGINT, "a number")
AT = Column("day", ColumnType.TIMESTAMP, "when")
SIMPLE = replace(TABLE, columns=(ITEM, NUMBER), primary_key=("repository",), children=(), event_time=None)
KEPT = replace(SIMPLE, item_column="repository", set_aside_share=0.5)
MERGED = replace(SIMPLE, disposition=Disposition.MERGE, surviving=True)
WINDOW = Window("2026-01-07", DAY, DAY + timedelta(1))
CUT = replace(
    KEPT,
    columns=(ITEM, NUMBER, AT),
    disposition=Disposition.REPLACE_PARTITION,
    partitions=Partitions(PartitionKind.DAILY, DAY, due_after=timedelta(days=1)),
    event_time="day",
    events_may_stop="invented",
)


def bring(warehouse: DuckDBWarehouse, table: Table, rows: dict[str, int], **more: Any) -> Loaded:
    batch = pa.table({"repository": pa.array(list(rows), pa.string()), "n": pa.array(list(rows.values()), pa.int64())})
    for name in more.pop("extra", ()):
        batch = batch.append_column(name, pa.array([DAY] * len(rows), pa.timestamp("us", tz="UTC")))
    facts, surviving = more.pop("facts", {}), more.pop("surviving", None)
    keys = None if surviving is None else [pa.table({"repository": pa.array(surviving, pa.string())})]
    batches = {"things": [batch]} | more.pop("nested", {})
    return warehouse.load(SOURCE, table, Extract("v", batches, facts, surviving=keys), fingerprint="f", **more)


def stored(warehouse: DuckDBWarehouse) -> dict[str, int]:
    with warehouse.read() as connection:
        return dict(connection.execute("SELECT repository, n FROM shop.things ORDER BY 1").fetchall())


def aside(*items: str, asked: int = 3) -> dict[str, Any]:
    return {"set_aside": dict.fromkeys(items, "no JSON"), "items_asked": asked}


@pytest.mark.parametrize("table", [KEPT, CUT], ids=["replace", "replace_partition"])
def test_an_item_that_was_set_aside_keeps_its_last_good_rows_and_the_others_are_new(
    warehouse: DuckDBWarehouse, table: Table
) -> None:
    more: dict[str, Any] = {"window": WINDOW, "extra": ["day"]} if table is CUT else {}
    bring(warehouse, table, {"a": 1, "b": 2, "gone": 3}, **more)
    loaded = bring(warehouse, table, {"a": 10, "new": 5, "b": 99}, facts=aside("b"), **more)
    assert stored(warehouse) == {"a": 10, "b": 2, "new": 5}, "half of a bad item is as good as none of it"
    assert loaded.record.facts["rows_kept"] == 1
    assert loaded.record.row_count == 3
    (warned,) = [finding for finding in loaded.findings if not finding.passed]
    assert (warned.check, warned.blocking, warned.facts) == ("set_aside", False, {"set_aside": {"b": "no JSON"}})
    changes = {name: loaded.record.facts[f"rows_{name}"] for name in ("added", "changed", "removed")}
    assert changes == {"added": 1, "changed": 1, "removed": 1}


def test_a_new_item_that_was_set_aside_has_no_row_and_stops_nobody(warehouse: DuckDBWarehouse) -> None:
    bring(warehouse, KEPT, {"a": 1}, facts=aside("b"))
    assert stored(warehouse) == {"a": 1}


def test_more_than_the_declared_share_set_aside_is_refused_and_nothing_changes(warehouse: DuckDBWarehouse) -> None:
    bring(warehouse, KEPT, {"a": 1, "b": 2, "c": 3, "d": 4})
    with pytest.raises(RefusedError, match="3 of 4 items set aside: b, c, d"):
        bring(warehouse, KEPT, {"a": 7}, facts=aside("b", "c", "d", asked=4))
    assert stored(warehouse) == {"a": 1, "b": 2, "c": 3, "d": 4}


def test_what_is_set_aside_shrinks_nothing(warehouse: DuckDBWarehouse) -> None:
    bring(warehouse, KEPT, dict.fromkeys("abcd", 1))
    bring(warehouse, KEPT, {"a": 2, "b": 2}, facts=aside("c", "d", asked=4))
    assert stored(warehouse) == {"a": 2, "b": 2, "c": 1, "d": 1}


def test_a_merge_keeps_the_rows_of_what_was_set_aside_by_itself(warehouse: DuckDBWarehouse) -> None:
    table = replace(MERGED, surviving=False, keeps_deleted="invented", item_column="repository", set_aside_share=0.5)
    bring(warehouse, table, {"a": 1, "b": 2})
    bring(warehouse, table, {"a": 9, "b": 9}, facts=aside("b"))
    assert stored(warehouse) == {"a": 9, "b": 2}


def test_rows_that_upstream_deleted_are_deleted_and_counted(warehouse: DuckDBWarehouse) -> None:
    bring(warehouse, MERGED, {"a": 1, "b": 2}, surviving=["a", "b"])
    loaded = bring(warehouse, MERGED, {"a": 5}, surviving=["a"])
    assert stored(warehouse) == {"a": 5}
    facts = loaded.record.facts
    assert (facts["rows_added"], facts["rows_changed"], facts["rows_removed"]) == (0, 1, 1)


def test_keys_that_upstream_has_and_we_have_not_are_counted(warehouse: DuckDBWarehouse) -> None:
    """A row that came back with its old times is none of what changed: only its key shows it."""
    bring(warehouse, MERGED, {"a": 1, "b": 2}, surviving=["a", "b"])
    bring(warehouse, MERGED, {"a": 1}, surviving=["a"])
    assert bring(warehouse, MERGED, {"a": 1}, surviving=["a", "b"]).record.facts["rows_lacking"] == 1
    assert "rows_lacking" not in bring(warehouse, MERGED, {"a": 1, "b": 2}, surviving=["a", "b"]).record.facts


def test_a_table_that_lost_more_than_its_share_upstream_is_refused_until_a_person_allows_it(warehouse: DuckDBWarehouse) -> None:
    many = {f"r{n}": n for n in range(60)}
    bring(warehouse, MERGED, many, surviving=list(many))
    with pytest.raises(RefusedError, match="allow_shrink"):
        bring(warehouse, MERGED, {"r0": 7}, surviving=["r0"])
    assert len(stored(warehouse)) == 60
    bring(warehouse, MERGED, {"r0": 7}, surviving=["r0"], allow_shrink=True)
    assert stored(warehouse) == {"r0": 7}


def test_a_value_that_is_kept_is_not_rounded_to_the_type_of_those_that_came(warehouse: DuckDBWarehouse) -> None:
    table = replace(KEPT, columns=(ITEM, Column("n", ColumnType.DOUBLE, "a number")))
    bring(warehouse, table, {"a": 1, "b": 2, "c": 3})
    halves = pa.table({"repository": ["a", "b", "c"], "n": pa.array([0.5, 1.5, 2.5])})
    warehouse.load(SOURCE, table, Extract("v", {"things": [halves]}), fingerprint="f")
    bring(warehouse, table, {"a": 10, "b": 99, "c": 30}, facts=aside("b"))
    assert stored(warehouse) == {"a": 10, "b": 1.5, "c": 30}


def test_rows_that_do_not_survive_leave_a_table_that_is_only_added_to(warehouse: DuckDBWarehouse) -> None:
    added_to = replace(SIMPLE, disposition=Disposition.APPEND, surviving=True)
    bring(warehouse, added_to, {"a": 1, "b": 2, "c": 3}, surviving=["a", "b", "c"])
    loaded = bring(warehouse, added_to, {"d": 4}, surviving=["a", "d"])
    assert (stored(warehouse), loaded.record.facts["rows_removed"]) == ({"a": 1, "d": 4}, 2)


def test_a_load_that_should_say_what_survives_and_does_not_is_refused_unless_it_was_cut_short(
    warehouse: DuckDBWarehouse,
) -> None:
    with pytest.raises(RefusedError, match="does not say which keys upstream still has"):
        bring(warehouse, MERGED, {"a": 1})
    bring(warehouse, replace(MERGED, resumable=True), {"a": 1}, facts={"cut_short": "rate limit"})
    assert stored(warehouse) == {"a": 1}


def test_deletions_are_followed_within_the_partition_that_was_loaded(warehouse: DuckDBWarehouse) -> None:
    table = replace(CUT, disposition=Disposition.MERGE, surviving=True, set_aside_share=0)
    later = Window("2026-01-08", DAY + timedelta(1), DAY + timedelta(2))
    bring(warehouse, table, {"a": 1, "b": 2}, surviving=["a", "b"], window=WINDOW, extra=["day"])
    bring(warehouse, replace(table, may_be_empty=True), {}, surviving=["z"], window=later, extra=["day"])
    assert stored(warehouse) == {"a": 1, "b": 2}, "they are rows of another partition"
    bring(warehouse, table, {"a": 1}, surviving=["a"], window=WINDOW, extra=["day"])
    assert stored(warehouse) == {"a": 1}


def test_a_merge_that_would_empty_the_nested_rows_of_its_items_is_refused(warehouse: DuckDBWarehouse) -> None:
    child = Child("packages", "packages", (ITEM, NUMBER), ("repository", "n"))
    table = replace(MERGED, surviving=False, keeps_deleted="invented", children=(child,))

    def nested(names: list[str], each: int) -> dict[str, Any]:
        rows = {"repository": [name for name in names for _ in range(each)], "n": list(range(each)) * len(names)}
        schema = pa.schema([("repository", pa.string()), ("n", pa.int64())])
        return {"things__packages": [pa.table(rows, schema=schema)]}

    bring(warehouse, table, {"a": 1, "b": 2, "c": 3}, nested=nested(["a", "b", "c"], 12))
    bring(warehouse, table, {"c": 3}, nested=nested(["c"], 6))  # of one repository many may go
    with pytest.raises(RefusedError, match=r"shop.things__packages: 0 rows would replace 30"):
        bring(warehouse, table, {"a": 1, "b": 2, "c": 3}, nested=nested([], 0))
    bring(warehouse, table, {"a": 1, "b": 2, "c": 3}, nested=nested([], 0), allow_shrink=True)


def test_when_a_row_was_asked_for_is_no_change_of_it(warehouse: DuckDBWarehouse) -> None:
    table = replace(SIMPLE, not_compared=("n",))
    bring(warehouse, table, {"a": 1})
    assert bring(warehouse, table, {"a": 2}).record.facts["rows_changed"] == 0


def test_a_column_that_is_known_and_not_taken_does_not_arrive(warehouse: DuckDBWarehouse) -> None:
    table = replace(SIMPLE, not_taken={"da*": "nobody needs the day"})
    loaded = bring(warehouse, table, {"a": 1}, extra=["day"])
    assert all(finding.passed for finding in loaded.findings)
    with warehouse.read() as connection:
        assert [row[0] for row in connection.execute("DESCRIBE shop.things").fetchall()] == ["repository", "n"]


@pytest.mark.slow
def test_the_mix_and_the_sums_of_a_load_are_facts_and_are_judged_by_those_before_it(warehouse: DuckDBWarehouse) -> None:
    table = replace(
        CUT, item_column=None, set_aside_share=0, mix_by=("repository",), sums=("n",), primary_key=("repository", "n")
    )

    def day(number: int, rows: dict[str, int]) -> Loaded:
        begin = DAY + timedelta(number)
        many: dict[str, Any] = {"repository": [name for name, count in rows.items() for _ in range(count)]}
        many |= {"n": [n for count in rows.values() for n in range(count)]}
        batch = pa.table(many | {"day": pa.array([begin] * len(many["n"]), pa.timestamp("us", tz="UTC"))})
        window = Window(f"{begin:%Y-%m-%d}", begin, begin + timedelta(1))
        return warehouse.load(SOURCE, table, Extract("v", {"things": [batch]}), fingerprint="f", window=window)

    for number in range(30):
        loaded = day(number, {"push": 600, "star": 400})
        assert all(finding.passed for finding in loaded.findings)
    assert loaded.record.facts["mix"] == {"repository": {"push": 600, "star": 400}}
    assert loaded.record.facts["sums"] == {"n": 600 * 599 / 2 + 400 * 399 / 2}
    hollow = {finding.check: finding for finding in day(30, {"push": 990, "star": 10}).findings}
    assert not hollow["mix"].passed
    assert not hollow["mix"].blocking
    assert "repository star is 1.00% of the rows" in hollow["mix"].message
    assert not hollow["sums"].passed
    assert hollow["row_count_band"].passed, "as many rows as ever"
