"""The tables that the SQL of others runs on are filled as theirs are. What their SQL gives: docs/definitions-of-others.md."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine

from tests.other_definitions.activity import items_of
from tests.other_definitions.augur import Augur
from tests.other_definitions.devstats import DevStats
from tests.sqlmesh_project.reference import Event
from tests.support.postgres import empty

pytestmark = pytest.mark.server
NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


def event(
    kind: str, person: str | None, hours: int, number: int | None = None, *, is_bot: bool = False, amount: float = 1.0
) -> Event:
    """Something that happened so many hours after noon."""
    at = NOON + timedelta(hours=hours)
    return Event(at.date(), kind, "repository", person, is_bot, amount, at, number, f"{kind}/{person}/{hours}")


EVENTS = [
    event("PULL_REQUEST_OPENED", "7", 0, 1),
    event("ISSUE_COMMENT", "8", 1, 1),
    event("PULL_REQUEST_REVIEW", "9", 2, 1),
    event("PULL_REQUEST_MERGED", "8", 5, 1),
    event("ISSUE_OPENED", "login-only", 0, 2),
    event("ISSUE_CLOSED", "8", 3, 2),
    event("PULL_REQUEST_OPENED", "11", 1, 3, is_bot=True),
    event("PULL_REQUEST_OPENED", None, 1, 4),
    event("COMMIT_CODE", "7", 0, amount=3.0),
]


@pytest.fixture
def engine(postgres_server: str) -> Iterator[Engine]:
    engine = create_engine(empty(postgres_server))
    yield engine
    engine.dispose()


def test_the_tables_of_devstats_hold_each_event_once(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "util_sql").mkdir()
    (tmp_path / "util_sql" / "exclude_bots.sql").write_text("not like '%[bot]'")
    with engine.connect() as connection:
        devstats = DevStats(connection, tmp_path)
        for _ in range(2):  # filled again, it holds the second alone
            devstats.fill(items_of(EVENTS), EVENTS)
        pulls = "SELECT dup_type, user_id, dup_actor_login, merged_at IS NOT NULL FROM gha_pull_requests ORDER BY updated_at"
        assert [tuple(row) for row in connection.exec_driver_sql(pulls)] == [
            ("PullRequestEvent", 7, "person7", True),
            ("PullRequestEvent", 11, "11[bot]", False),
            ("PullRequestReviewEvent", 7, "person9", True),
        ]
        issues = "SELECT dup_type, is_pull_request FROM gha_issues ORDER BY updated_at, is_pull_request"
        assert [tuple(row) for row in connection.exec_driver_sql(issues)] == [
            ("IssuesEvent", False), ("IssuesEvent", True), ("IssueCommentEvent", True), ("IssuesEvent", True)
        ]  # fmt: skip
        assert connection.exec_driver_sql("SELECT count(DISTINCT sha) FROM gha_commits").scalar() == 3


def test_the_tables_of_augur_hold_each_event_once(engine: Engine, tmp_path: Path) -> None:
    (metrics := tmp_path / "augur" / "api" / "metrics").mkdir(parents=True)
    for name in ("contributor", "pull_request"):
        (metrics / f"{name}.py").write_text("from flask import current_app\nfrom augur.api.util import register_metric\n")
    augur = Augur(engine, tmp_path)
    for _ in range(2):
        augur.fill(items_of(EVENTS), EVENTS)
    counts = {"issues": 1, "pull_requests": 2, "message": 2, "pull_request_message_ref": 2, "issue_events": 1, "commits": 1}
    with engine.connect() as connection:
        assert {table: connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar() for table in counts} == counts
