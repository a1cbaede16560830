"""CHAOSS Augur: its metric functions, loaded from a clone and run on PostgreSQL over tables of the columns that they read.

The tables follow `augur/application/db/models/augur_data.py`. Of Augur's own modules the functions need the registration of
metrics, and of flask the engine of the application that runs.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

from sqlalchemy import Engine, text

from tests.other_definitions.activity import HISTORY_BEGINS, Item, number_of
from tests.sqlmesh_project.reference import Event

TABLES = """
CREATE TABLE repo_groups (repo_group_id bigint, rg_name text);
CREATE TABLE repo (repo_id bigint, repo_group_id bigint, repo_name text);
CREATE TABLE issues (issue_id bigint, repo_id bigint, reporter_id text, created_at timestamp, pull_request bigint);
CREATE TABLE commits (cmt_id bigint, repo_id bigint, cmt_ght_author_id text,
  cmt_committer_date timestamp, cmt_author_date text, cmt_author_email text);
CREATE TABLE message (msg_id bigint, cntrb_id text, msg_timestamp timestamp);
CREATE TABLE commit_comment_ref (cmt_id bigint, msg_id bigint, created_at timestamp);
CREATE TABLE issue_message_ref (issue_id bigint, msg_id bigint);
CREATE TABLE issue_events (issue_id bigint, repo_id bigint, cntrb_id text, created_at timestamp, action text);
CREATE TABLE pull_requests (pull_request_id bigint PRIMARY KEY, repo_id bigint,
  pr_created_at timestamp, pr_closed_at timestamp, pr_merged_at timestamp);
CREATE TABLE pull_request_message_ref (pull_request_id bigint, msg_id bigint);
INSERT INTO repo_groups VALUES (1, 'all');
INSERT INTO repo VALUES (1, 1, 'repository');
"""
_FILLED = ("issues", "commits", "message", "issue_message_ref", "issue_events", "pull_requests", "pull_request_message_ref")
_STATEMENTS = {
    "issues": "INSERT INTO issues VALUES (:key, 1, :by, :at, NULL)",
    "pulls": "INSERT INTO pull_requests VALUES (:key, 1, :at, :merged, :merged)",
    "commits": "INSERT INTO commits VALUES (:key, 1, :by, :at, :day, :by)",
    "messages": "INSERT INTO message VALUES (:key, :by, :at)",
    "issue_messages": "INSERT INTO issue_message_ref VALUES (:item, :key)",
    "pull_messages": "INSERT INTO pull_request_message_ref VALUES (:item, :key)",
    "closings": "INSERT INTO issue_events VALUES (:item, 1, :by, :at, 'closed')",
}


class Augur:
    """Augur's metrics of one repository at a time. `clone`: a clone of chaoss/augur."""

    def __init__(self, engine: Engine, clone: Path) -> None:
        self._engine = engine
        with engine.begin() as connection:
            connection.exec_driver_sql(TABLES)
        self._people = self._module(clone / "augur" / "api" / "metrics" / "contributor.py")
        self._pulls = self._module(clone / "augur" / "api" / "metrics" / "pull_request.py")

    def _module(self, path: Path) -> ModuleType:
        """A module of metrics of the clone, with the engine that it asks flask for."""
        needed = {
            "flask": {"current_app": SimpleNamespace(engine=self._engine)},
            "augur": {},
            "augur.api": {},
            "augur.api.util": {"register_metric": lambda **_: lambda function: function},
        }
        before = {name: sys.modules.get(name) for name in needed}
        for name, members in needed.items():
            sys.modules[name] = ModuleType(name)
            vars(sys.modules[name]).update(members)
        module = ModuleType(path.stem)
        try:
            exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), vars(module))
        finally:
            for name, known in before.items():
                if known is None:
                    del sys.modules[name]
                else:
                    sys.modules[name] = known
        return module

    def fill(self, items: Iterable[Item], events: Iterable[Event]) -> None:
        """Replaces what the tables hold by one repository's issues, pull requests, comments and commits."""
        rows: dict[str, list[dict[str, Any]]] = {name: [] for name in _STATEMENTS}
        for item in items:
            merged = item.merged_at and item.merged_at.replace(tzinfo=None)
            rows["pulls" if item.is_pull_request else "issues"].append(
                {"key": item.key, "by": item.by, "at": item.at.replace(tzinfo=None), "merged": merged}
            )
            for place, answer in enumerate(item.answers):
                key = number_of(item.key, place)
                rows["messages"].append({"key": key, "by": answer.by, "at": answer.at.replace(tzinfo=None)})
                rows["pull_messages" if item.is_pull_request else "issue_messages"].append({"item": item.key, "key": key})
        known = {row["key"] for row in rows["issues"]}
        for event in events:
            if event.person and event.type == "COMMIT_CODE" and event.amount >= 1:
                at = event.at.replace(tzinfo=None)
                row = {"key": number_of(event.key), "by": event.person, "at": at, "day": f"{at:%Y-%m-%d}"}
                rows["commits"].append(row)
            if event.person and event.type == "ISSUE_CLOSED" and number_of(event.to, event.number) in known:
                rows["closings"].append(
                    {"item": number_of(event.to, event.number), "by": event.person, "at": event.at.replace(tzinfo=None)}
                )
        with self._engine.begin() as connection:
            connection.exec_driver_sql(f"TRUNCATE {', '.join(_FILLED)}")
            for name, statement in _STATEMENTS.items():
                if rows[name]:
                    connection.execute(text(statement), rows[name])

    def contributors(self, since: date, until: date) -> set[str]:
        """Who contributed from a day to the last moment before another."""
        last = f"{until} 00:00:00"
        table = self._people.contributors(1, repo_id=1, begin_date=f"{since} 00:00:00", end_date=last)
        return set(table["user_id"])

    def new_contributors(self, period: str, until: date) -> dict[date, int]:
        """How many came first in each `week` or `month`."""
        table = self._people.contributors_new(1, repo_id=1, period=period, begin_date=str(HISTORY_BEGINS), end_date=str(until))
        return {moment.date(): int(count) for moment, count in zip(table["date"], table["new_contributors"], strict=True)}

    def new_committers(self, period: str, until: date) -> dict[date, int]:
        """How many committed first in each `week` or `month`."""
        table = self._pulls.pull_requests_merge_contributor_new(
            1, repo_id=1, period=period, begin_date=str(HISTORY_BEGINS), end_date=str(until)
        )
        return {moment.date(): int(count) for moment, count in zip(table["commit_date"], table["count"], strict=True)}

    def hours(self, until: date) -> dict[tuple[int, int], tuple[float, float]]:
        """Mean hours to the first response and the close, by year and month of it, of what was answered and merged."""
        table = self._pulls.pull_request_average_time_to_responses_and_close(
            1, repo_id=1, group_by="month", time_unit="hours", begin_date=str(HISTORY_BEGINS), end_date=str(until)
        )
        if len(table) == 0:
            return {}
        table = table[table["merged_status"] == "Merged"]
        columns = ("closed_year", "closed_month", "average_hours_to_first_response", "average_hours_to_close")
        return {
            (int(year), int(month)): (float(first), float(close))
            for year, month, first, close in table[list(columns)].itertuples(index=False)
        }
