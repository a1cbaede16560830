"""A KeyError inside an extract says which table, record and field it was about, and what to do; a stated error stays as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import pyarrow as pa
import pytest

from oso_dagster.domain.catalogue.loading import Extract, ExtractRequest
from oso_dagster.orchestration.ingest.dry_run import TrialLimits, try_table
from oso_dagster.orchestration.ingest.jobs.schedules import partition_tags
from oso_dagster.settings import Settings
from tests.orchestration.ingest.test_partitions import load, shop, windows

HERE = "tests/orchestration/ingest/test_extract_errors.py"
RECORDS = [{"id": 1, "n": "7", "till": "east"}, {"id": 2, "till": "t0ps3cret"}, {"id": 3, "n": "many", "till": "west"}]


def while_drawn(reads: Callable[[dict[str, Any]], int], *records: dict[str, Any]) -> Callable[[ExtractRequest], Extract]:
    def extract(request: ExtractRequest) -> Extract:
        def batches() -> Iterator[pa.Table]:
            for record in records:
                yield pa.table({"day": pa.array([request.now], pa.timestamp("us", tz="UTC")), "n": pa.array([reads(record)])})

        return Extract("1", {"sales": batches()})

    return extract


def at_once(request: ExtractRequest) -> Extract:
    counts = [int(record["n"]) for record in RECORDS]
    return Extract("1", {"sales": [pa.table({"n": counts})]})


def of_something_else(request: ExtractRequest) -> Extract:
    return Extract(str(None + len(RECORDS)), {"sales": []})  # type: ignore[operator]


def on_purpose(request: ExtractRequest) -> Extract:
    raise ValueError("no database to read from: set OSO_SHOP_URL")


NUMBER = "ValueError at tests/orchestration/ingest/test_extract_errors.py:"
NEXT = "if upstream has changed, adapt the source, and try it with `oso sources check shop`"


@pytest.mark.parametrize(
    ("extract", "words"),
    [
        (
            while_drawn(lambda row: int(row["n"]), *RECORDS),
            ["upstream's record (id=2, till='", "has no field 'n' (KeyError at ", f"{HERE}:", NEXT],
        ),
        (at_once, ["upstream's record (id=2, ", "has no field 'n' (KeyError at ", NEXT]),
        (
            while_drawn(lambda row: int(row["n"]), RECORDS[2]),
            ["the field 'n' of upstream's record (id=3, n='many', till='west') cannot be read: invalid literal", NUMBER, NEXT],
        ),
        (
            while_drawn(lambda row: int(row.get("n")), RECORDS[1]),  # type: ignore[arg-type]
            ["the field 'n' of upstream's record (id=2, ", "int() argument must be a string", "TypeError at ", NEXT],
        ),
        (of_something_else, ["what upstream sent cannot be read: unsupported operand", "in of_something_else)", NEXT]),
    ],
)
def test_a_plain_error_of_an_extract_names_record_field_and_next_step(
    make_settings: Callable[..., Settings], instance: dg.DagsterInstance, extract: Any, words: list[str]
) -> None:
    settings = make_settings(OSO_GITHUB_TOKEN="t0ps3cret")
    result = load(settings, instance, shop(extract=extract), partition_tags(windows("2026-01-07")))
    (failed,) = [event for event in result.all_events if event.is_step_failure]
    assert failed.step_failure_data.user_failure_data is not None
    message = str(failed.step_failure_data.user_failure_data.description)
    assert message.startswith("shop.sales[2026-01-07]: ")
    assert all(word in message for word in words), message
    assert "t0ps3cret" not in str(failed.step_failure_data)


def test_an_error_that_is_raised_on_purpose_stays_as_it_is(settings: Settings, instance: dg.DagsterInstance) -> None:
    result = load(settings, instance, shop(extract=on_purpose), partition_tags(windows("2026-01-07")))
    (failed,) = [event for event in result.all_events if event.is_step_failure]
    assert failed.step_failure_data.user_failure_data is not None
    assert failed.step_failure_data.user_failure_data.description == (
        "shop.sales[2026-01-07]: no database to read from: set OSO_SHOP_URL"
    )


def test_a_dry_run_says_the_same(settings: Settings) -> None:
    source = shop(extract=at_once)
    trial = try_table(settings, source, source.tables[0], datetime(2026, 1, 10, tzinfo=UTC), TrialLimits())
    assert "shop.sales: upstream's record (id=2, till='t0ps3cret') has no field 'n'" in trial.problems[0]
