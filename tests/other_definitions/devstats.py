"""CNCF DevStats: its SQL files, run on PostgreSQL over tables of the columns that they read.

The tables follow `structure.go` of cncf/devstatscode; a database of DevStats is one project, and so it is here. The three
functions of HyperLogLog count exactly here: what they estimate is not under test.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path

from sqlalchemy import Connection, text

from tests.other_definitions.activity import Item, login_of, number_of, person_number
from tests.sqlmesh_project.reference import Event

TABLES = """
CREATE TABLE gha_repo_groups (id bigint, name text, repo_group text);
CREATE TABLE gha_pull_requests (id bigint, event_id bigint, user_id bigint, created_at timestamp, updated_at timestamp,
  merged_at timestamp, dup_repo_id bigint, dup_repo_name text, dup_actor_id bigint, dup_actor_login text,
  dup_user_login text, dup_type text);
CREATE TABLE gha_issues (id bigint, event_id bigint, user_id bigint, is_pull_request boolean,
  created_at timestamp, updated_at timestamp,
  dup_repo_id bigint, dup_repo_name text, dup_actor_id bigint, dup_actor_login text,
  dup_user_login text, dup_type text);
CREATE TABLE gha_commits (sha text, dup_created_at timestamp, dup_repo_id bigint, dup_repo_name text, dup_actor_id bigint,
  dup_actor_login text, author_id bigint, dup_author_login text, committer_id bigint, dup_committer_login text);
CREATE TABLE gha_commits_roles (sha text, dup_created_at timestamp, dup_repo_id bigint, dup_repo_name text, actor_id bigint,
  actor_login text, role text);
CREATE TABLE gha_events (id bigint, repo_id bigint, dup_repo_name text, type text, created_at timestamp,
  actor_id bigint, dup_actor_login text);
CREATE TABLE gha_comments (id bigint, created_at timestamp, user_id bigint, dup_user_login text,
  dup_repo_id bigint, dup_repo_name text);
