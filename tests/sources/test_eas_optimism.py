"""EAS from the sandbox's GraphQL endpoint into the warehouse: each attestation once, later revocations, errors by name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from oso_dagster.connectors.http.rest import RateLimitedError, RestError
from oso_dagster.domain.catalogue.loading import RefusedError
from oso_dagster.sandbox.upstreams import eas_optimism
from oso_dagster.sources.eas_optimism import SOURCE
from tests.support.landing import WORLD, Landing, clear_fault, landing, spoil

pytestmark = pytest.mark.server


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Landing]:
    with landing(SOURCE, tmp_path) as place:
        yield place


def test_all_weeks_together_are_the_generators_rows_and_a_second_load_changes_nothing(there: Landing) -> None:
    """Among them a batch of one second that fills more than two pages."""
    windows = [window for window in there.windows("attestations") if window]
    begin, end = windows[0].start, windows[-1].end
    for window in windows:
        there.load("attestations", window)
    assert begin
    assert end
    rows = there.family.truth(WORLD)["eas_optimism.attestations"]
    seen = {row["id"] for row in rows if any(begin.timestamp() <= time < end.timestamp() for time in row["seen"])}
    truth = [row for row in there.truth("attestations") if row["id"] in seen]
    later = {row["id"] for row in truth if row["revocation_time"] and row["revocation_time"] >= end}
    landed = there.rows("attestations")
    assert [row for row in landed if row["id"] not in later] == [row for row in truth if row["id"] not in later]
    assert len(landed) == len(truth) > 400
    there.load("attestations", windows[-1])
    assert there.rows("attestations") == landed


def test_a_revocation_in_a_later_week_reaches_the_row_of_an_earlier_one(there: Landing) -> None:
    first, *others = [window for window in there.windows("attestations") if window]
    there.load("attestations", first)
    late = [row for row in there.truth("attestations") if row["time"] < first.end and row["revocation_time"]]  # type: ignore[operator]
    (week,) = [window for window in others if window.start <= late[-1]["revocation_time"] < window.end]  # type: ignore[operator]
    there.load("attestations", week)
    (row,) = there.rows("", f"SELECT revoked, revocation_time FROM eas_optimism.attestations WHERE id = '{late[-1]['id']}'")
    assert row == {"revoked": True, "revocation_time": late[-1]["revocation_time"]}


def test_an_attestation_that_its_owner_publishes_weeks_later_arrives_in_the_week_in_which_it_came(there: Landing) -> None:
    """Off chain it has the time at which it was signed."""
    windows = [window for window in there.windows("attestations") if window]
    path = there.home / "served" / "data.json"
    listed = json.loads(path.read_text())
    late = next(row for row in listed if row["isOffchain"] and row["time"] > windows[0].start.timestamp())  # type: ignore[union-attr]
    path.write_text(json.dumps([row for row in listed if row["id"] != late["id"]]))
    (signed,) = [window for window in windows if window.start.timestamp() <= late["time"] < window.end.timestamp()]  # type: ignore[union-attr]
    (came,) = [window for window in windows if window.start.timestamp() <= late["timeCreated"] < window.end.timestamp()]  # type: ignore[union-attr]
    assert came != signed
    there.load("attestations", signed)
    path.write_text(json.dumps(listed))
    there.load("attestations", came)
    assert late["id"] in {row["id"] for row in there.rows("attestations")}


def test_an_end_beyond_what_the_indexer_counts_is_no_end(there: Landing) -> None:
    path = there.home / "served" / "data.json"
    listed = json.loads(path.read_text())
    path.write_text(json.dumps([row | {"expirationTime": 2**31 - 1} for row in listed]))
    there.load("attestations", there.windows("attestations")[0])
    assert {row["expiration_time"] for row in there.rows("attestations")} == {None}


def test_attestations_that_op_atlas_names_are_there(there: Landing) -> None:
    named = {row["attestationId"] for table in eas_optimism._ATTESTED for row in WORLD.atlas[table]}
    assert named
    assert named <= {row["id"] for row in there.truth("attestations")}


def test_pages_go_on_behind_the_last_attestation_not_by_counting(there: Landing) -> None:
    there.load("attestations", there.windows("attestations")[-1])
    asked = [json.loads(body)["variables"] for *_, body in there.asked]
    pages = [variables for variables in asked if "take" in variables]
    assert "cursor" not in pages[0]
    assert all(page["cursor"]["id"].startswith("0x") and page["skip"] == 1 for page in pages[1:])


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        ({"kind": "duplicates"}, RefusedError, "times"),
        ({"kind": "empty"}, RestError, "hold 0 records where"),
        ({"kind": "drift"}, RestError, "the key 'data' is missing"),
        ({"kind": "rate_limit", "seconds": 3600}, RateLimitedError, "asks for a pause of 3,600 s"),
        ({"kind": "truncated_gzip"}, RestError, "gzip body is truncated"),
    ],
    ids=lambda value: value["kind"] if isinstance(value, dict) else "",
)
def test_an_answer_that_is_wrong_is_an_error_by_name_and_the_rows_stay(
    there: Landing, fault: dict[str, str], error: type[Exception], words: str
) -> None:
    window = there.windows("attestations")[0]
    there.load("attestations", window)
    before = there.rows("attestations")
    spoil(there, **fault)
    with pytest.raises((error, RestError), match=rf"{words}|where \d+ were announced"):
        there.load("attestations", window)
    assert there.rows("attestations") == before
    clear_fault(there)
    there.load("attestations", window)
    assert there.rows("attestations") == before


def test_a_load_without_a_week_is_refused(there: Landing) -> None:
    with pytest.raises(RefusedError, match="name a partition"):
        there.extract("attestations")
