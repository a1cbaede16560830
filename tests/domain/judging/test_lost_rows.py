"""What was materialized beside what the warehouse has records of."""

from collections.abc import Collection

from oso_dagster.domain.catalogue.loading import DifferentRows, RecordedLoads
from oso_dagster.domain.judging.lost_rows import LastMaterialized, LostRows, Shortage, lost_rows, spans

WHOLE = LastMaterialized(frozenset({""}), "", "2", "ingest_shop")
DAYS = LastMaterialized(frozenset({"01", "02", "03"}), "03", "9", "ingest_shop_daily")


def compared(expected: LastMaterialized, partitions: set[str], *asked: str) -> list[LostRows]:
    return lost_rows({"shop/things": expected}, {"shop/things": RecordedLoads(frozenset(partitions), frozenset(asked))})


def test_what_is_recorded_is_not_lost() -> None:
    assert compared(WHOLE, {""}, "2") == []
    assert compared(DAYS, {"01", "02", "03", "04"}, "9") == []
    assert lost_rows({}, {"shop/things": RecordedLoads(frozenset({""}))}) == []


def test_a_table_without_a_record_is_lost_and_an_older_record_is_an_older_copy() -> None:
    [lost] = lost_rows({"shop/things": WHOLE}, {})
    assert (lost.what, lost.command) == ("the whole table", "oso run ingest_shop")
    [older] = compared(WHOLE, {""})
    assert older.what == "its newest load (an older copy is there)"


def test_missing_partitions_are_counted_and_their_span_is_loaded_again() -> None:
    [lost] = compared(DAYS, {"01"})
    assert (lost.what, lost.command) == ("2 partitions (02 to 03)", "oso run ingest_shop_daily --from 02 --to 03")
    [again] = compared(DAYS, {"01", "02", "03"})
    assert (again.what, again.command) == ("1 partition (03)", "oso run ingest_shop_daily --from 03")


def test_without_the_name_of_a_load_only_the_record_counts() -> None:
    assert compared(LastMaterialized(frozenset({""}), "", "", "ingest_shop"), {""}) == []


def test_a_table_or_partition_with_other_rows_than_its_record_is_lost_as_well() -> None:
    [lost] = lost_rows({"shop/things": WHOLE}, {"shop/things": recorded({""}, "2", DifferentRows("shop.things", None, 10, 9))})
    assert lost.sentence == "rows were deleted or added by hand: shop.things has 9 rows where 10 were published"
    assert lost.command == "oso run ingest_shop"
    [lost] = lost_rows(
        {"shop/things": DAYS}, {"shop/things": recorded({"01", "03"}, "9", DifferentRows("shop.things", "03", 4, 0))}
    )
    assert (lost.partitions, lost.spans) == (("02", "03"), "02 to 03")
    assert "no record of 1 partition (02)" in lost.sentence
    assert "shop.things[03] has 0 rows where 4 were published" in lost.sentence
    [lost] = lost_rows(
        {"shop/things": DAYS}, {"shop/things": recorded(DAYS.partitions, "9", DifferentRows("shop.things", None, 4, 0))}
    )
    assert lost.spans == "01 to 03", "which partition lost rows is not known"


def test_rows_that_belong_to_no_partition_are_reported_and_no_partition_is_lost() -> None:
    [lost] = lost_rows(
        {"shop/things": DAYS}, {"shop/things": recorded(DAYS.partitions, "9", DifferentRows("shop.things", "", 4, 5))}
    )
    assert "shop.things has 5 rows where 4 were published" in lost.sentence
    assert lost.shortage.of(DAYS.partitions) == frozenset()


def test_the_partitions_that_are_lost_can_be_read_from_their_spans() -> None:
    keys = [f"{day:02}" for day in range(10)]
    lost = {"00", "03", "04", "05", "09"}
    assert spans(lost, keys) == "00, 03 to 05, 09"
    assert Shortage("", spans(lost, keys)).of(keys) == lost
    assert Shortage("").of(keys) == frozenset(keys)


def recorded(partitions: Collection[str], load: str, *differing: DifferentRows) -> RecordedLoads:
    return RecordedLoads(frozenset(partitions), frozenset({load}), differing)