CREATE TABLE gha_actors_affiliations (actor_id bigint, company_name text, dt_from timestamp, dt_to timestamp);
CREATE FUNCTION hll_hash_text(value text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT value';
CREATE FUNCTION hll_hash_bigint(value bigint) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT value::text';
CREATE FUNCTION hll_append(held text[], value text) RETURNS text[] LANGUAGE sql IMMUTABLE AS
  'SELECT CASE WHEN value IS NULL THEN held ELSE array_append(held, value) END';
CREATE AGGREGATE hll_add_agg(text) (SFUNC = hll_append, STYPE = text[], INITCOND = '{}');
CREATE FUNCTION hll_cardinality(held text[]) RETURNS bigint LANGUAGE sql IMMUTABLE AS
  'SELECT count(DISTINCT value) FROM unnest(held) AS value';
INSERT INTO gha_repo_groups VALUES (1, 'project', 'project');
"""
EVENTS = {
    "ISSUE_COMMENT": "IssueCommentEvent",
    "PULL_REQUEST_REVIEW": "PullRequestReviewEvent",
    "PULL_REQUEST_REVIEW_COMMENT": "PullRequestReviewCommentEvent",
}
"""Types of GitHub's feed by those of ours."""
_FILLED = ("gha_pull_requests", "gha_issues", "gha_commits")
_PULL_REQUEST = """INSERT INTO gha_pull_requests VALUES (:key, :event, :user, :created, :updated, :merged, 1, 'project', :actor,
  :actor_login, :user_login, :type)"""
_ISSUE = """INSERT INTO gha_issues VALUES (:key, :event, :user, :is_pull, :created, :updated, 1, 'project', :actor, :actor_login,
  :user_login, :type)"""
_COMMIT = """INSERT INTO gha_commits VALUES (:sha, :at, 1, 'project', :actor, :login, :actor, :login, :actor, :login)"""


class DevStats:
    """DevStats' metrics of one project at a time. `clone`: a clone of cncf/devstats."""

    def __init__(self, connection: Connection, clone: Path) -> None:
        self._connection, self._metrics, self._runs = connection, clone / "metrics" / "shared", 0
        self._bots = (clone / "util_sql" / "exclude_bots.sql").read_text(encoding="utf-8")
        connection.exec_driver_sql(TABLES)

    def fill(self, items: Iterable[Item], events: Iterable[Event]) -> None:
        """Replaces what the tables hold by one project's pull requests, issues and commits."""
        for table in _FILLED:
            self._connection.exec_driver_sql(f"TRUNCATE {table}")
        pulls, issues = [], []
        for item in items:
            own = {
                "key": item.key, "user": person_number(item.by), "created": item.at.replace(tzinfo=None),
                "merged": item.merged_at, "user_login": login_of(item.by, item.is_bot), "is_pull": item.is_pull_request,
            }  # fmt: skip
            opening = own | {"updated": own["created"], "actor": own["user"], "actor_login": own["user_login"]}
            if item.is_pull_request:
                pulls.append(opening | {"event": number_of(item.key, "opened"), "type": "PullRequestEvent"})
            issues.append(opening | {"event": number_of(item.key, "opened"), "type": "IssuesEvent"})
            for place, answer in enumerate(item.answers):
                row = own | {
                    "event": number_of(item.key, place), "updated": answer.at.replace(tzinfo=None), "type": EVENTS[answer.kind],
                    "actor": person_number(answer.by), "actor_login": login_of(answer.by, answer.is_bot),
                }  # fmt: skip
                if answer.kind == "ISSUE_COMMENT":
                    issues.append(row)
                elif item.is_pull_request:
                    pulls.append(row)
        commits = [
            {"sha": f"{event.key}/{part}", "at": event.at.replace(tzinfo=None), "actor": person_number(event.person),
             "login": login_of(event.person, event.is_bot)}
            for event in events if event.type == "COMMIT_CODE" and event.person for part in range(int(event.amount))
        ]  # fmt: skip
        for statement, rows in ((_PULL_REQUEST, pulls), (_ISSUE, issues), (_COMMIT, commits)):
            if rows:
                self._connection.execute(text(statement), rows)

    def _rows(self, metric: str, since: date, until: date) -> Sequence[Sequence[object]]:
        self._runs += 1
        query = (self._metrics / f"{metric}.sql").read_text(encoding="utf-8")
        while "{{period:" in query:
            column = query.split("{{period:", 1)[1].split("}}", 1)[0]
            query = query.replace(f"{{{{period:{column}}}}}", f"({column} >= '{since}' and {column} < '{until}')")
        for name, value in (("from", since), ("to", until), ("n", 1), ("rnd", self._runs), ("exclude_bots", self._bots)):
            query = query.replace(f"{{{{{name}}}}}", str(value))
        nested = self._connection.begin_nested()
        rows = self._connection.exec_driver_sql(query.replace("%", "%%")).fetchall()
        nested.rollback()  # its temporary tables go with it
        return rows

    def count(self, metric: str, since: date, until: date) -> int:
        """People of the whole project in a span, by `new_contributors` or `episodic_contributors`."""
        return next(int(row[1]) for row in self._rows(metric, since, until) if ";All;" in row[0])

    def median_hours(self, metric: str, since: date, until: date) -> float | None:
        """The median of `opened_to_merged` or `first_non_author_activity`, of what was opened in a span; none of nothing."""
        median = next((row[2] for row in self._rows(metric, since, until) if ";All;" in row[0]), None)
        return None if median is None else float(median)

    def bus_factor(self, since: date, until: date) -> int:
        """How many made more than half of the commits of a span; 0 where nobody committed."""
        rows = self._rows("bus_factor", since, until)
        return next((int(row[2]) for row in rows if row[0] == "hbus,usr_commits" and row[1].startswith("All$$")), 0)
