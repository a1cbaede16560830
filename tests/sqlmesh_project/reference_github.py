"""Universal events of GitHub from its raw tables, in plain Python; part of `reference`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from tests.sqlmesh_project.reference import Event, Raw, entity_id, utc_day

MINUTE = timedelta(minutes=1)
FEED_TYPES = {
    ("IssuesEvent", "opened"): "ISSUE_OPENED",
    ("IssuesEvent", "closed"): "ISSUE_CLOSED",
    ("IssuesEvent", "reopened"): "ISSUE_REOPENED",
    ("IssueCommentEvent", "created"): "ISSUE_COMMENT",
    ("PullRequestEvent", "opened"): "PULL_REQUEST_OPENED",
    ("PullRequestEvent", "closed"): "PULL_REQUEST_CLOSED",
    ("PullRequestEvent", "reopened"): "PULL_REQUEST_REOPENED",
    ("PullRequestEvent", "merged"): "PULL_REQUEST_MERGED",
    ("PullRequestReviewEvent", "created"): "PULL_REQUEST_REVIEW",
    ("PullRequestReviewEvent", "submitted"): "PULL_REQUEST_REVIEW",
    ("PullRequestReviewCommentEvent", "created"): "PULL_REQUEST_REVIEW_COMMENT",
    ("ReleaseEvent", "published"): "RELEASE_PUBLISHED",
}


def artifacts_of_repositories(raw: Raw, claimed: set[str]) -> tuple[dict[int, str], dict[str, int]]:
    """Artifact ids by GitHub's id of the repository, and these ids by every name. `claimed`: names of artifacts."""
    holders: dict[str, int] = {}
    rows = [row for row in raw.rows("github.repositories") if row["id"] is not None]
    rows.sort(key=lambda row: (row["checked_at"], row["id"]), reverse=True)
    current = {row["id"]: f"{row['owner']}/{row['name']}".lower() for row in rows}
    for gone in (False, True):
        some = [row for row in rows if (row["status"] == "gone") is gone]
        for row in some:
            holders.setdefault(current[row["id"]], row["id"])
        for row in some:
            for name in row["requested_names"] or ():
                holders.setdefault(name, row["id"])
    names: dict[int, list[str]] = defaultdict(list)
    for name, repo_id in holders.items():
        names[repo_id].append(name)
    chosen = {
        repo_id: min(known, key=lambda name, repo_id=repo_id: (name not in claimed, name != current[repo_id], name))
        for repo_id, known in names.items()
    }
    chosen |= {repo_id: f"{name}#{repo_id}" for repo_id, name in current.items() if repo_id not in chosen}  # made again since
    return {repo_id: entity_id("GITHUB", *name.split("/")) for repo_id, name in chosen.items()}, holders


class Github:
    """GitHub's raw tables, and what is known from them before any event is made."""

    def __init__(self, raw: Raw, claimed: set[str], today: date) -> None:
        self.raw, self.today = raw, today
        self.artifacts, self.holders = artifacts_of_repositories(raw, claimed)
        self.feed: dict[tuple[str, date], dict[str, Any]] = {}
        for row in [*raw.rows("github.events"), *raw.rows("github.repository_events")]:  # the feed of the repository wins
            if row["repo_id"] in self.artifacts:
                self.feed[row["id"], utc_day(row["created_at"])] = row
        self.facts = list(_facts(raw))
        self.accounts: dict[str, int] = {}
        for login, number in _accounts(self.feed.values(), self.facts, self.artifacts, today):
            self.accounts[login] = max(number, self.accounts.get(login, number))
        typed = [row for table in ("github.issues", "github.pull_requests") for row in raw.rows(table)]
        self.bots = {row["author_login"].lower() for row in typed if row["author_type"] == "Bot" and row["author_login"]}
        self.bots |= {row["login"] for row in raw.rows("staging.seed_bots")}
        self.listed: dict[int, tuple[date, datetime]] = {}
        for repo_id in {row["repo_id"] for row in raw.rows("github.commits")}:
            listed = [row for row in raw.rows("github.commits") if row["repo_id"] == repo_id]
            known = [row["listed_until"] for row in listed if row["listed_until"] is not None]
            moments = [row["committed_at"] for row in listed]
            self.listed[repo_id] = (utc_day(min(moments)), max(known or moments))
        stars = raw.rows("github.stars_by_day")
        self.counted: dict[int, date] = {}
        for row in stars:
            if (holder := self.holders.get(row["repository"])) is not None:
                self.counted[holder] = max(utc_day(row["checked_at"]), self.counted.get(holder, date.min))
        merged = [fact for fact in self.facts if fact["type"] == "PULL_REQUEST_MERGED"]
        self.mergings = {(fact["repo_id"], fact["number"]): fact["at"] for fact in merged}

    def event(
        self, kind: str, repo_id: int, day: date, who: tuple[str | None, int | None], amount: float, *item: Any
    ) -> Iterator[Event]:
        """The event, if it is in a known repository on a day that is over."""
        login, number = who
        if day < self.today and repo_id in self.artifacts:
            account = number if number is not None else self.accounts.get(login or "")
            is_bot = bool(login) and (str(login).endswith("[bot]") or login in self.bots)
            person = str(account) if account is not None else login
            yield Event(day, kind, self.artifacts[repo_id], person, is_bot, amount, *item)

    def from_feeds(self) -> Iterator[Event]:
        """Events of both feeds, but for what is counted otherwise."""
        for row in self.feed.values():
            kind, day, repo_id = _feed_type(row), utc_day(row["created_at"]), row["repo_id"]
            if kind is None or self._counted_otherwise(kind, day, row):
                continue
            size = row["push_distinct_size"] if kind == "COMMIT_CODE" else None
            who = (row["actor_login"].lower(), row["actor_id"])
            item = (row["created_at"], row["number"], row["id"])
            yield from self.event(kind, repo_id, day, who, 1.0 if size is None else float(size), *item)

    def _counted_otherwise(self, kind: str, day: date, row: dict[str, Any]) -> bool:
        repo_id = row["repo_id"]
        if kind == "COMMIT_CODE":
            since, until = self.listed.get(repo_id, (date.max, row["created_at"]))
            return since <= day and row["created_at"] <= until
        if kind == "STARRED":
            return day <= self.counted.get(repo_id, date.min)
        merged = self.mergings.get((repo_id, row["number"])) if kind == "PULL_REQUEST_CLOSED" else None
        return merged is not None and abs(merged - row["created_at"]) <= MINUTE

    def from_facts(self) -> Iterator[Event]:
        """What GitHub has and no event of the feeds says."""
        moments: dict[tuple[str, int, int], list[datetime]] = defaultdict(list)
        for row in self.feed.values():
            if kind := _feed_type(row):
                moments[kind, row["repo_id"], row["release_id"] if kind == "RELEASE_PUBLISHED" else row["number"]].append(
                    row["created_at"]
                )
        for fact in self.facts:
            kind = fact["type"]
            near = moments.get((kind, fact["repo_id"], fact["id"] if kind == "RELEASE_PUBLISHED" else fact["number"]), [])
            if kind == "COMMIT_CODE" or not any(
                kind == "RELEASE_PUBLISHED" or abs(moment - fact["at"]) <= MINUTE for moment in near
            ):
                item = (fact["at"], fact["number"], str(fact["id"]))
                yield from self.event(kind, fact["repo_id"], utc_day(fact["at"]), (fact["login"], fact["actor"]), 1.0, *item)

    def from_counts(self) -> Iterator[Event]:
        """Stars by day, once where a repository was asked for by two names."""
        days: dict[tuple[int, date], int] = {}
        for row in self.raw.rows("github.stars_by_day"):
            if row["repository"] in self.holders and row["stars"] > 0:
                where = (self.holders[row["repository"]], row["day"])
                days[where] = max(row["stars"], days.get(where, 0))
        for (repo_id, day), stars in days.items():
            yield from self.event("STARRED", repo_id, day, (None, None), float(stars))


