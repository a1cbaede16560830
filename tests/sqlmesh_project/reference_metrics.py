"""Every published metric of every entity and period in plain Python, from the events of `reference`."""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import date
from functools import lru_cache

import duckdb

from tests.sqlmesh_project.reference import Event, Raw, entity_id, onchain_events, periods
from tests.sqlmesh_project.reference_github import artifacts_of_repositories, github_events
from tests.sqlmesh_project.reference_items import metrics_of_items
from tests.sqlmesh_project.reference_people import metrics_of_people, retention
from tests.sqlmesh_project.reference_usage import dependents, metrics_of_usage

Key = tuple[str, str, str, date, bool]
"""Name of the metric, type and id of the entity, date of the sample, whether it is the newest window."""

SUMS = {
    "stars": {"STARRED"},
    "forks": {"FORKED"},
    "releases": {"RELEASE_PUBLISHED"},
    "comments": {"ISSUE_COMMENT", "PULL_REQUEST_REVIEW_COMMENT"},
    "commits": {"COMMIT_CODE"},
    "opened_pull_requests": {"PULL_REQUEST_OPENED"},
    "merged_pull_requests": {"PULL_REQUEST_MERGED"},
    "opened_issues": {"ISSUE_OPENED"},
    "closed_issues": {"ISSUE_CLOSED"},
    "project_velocity": {"COMMIT_CODE", "ISSUE_OPENED", "ISSUE_CLOSED", "PULL_REQUEST_OPENED", "PULL_REQUEST_MERGED"},
}
RATIO = {"PULL_REQUEST_OPENED": "opened", "PULL_REQUEST_CLOSED": "closed", "PULL_REQUEST_MERGED": "closed"}
PEOPLE = {
    "contributors": {"COMMIT_CODE", "ISSUE_OPENED", "PULL_REQUEST_OPENED", "PULL_REQUEST_MERGED"},
    "active_developers": {"COMMIT_CODE"},
}


def computed_metrics(connection: duckdb.DuckDBPyConnection) -> dict[Key, float]:
    """What the models computed."""
    columns = "metric_name, entity_type, entity_id, sample_date, is_latest, amount"
    return {tuple(row[:5]): row[5] for row in connection.execute(f"SELECT {columns} FROM intermediate.int_metrics").fetchall()}


def expected_metrics(connection: duckdb.DuckDBPyConnection, today: date) -> dict[Key, float]:
    """What they should be, `today` being the first day that is not over. Entities are those of the marts."""
    raw, entities = Raw(connection), defaultdict(list)
    pairs = "SELECT artifact_id, entity_type, entity_id FROM intermediate.int_entities_by_artifact"
    for artifact, kind, entity in connection.execute(pairs).fetchall():
        entities[artifact].append((kind, entity))
    amounts: dict[Key, float] = defaultdict(float)
    members: dict[Key, set[str]] = defaultdict(set)
    others = _github(connection, raw, entities, today, amounts, members)
    _onchain(raw, entities, today, amounts, members)
    _funding(raw, entities, today, amounts)
    others |= metrics_of_usage(raw, entities, today) | dependents(raw, _holders(connection, raw), entities, today)
    counts = {key: float(len(some)) for key, some in members.items()}
    return {key: amount for key, amount in amounts.items() if amount} | counts | others


def different_metrics(connection: duckdb.DuckDBPyConnection) -> dict[Key, tuple[float | None, float | None]]:
    """Each value that the models compute otherwise than plain Python does, or that only one of them has: theirs and Python's."""
    (today,) = connection.execute("SELECT max(sample_date) + 1 FROM intermediate.int_metrics WHERE grain = 'all'").fetchone() or (
        None,
    )
    computed, expected = computed_metrics(connection), expected_metrics(connection, today)
    pairs = {key: (computed.get(key), expected.get(key)) for key in computed.keys() | expected.keys()}
    return {
        key: (ours, theirs)
        for key, (ours, theirs) in pairs.items()
        if ours is None or theirs is None or abs(ours - theirs) > 1e-9 * abs(theirs)
    }


