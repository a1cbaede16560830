"""What goes is announced 90 days ahead, in every form of answer; nothing that is published goes without."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, date, datetime
from types import MappingProxyType

import pytest
from graphql import build_schema

from oso_dagster.serving.deprecations import deprecations_of, misnamed, unannounced
from oso_dagster.serving.graphql.sdl import schema_text
from oso_dagster.serving.graphql.shape import shapes_of
from oso_dagster.serving.provenance import Provenance
from oso_dagster.serving.published import Published, PublishedColumn, PublishedTable
from oso_dagster.serving.statements.names import understood
from oso_dagster.settings import PROJECT_ROOT

ANNOUNCED = deprecations_of("""
marts.old_v0: {announced: 2026-12-01, removed_after: 2027-03-01, use_instead: marts.things_v1}
marts.things_v1.label: {announced: 2026-12-01, removed_after: 2027-06-01, use_instead: thing_name}
""")


def published() -> Published:
    columns = (
        PublishedColumn("thing_id", "VARCHAR", "The thing."),
        PublishedColumn("label", "VARCHAR", "Its label.", ANNOUNCED["marts.things_v1.label"]),
    )
    old = PublishedTable("marts", "old_v0", "Old things.", columns[:1], deprecation=ANNOUNCED["marts.old_v0"])
    return Published([PublishedTable("marts", "things_v1", "Things.", columns), old])


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ("announced: 2026-12-01, removed_after: 2027-02-28, use_instead: x", "marts.a_v0: .* not before 2027-03-01"),
        ("announced: 2026-12-01, removed_after: 2027-03-01", "marts.a_v0: say what to use instead"),
        ("announced: soon, removed_after: 2027-03-01, use_instead: x", "marts.a_v0: .* are days"),
    ],
)
def test_less_than_90_days_or_half_an_announcement_is_refused_by_name(values: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        deprecations_of(f"marts.a_v0: {{{values}}}")


def test_the_header_and_the_asset_status_announce() -> None:
    known = Provenance(published(), {}, datetime(2026, 12, 1, tzinfo=UTC))
    old, things = json.loads(known.header(["marts.old_v0", "marts.things_v1"]))["tables"]
    whole = {"announced": "2026-12-01", "removedAfter": "2027-03-01", "useInstead": "marts.things_v1"}
    assert old["deprecated"] == whole
    assert "deprecated" not in things
    assert things["deprecatedColumns"]["label"]["removedAfter"] == "2027-06-01"
    assert known.asset_status(["marts.old_v0"])[0]["deprecated"] == whole


def test_show_columns_and_explain_announce() -> None:
    columns = {row[0]: row[2] for row in understood("SHOW COLUMNS FROM things_v1", "trino", published()).rows}
    words = "deprecated since 2026-12-01, removed after 2027-06-01: use thing_name"
    assert columns == {"thing_id": "", "label": words}
    assert (f"label is {words}",) in understood("EXPLAIN SELECT * FROM things_v1", "trino", published()).rows
    assert understood("DESCRIBE old_v0", "trino", published()).rows[0][2].endswith("use marts.things_v1")


def test_the_schema_of_graphql_announces() -> None:
    schema = build_schema(schema_text(shapes_of(published())))
    assert "2027-06-01" in schema.type_map["ThingsV1"].fields["label"].deprecation_reason
    assert schema.type_map["ThingsV1"].fields["thingId"].deprecation_reason is None
    assert "2027-03-01" in schema.query_type.fields["oldV0"].deprecation_reason


def test_a_column_that_goes_was_announced_and_its_last_day_is_over() -> None:
    before, after = frozenset({"marts.old_v0.thing_id", "marts.things_v1.label", "marts.b_v0.c"}), frozenset[str]()
    assert unannounced(before, after, ANNOUNCED, date(2027, 3, 1)) == sorted(before)
    assert unannounced(before, after, ANNOUNCED, date(2027, 3, 2)) == ["marts.b_v0.c", "marts.things_v1.label"]
    assert unannounced(before, before, MappingProxyType({}), date(2027, 3, 2)) == []


def test_an_announcement_of_what_is_not_there_is_found() -> None:
    there = frozenset({"marts.old_v0.thing_id", "marts.things_v1.name"})
    assert misnamed(ANNOUNCED, there, date(2027, 3, 1)) == ["marts.things_v1.label"]
    assert misnamed(ANNOUNCED, there | {"marts.things_v1.label"}, date(2027, 3, 1)) == []
    assert misnamed(ANNOUNCED, frozenset(), date(2027, 6, 2)) == []


def test_nothing_that_was_ever_published_is_gone_unannounced_and_every_announcement_names_what_is_there() -> None:
    """As far as the history of this clone goes back."""
    file = "tests/upgrade/surface/warehouse.txt"
    now, today = marts((PROJECT_ROOT / file).read_text()), datetime.now(UTC).date()
    announced = deprecations_of((PROJECT_ROOT / "sqlmesh_project" / "deprecations.yaml").read_text(encoding="utf-8"))
    versions = {
        of_git("show", f"{commit}:{file}") for commit in of_git("log", "--format=%H", "--diff-filter=AM", "--", file).split()
    }
    ever = frozenset[str]().union(*map(marts, versions))
    assert len(now) > 100
    assert unannounced(ever, now, announced, today) == []
    assert misnamed(announced, now, today) == []


def of_git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True).stdout


def marts(text: str) -> frozenset[str]:
    return frozenset(line.split(" ")[0] for line in text.splitlines() if line.startswith("marts."))
