"""The checksum of a month's rows on Trino: of the same rows the same, in whatever order, and of others another."""

from __future__ import annotations

from sqlglot import exp
from sqlmesh.core.macros import MacroEvaluator

from sqlmesh_project.macros.changes import entity_marks
from tests.lakehouse.conftest import ask

_QUERY = """WITH as_of AS (SELECT DATE '2026-01-01' AS day), facts AS (SELECT * FROM (VALUES {rows})
  AS facts(to_artifact_id, bucket_day, event_type, person, amount)), entities_of AS (
  SELECT 'a' AS artifact_id, 'project' AS entity_type, 'p' AS entity_id) {marks}"""


def mark(address: str, *rows: str) -> object:
    columns = exp.tuple_(*map(exp.column, ("bucket_day", "event_type", "person", "amount")))
    marks = entity_marks(MacroEvaluator(dialect="trino"), exp.column("facts"), columns).sql(dialect="trino")
    marks = marks.replace("intermediate.int_entities_by_artifact", "entities_of")
    [[_, _, _, value]] = ask(address, _QUERY.format(rows=", ".join(rows), marks=marks))
    return value


def row(day: int, event_type: str, person: str, amount: float) -> str:
    return f"('a', DATE '2025-12-0{day}', '{event_type}', {person}, {amount:e})"


def test_rows_that_swap_a_value_have_another_mark_and_their_order_does_not_count(servers: dict[str, str]) -> None:
    address = servers["lakehouse_trino_url"]
    stars, commits = row(1, "STARRED", "NULL", 1), row(2, "COMMIT_CODE", "'p'", 2)
    assert mark(address, stars, commits) == mark(address, commits, stars)
    for swapped in (
        (row(1, "STARRED", "NULL", 2), row(2, "COMMIT_CODE", "'p'", 1)),
        (row(2, "STARRED", "NULL", 1), row(1, "COMMIT_CODE", "'p'", 2)),
        (row(1, "STARRED", "'p'", 1), row(2, "COMMIT_CODE", "NULL", 2)),
        (stars, commits, commits),
    ):
        assert mark(address, *swapped) != mark(address, stars, commits)