def github_events(raw: Raw, claimed: set[str], today: date) -> list[Event]:
    """Universal events of GitHub on days that are over."""
    github = Github(raw, claimed, today)
    events = [*github.from_feeds(), *github.from_facts(), *github.from_counts()]
    programs = {event.person for event in events if event.is_bot}  # under one of its names is under all
    return [replace(event, is_bot=event.person in programs) for event in events]


def _feed_type(row: dict[str, Any]) -> str | None:
    if row["type"] in ("PushEvent", "WatchEvent", "ForkEvent"):
        return {"PushEvent": "COMMIT_CODE", "WatchEvent": "STARRED", "ForkEvent": "FORKED"}[row["type"]]
    if row["type"] == "PullRequestEvent" and row["action"] == "closed" and row["pull_request_is_merged"]:
        return "PULL_REQUEST_MERGED"
    return FEED_TYPES.get((row["type"], row["action"]))


def _facts(raw: Raw) -> Iterator[dict[str, Any]]:
    def fact(row: dict[str, Any], kind: str, key: str, at: str, login: str | None, actor: int | None) -> Iterator[dict[str, Any]]:
        if row[at] is not None:
            name = login.lower() if login else None
            yield {"type": kind, "repo_id": row["repo_id"], "number": row.get("number"), "id": row[key], "at": row[at],
                   "login": name, "actor": actor}  # fmt: skip

    for row in raw.rows("github.issues"):
        yield from fact(row, "ISSUE_OPENED", "id", "created_at", row["author_login"], row["author_id"])
        yield from fact(row, "ISSUE_CLOSED", "id", "closed_at", None, None)
    for row in raw.rows("github.pull_requests"):
        yield from fact(row, "PULL_REQUEST_OPENED", "id", "created_at", row["author_login"], row["author_id"])
        yield from fact(row, "PULL_REQUEST_MERGED", "id", "merged_at", row["merged_by_login"], None)
        if row["merged_at"] is None:
            yield from fact(row, "PULL_REQUEST_CLOSED", "id", "closed_at", None, None)
    for row in raw.rows("github.releases"):
        yield from fact(row, "RELEASE_PUBLISHED", "id", "published_at", row["author_login"], None)
    for row in raw.rows("github.commits"):
        yield from fact(row, "COMMIT_CODE", "sha", "committed_at", row["author_login"], row["author_id"])


def _accounts(
    feed: Iterable[dict[str, Any]], facts: Iterable[dict[str, Any]], artifacts: dict[int, str], today: date
) -> Iterator[tuple[str, int]]:
    for row in feed:
        if _feed_type(row) and utc_day(row["created_at"]) < today:
            yield row["actor_login"].lower(), row["actor_id"]
    for fact in facts:
        if fact["login"] and fact["actor"] is not None and fact["repo_id"] in artifacts and utc_day(fact["at"]) < today:
            yield fact["login"], fact["actor"]
