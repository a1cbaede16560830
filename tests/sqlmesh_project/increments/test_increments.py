"""Metrics computed day by day, with late events, corrections and renames, are those of one full build, row by row."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest

from tests.sqlmesh_project.increments.relations_alone import TABLES, Relations

pytestmark = pytest.mark.slow

MODELS = ("int_metrics__github_activity", "int_metrics__onchain")
FIRST, LAST = date(2025, 12, 27), date(2026, 1, 3)
"""The days on which something runs: a month, a quarter and a year end between them."""
TABLES_OF_MODELS = "SELECT table_schema || '.' || table_name FROM information_schema.tables WHERE table_type = 'BASE TABLE'"
MADE_UP = """
INSERT INTO intermediate.int_entities_by_artifact
  SELECT 'a' || i, kind, CASE kind WHEN 'artifact' THEN 'a' || i ELSE kind || (i // 3) END
  FROM range(9) AS x(i), (VALUES ('artifact'), ('project')) AS kinds(kind);
CREATE TABLE happened AS SELECT
  DATE '2025-05-01' + CAST(hash(i) % 260 AS INTEGER) AS day, 'a' || (hash(i, 1) % 9) AS artifact,
  ['COMMIT_CODE', 'STARRED', 'PULL_REQUEST_OPENED', 'PULL_REQUEST_MERGED'][CAST(1 + hash(i, 2) % 4 AS INTEGER)] AS type,
  1 + hash(i, 4) % 3 AS amount, 'p' || (hash(i, 3) % 20) AS person, hash(i, 3) % 20 = 1 AS is_bot
  FROM range(1500) AS x(i);
"""
DAY = """
INSERT INTO intermediate.int_events_daily__github
  SELECT day, artifact, person, 'GITHUB', type, sum(amount), count(*), person, is_bot FROM happened
  WHERE day >= DATE '{since}' AND day < DATE '{until}' AND (artifact <> 'a8' OR day < DATE '2025-08-20') GROUP BY ALL;
INSERT INTO intermediate.int_events_daily__onchain
  SELECT day, artifact, person, 'OPTIMISM', ['CONTRACT_INVOCATION', 'GAS_FEES'][CAST(1 + hash(day) % 2 AS INTEGER)],
    sum(amount), count(*)
  FROM happened WHERE day >= DATE '{since}' AND day < DATE '{until}' AND type = 'STARRED' GROUP BY day, artifact, person;
"""
HAPPENS = {
    "an event that comes late": (
        "INSERT INTO intermediate.int_events_daily__github VALUES "
        "(DATE '2025-06-30', 'a0', 'late', 'GITHUB', 'COMMIT_CODE', 3, 3, 'late', false)"
    ),
    "a day that is corrected": (
        "UPDATE intermediate.int_events_daily__onchain SET amount = amount + 1 "
        "WHERE bucket_day BETWEEN DATE '2025-08-01' AND DATE '2025-08-03'"
    ),
    "a history that is replaced by a shorter one": (
        "DELETE FROM intermediate.int_events_daily__github WHERE to_artifact_id = 'a3' AND bucket_day < DATE '2025-10-10'"
    ),
    "an account that is another person's": (
        "UPDATE intermediate.int_events_daily__github SET from_person = 'p1' WHERE from_person = 'p4'"
    ),
    "an account that is a bot": (
        "UPDATE intermediate.int_events_daily__github SET from_artifact_is_bot = true WHERE from_person = 'p5'"
    ),
    "an artifact of another project": (
        "UPDATE intermediate.int_entities_by_artifact SET entity_id = 'project0' "
        "WHERE artifact_id = 'a7' AND entity_type = 'project'"
    ),
    "a project that is gone, and one that is new": (
        "UPDATE intermediate.int_entities_by_artifact SET entity_id = 'new' WHERE entity_id = 'project1'"
    ),
}


@pytest.fixture(scope="module")
def by_day(tmp_path_factory: pytest.TempPathFactory) -> Relations:
    """Computed on each of the days, between which something happened each time."""
    relations = Relations(tmp_path_factory.mktemp("by_day"), MODELS)
    relations.sql(TABLES + MADE_UP)
    for since, until in pairwise((date(2025, 5, 1), date(2025, 10, 18), FIRST)):  # then two months in which nothing ran
        relations.sql(DAY.format(since=since, until=until))
        relations.compute(until)
    days = [FIRST + timedelta(days=number) for number in range((LAST - FIRST).days)]
    assert len(days) == len(HAPPENS)
    for day, statement in zip(days, HAPPENS.values(), strict=True):
        relations.sql(DAY.format(since=day, until=day + timedelta(days=1)) + statement)
        relations.compute(day + timedelta(days=1))
    return relations


@pytest.fixture(scope="module")
def at_once(by_day: Relations, tmp_path_factory: pytest.TempPathFactory) -> Relations:
    """What is there on the last day, computed once."""
    relations = Relations(tmp_path_factory.mktemp("at_once"), MODELS)
    relations.sql(
        TABLES
        + f"ATTACH '{by_day.database}' AS other (READ_ONLY);"
        + "".join(
            f"INSERT INTO intermediate.{table} FROM other.intermediate.{table};"
            for table in ("int_events_daily__github", "int_events_daily__onchain", "int_entities_by_artifact")
        )
        + "DETACH other"
    )
    relations.compute(LAST)
    return relations


@pytest.mark.parametrize("model", MODELS)
def test_days_one_by_one_give_the_rows_of_one_full_build(by_day: Relations, at_once: Relations, model: str) -> None:
    whole = at_once.rows(model)
    assert len(whole) > 1_000
    assert by_day.rows(model) == whole


def test_a_day_computed_twice_gives_the_same_rows(by_day: Relations) -> None:
    rows = {model: by_day.rows(model) for model in MODELS}
    by_day.compute(LAST)
    assert {model: by_day.rows(model) for model in MODELS} == rows


@pytest.mark.parametrize("model", MODELS)
def test_what_was_deleted_and_not_written_is_computed_by_the_next_run(by_day: Relations, at_once: Relations, model: str) -> None:
    """So an engine without transactions is left by a run that is stopped: here one that found no changed rows."""
    [(table,)] = by_day.sql(f"{TABLES_OF_MODELS} AND table_name LIKE 'intermediate__{model}%'")
    newest = f"grain = 'day' AND sample_date >= DATE '{LAST - timedelta(days=1)}'"
    by_day.sql(f"DELETE FROM {table} WHERE grain = 'all' OR is_latest OR ({newest})")
    assert by_day.rows(model) != at_once.rows(model)
    by_day.compute(LAST)
    assert by_day.rows(model) == at_once.rows(model)


def test_the_past_of_what_did_not_change_is_not_written_again(by_day: Relations) -> None:
    """A wrong value of a closed month stays, for nobody computes it; a change of a row of that month replaces it."""
    [(table,)] = by_day.sql(f"{TABLES_OF_MODELS} AND table_name LIKE 'intermediate__{MODELS[0]}%'")
    july = "grain = 'month' AND sample_date = DATE '2025-07-01' AND entity_type = 'artifact'"
    by_day.sql(f"UPDATE {table} SET amount = -7 WHERE {july}")
    wrong = f"SELECT DISTINCT entity_id FROM intermediate.{MODELS[0]} WHERE amount = -7 ORDER BY 1"
    entities = [row[0] for row in by_day.sql(wrong)]
    assert "a0" in entities
    by_day.sql(DAY.format(since=LAST, until=LAST + timedelta(days=1)))
    by_day.compute(LAST + timedelta(days=1))
    assert [row[0] for row in by_day.sql(wrong)] == entities
    by_day.sql(
        "UPDATE intermediate.int_events_daily__github SET amount = 9 "
        "WHERE to_artifact_id = 'a0' AND bucket_day >= DATE '2025-07-01' AND bucket_day < DATE '2025-08-01'"
    )
    by_day.compute(LAST + timedelta(days=2))
    assert [row[0] for row in by_day.sql(wrong)] == [entity for entity in entities if entity != "a0"]
    rows = by_day.rows(MODELS[1])
    by_day.restate(LAST + timedelta(days=2))
    assert by_day.sql(wrong) == []
    assert by_day.rows(MODELS[1]) == rows
