"""What was materialized beside what the warehouse has records of."""

from oso_dagster.domain.alerts.lost_rows import LostRows, Materialized, lost_rows
from oso_dagster.domain.catalogue.loading import RecordedLoads

WHOLE = Materialized(frozenset({""}), "", "2", "ingest_shop")
DAYS = Materialized(frozenset({"01", "02", "03"}), "03", "9", "ingest_shop_daily")


def compared(expected: Materialized, partitions: set[str], *asked: str) -> list[LostRows]:
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
    assert compared(Materialized(frozenset({""}), "", "", "ingest_shop"), {""}) == []
