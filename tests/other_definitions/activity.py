"""What happened in one entity, as tables that others keep can be filled with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import blake2b

import duckdb

from tests.sqlmesh_project.reference import Event, Raw
from tests.sqlmesh_project.reference_github import github_events
from tests.sqlmesh_project.reference_items import ANSWERS
from tests.sqlmesh_project.reference_metrics import claimed_repositories

HISTORY_BEGINS = date(2000, 1, 1)


@dataclass(frozen=True)
class Answer:
    """A comment or review on an item: of which kind, by whom, when."""

    kind: str
    by: str
    is_bot: bool
    at: datetime


@dataclass(frozen=True)
class Item:
    """An issue or pull request: who opened it and when, when it was merged, and who answered."""

    key: int
    is_pull_request: bool
    by: str
    is_bot: bool
    at: datetime
    merged_at: datetime | None
    answers: tuple[Answer, ...]


def number_of(*words: object) -> int:
    """A stable id of 62 bits, where others have a number and we have words."""
    return int.from_bytes(blake2b(repr(words).encode(), digest_size=8).digest(), "big") >> 2


def person_number(person: str) -> int:
    """GitHub's id of an account, or a stable one where only its login is known."""
    return int(person) if person.isdigit() else number_of(person)


def login_of(person: str, is_bot: bool) -> str:
    """A login that others' patterns of bots judge as we do."""
    return f"{person}[bot]" if is_bot else f"person{person}"


def events_of(connection: duckdb.DuckDBPyConnection, today: date, kind: str) -> dict[str, list[Event]]:
    """Events of GitHub by entity of a kind (`artifact`, `project`), from the raw tables; those on days that are over."""
    pairs = "SELECT artifact_id, entity_id FROM intermediate.int_entities_by_artifact WHERE entity_type = ?"
    owners: dict[str, list[str]] = defaultdict(list)
    for artifact, entity in connection.execute(pairs, [kind]).fetchall():
        owners[artifact].append(entity)
    grouped: dict[str, list[Event]] = defaultdict(list)
    for event in github_events(Raw(connection), claimed_repositories(connection), today):
        for entity in owners[event.to]:
            grouped[entity].append(event)
    return grouped


def items_of(events: Iterable[Event]) -> Iterator[Item]:
    """Issues and pull requests whose opening and opener are known: what others cannot be given is left out on both sides."""
    grouped: dict[tuple[str, int], list[Event]] = defaultdict(list)
    for event in events:
        if event.number is not None:
            grouped[event.to, event.number].append(event)
    for (repository, number), some in grouped.items():
        for kind in ("ISSUE_OPENED", "PULL_REQUEST_OPENED"):
            openings = [event for event in some if event.type == kind]
            if not openings:
                continue
            opening = min(openings, key=lambda event: (event.at, event.key))
            later = [event for event in some if event.at >= opening.at]
            merged = [event.at for event in later if event.type == "PULL_REQUEST_MERGED"] if kind.startswith("PULL") else []
            if opening.person:
                answers = tuple(Answer(e.type, e.person, e.is_bot, e.at) for e in later if e.type in ANSWERS and e.person)
                yield Item(
                    number_of(repository, number), kind.startswith("PULL"), opening.person, opening.is_bot, opening.at,
                    min(merged, default=None), answers,
                )  # fmt: skip