def expected_retention(connection: duckdb.DuckDBPyConnection, today: date) -> dict[tuple[str, str, date, date], tuple[int, int]]:
    """Size and returned people by entity, month of the cohort and month."""
    pairs = "SELECT artifact_id, entity_type, entity_id FROM intermediate.int_entities_by_artifact"
    of_entities: dict[tuple[str, str], list[Event]] = defaultdict(list)
    entities: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for artifact, kind, entity in connection.execute(pairs).fetchall():
        entities[artifact].append((kind, entity))
    for event in github_events(Raw(connection), claimed_repositories(connection), today):
        for owner in entities[event.to]:
            of_entities[owner].append(event)
    return {(*owner, *key): value for owner, events in of_entities.items() for key, value in retention(events, today).items()}


def claimed_repositories(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """Repositories that somebody claims, as `owner/name`."""
    claims = "SELECT artifact_source, artifact_namespace, artifact_name FROM intermediate.int_claimed_artifacts"
    return {f"{row[1]}/{row[2]}" for row in connection.execute(claims).fetchall() if row[0] == "GITHUB"}


def _holders(connection, raw) -> dict[str, str]:
    artifacts, holders = artifacts_of_repositories(raw, claimed_repositories(connection))
    return {name: artifacts[repo_id] for name, repo_id in holders.items()}


def _github(connection, raw, entities, today, amounts, members) -> dict[Key, float]:
    events = github_events(raw, claimed_repositories(connection), today)
    first = min((event.day for event in events), default=today).replace(day=1)
    cut = lru_cache(None)(lambda day: list(periods(day, today, first)))
    sides: dict[str, dict[Key, float]] = {"opened": defaultdict(float), "closed": defaultdict(float)}
    for event in events:
        for suffix, sample, latest in cut(event.day):
            for kind, entity in entities[event.to]:
                rest = (kind, entity, sample, latest)
                for metric, types in SUMS.items():
                    if event.type in types:
                        amounts[f"GITHUB_{metric}_{suffix}", *rest] += event.amount
                for metric, types in PEOPLE.items():
                    if event.type in types and event.person and not event.is_bot:
                        members[f"GITHUB_{metric}_{suffix}", *rest].add(event.person)
                side = RATIO.get(event.type)
                if side and suffix != "daily":
                    sides[side][f"GITHUB_change_request_closure_ratio_{suffix}", *rest] += event.amount
    opened = sides["opened"]
    amounts.update({key: amount / opened[key] for key, amount in sides["closed"].items() if key in opened})
    amounts.update(_people(events, entities, today, first))
    return metrics_of_items(events, entities, today)


def _people(events, entities, today, first) -> dict[Key, float]:
    by_entity = defaultdict(list)
    for event in events:
        for entity in entities[event.to]:
            by_entity[entity].append(event)
    return {
        (f"GITHUB_{metric}_{suffix}", *entity, sample, latest): float(value)
        for entity, some in by_entity.items()
        for metric, (suffix, sample, latest), value in metrics_of_people(some, today, first)
    }


def _onchain(raw, entities, today, amounts, members) -> None:
    events = list(onchain_events(raw, set(entities), today))
    first = min((event[1] for event in events), default=today).replace(day=1)
    for chain, day, receiver, sender, transactions, wei in events:
        for suffix, sample, latest in periods(day, today, first):
            for kind, entity in entities[receiver]:
                rest = (kind, entity, sample, latest)
                amounts[f"{chain}_transactions_{suffix}", *rest] += transactions
                amounts[f"{chain}_contract_invocations_{suffix}", *rest] += transactions
                amounts[f"{chain}_gas_fees_{suffix}", *rest] += wei
                members[f"{chain}_active_addresses_aggregation_{suffix}", *rest].add(sender)
                members[f"{chain}_active_contracts_{suffix}", *rest].add(receiver)


def _funding(raw, entities, today, amounts) -> None:
    for grant in raw.rows("oss_funding.funding_data"):
        project = (grant["to_project_name"] or "").strip()
        if not project or grant["funding_date"] >= today:
            continue
        funder = re.sub("[^A-Za-z0-9]+", "_", grant["from_funder_name"]).upper()
        for suffix, sample, latest in periods(grant["funding_date"], today, date.min):
            for kind, entity in entities[entity_id("OSS_DIRECTORY", "oso", project)]:
                rest = (kind, entity, sample, latest)
                amounts[f"OSS_FUNDING_funding_received_{suffix}", *rest] += grant["amount"]
                amounts[f"{funder}_funding_awarded_{suffix}", *rest] += grant["amount"]
