"""Lines of GH Archive to columns: a typed decode of only what models read, and the columns built from it. Pure.

Nothing else of an event is ever an object: texts, bodies and the e-mail addresses of commit authors stay in the file. Fetching
is `archive_files`', the declared columns are the source's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from oso_dagster.connectors.arrow import schema_of
from oso_dagster.domain.catalogue.source import Column
from oso_dagster.domain.garbage_collector import no_collections

WITH_COMMITS, HEAD_ONLY = "with_commits", "head_only"
"""The two regimes of pushes: until 2025-10-07 a push lists its commits, since then only where the branch points."""

PART_OF = {
    "PushEvent": "push_head",
    "IssuesEvent": "issue_id",
    "IssueCommentEvent": "issue_id",
    "PullRequestEvent": "pull_request_id",
    "PullRequestReviewEvent": "pull_request_id",
    "PullRequestReviewCommentEvent": "pull_request_id",
    "ReleaseEvent": "release_id",
    "ForkEvent": "forkee_id",
}
"""The column without which an event of a type says nothing: when no event of an hour has it, upstream has lost it."""


class Login(msgspec.Struct, gc=False):
    """Whoever did something, or an organisation."""

    id: int | None = None
    login: str | None = None


class Repo(msgspec.Struct, gc=False):
    """A repository, by the name that it had then."""

    id: int
    name: str


class Mark(msgspec.Struct, gc=False):
    """Something that is there; what is in it does not matter."""


class Issue(msgspec.Struct, gc=False):
    """An issue; comments on a pull request name it as one."""

    id: int | None = None
    number: int | None = None
    user: Login | None = None
    created_at: str | None = None
    closed_at: str | None = None
    pull_request: Mark | None = None


class PullRequest(msgspec.Struct, gc=False):
    """A pull request; since 2025-10-07 hardly more than its number."""

    id: int | None = None
    number: int | None = None
    user: Login | None = None
    created_at: str | None = None
    closed_at: str | None = None
    merged_at: str | msgspec.UnsetType | None = msgspec.UNSET
    merged: bool | None = None


class Named(msgspec.Struct, gc=False):
    """A comment, review, release or fork: its id and what it is known by."""

    id: int | None = None
    state: str | None = None
    tag_name: str | None = None
    full_name: str | None = None


class Payload(msgspec.Struct, gc=False):
    """The parts of all types of events that models read."""

    action: str | None = None
    number: int | None = None
    ref: str | None = None
    ref_type: str | None = None
    push_id: int | None = None
    size: int | None = None
    distinct_size: int | None = None
    head: str | None = None
    before: str | None = None
    issue: Issue | None = None
    pull_request: PullRequest | None = None
    comment: Named | None = None
    review: Named | None = None
    release: Named | None = None
    forkee: Named | None = None


class Actor(msgspec.Struct, gc=False):
    """Who did it."""

    id: int
    login: str


class Event(msgspec.Struct, gc=False):
    """One line of an hourly file."""

    id: str
    type: str
    actor: Actor
    repo: Repo
    created_at: str
    payload: Payload
    org: Login | None = None


class Moment(msgspec.Struct, gc=False):
    """Of an event only when it happened."""

    created_at: str


TIME = "%Y-%m-%dT%H:%M:%SZ"
"""How the archive writes times."""

_DECODER = msgspec.json.Decoder(Event)
_MOMENTS = msgspec.json.Decoder(Moment)
_NOBODY, _NO_ISSUE, _NO_PULL, _NO_PART = Login(), Issue(), PullRequest(), Named()


def decode(lines: bytes) -> list[Event]:
    """The events of whole lines. Raises msgspec.MsgspecError, which names the line and the field that does not fit."""
    with no_collections():
        return _DECODER.decode_lines(lines)


def lines_before(lines: bytes, end: str) -> bytes:
    """Those of whole lines whose event happened before `end`, a time as the archive writes it: the rest is never decoded.

    A line that cannot be read is left out: the load of the day that names the file sets it aside.
    """
    listed = [line for line in lines.split(b"\n") if line.strip()]
    return b"\n".join(line for line in listed if _is_before(line, end))


def _is_before(line: bytes, end: str) -> bool:
    try:
        return _MOMENTS.decode(line).created_at < end
    except msgspec.MsgspecError:
        return False


def table_of(events: Sequence[Event], columns: Sequence[Column]) -> pa.Table:
    """The declared columns of events. Raises pyarrow.ArrowInvalid when a time is none, KeyError for an unknown column."""
    values, schema = _values(events), schema_of(columns)
    arrays = [_array(values[field.name], field.type) for field in schema]
    return pa.Table.from_arrays(arrays, schema=schema)


def parts(table: pa.Table) -> dict[str, tuple[int, int]]:
    """By type: how many events there are, and how many of them have the column that their type needs (`PART_OF`)."""
    counted: dict[str, tuple[int, int]] = {}
    grouped = table.group_by("type").aggregate([(name, "count") for name in dict.fromkeys(["id", *PART_OF.values()])])
    for row in grouped.to_pylist():
        total = int(row["id_count"])
        column = PART_OF.get(row["type"])
        counted[row["type"]] = (total, int(row[f"{column}_count"]) if column else total)
    return counted


def _array(values: list[Any], kind: pa.DataType) -> pa.Array:
    """Times travel as text and are read by Arrow, which is faster than making a Python object of each."""
    if pa.types.is_timestamp(kind):
        return pc.cast(pa.array(values, pa.string()), kind)
    return pa.array(values, kind)


def _values(events: Sequence[Event]) -> Mapping[str, list[Any]]:
    payloads = [event.payload for event in events]
    issues = [payload.issue or _NO_ISSUE for payload in payloads]
    pulls = [payload.pull_request or _NO_PULL for payload in payloads]
    types = _each(events, "type")
    sizes = _each(payloads, "size")
    return {
        "id": _each(events, "id"),
        "type": types,
        **_prefixed("actor", [event.actor for event in events], "id", "login"),
        **_prefixed("repo", [event.repo for event in events], "id", "name"),
        **_prefixed("org", [event.org or _NOBODY for event in events], "id", "login"),
        "created_at": _each(events, "created_at"),
        "action": _each(payloads, "action"),
        "number": [p.number or i.number or r.number for p, i, r in zip(payloads, issues, pulls, strict=True)],
        "ref": _each(payloads, "ref"),
        "ref_type": _each(payloads, "ref_type"),
        "push_id": _each(payloads, "push_id"),
        **_prefixed("push", payloads, "head", "before", "size", "distinct_size"),
        "push_regime": [_regime(size) if kind == "PushEvent" else None for kind, size in zip(types, sizes, strict=True)],
        **_prefixed("issue", issues, "id", "created_at", "closed_at"),
        "issue_author_login": [(issue.user or _NOBODY).login for issue in issues],
        "issue_is_pull_request": [None if i.id is None else i.pull_request is not None for i in issues],
        **_prefixed("pull_request", pulls, "id", "created_at", "closed_at"),
        "pull_request_merged_at": [pull.merged_at or None for pull in pulls],
        "pull_request_author_login": [(pull.user or _NOBODY).login for pull in pulls],
        "pull_request_is_merged": [_merged(payload, pull) for payload, pull in zip(payloads, pulls, strict=True)],
        **_prefixed("comment", _parts(payloads, attrgetter("comment")), "id"),
        **_prefixed("review", _parts(payloads, attrgetter("review")), "id", "state"),
        **_prefixed("release", _parts(payloads, attrgetter("release")), "id", "tag_name"),
        **_prefixed("forkee", _parts(payloads, attrgetter("forkee")), "id", "full_name"),
    }


def _each(objects: Sequence[Any], name: str) -> list[Any]:
    return list(map(attrgetter(name), objects))


def _prefixed(prefix: str, objects: Sequence[Any], *names: str) -> dict[str, list[Any]]:
    return {f"{prefix}_{name}": _each(objects, name) for name in names}


def _parts(payloads: Sequence[Payload], part: Callable[[Payload], Named | None]) -> list[Named]:
    return [part(payload) or _NO_PART for payload in payloads]


def _regime(size: int | None) -> str:
    return HEAD_ONLY if size is None else WITH_COMMITS


def _merged(payload: Payload, pull: PullRequest) -> bool | None:
    """Whether the pull request is merged; unknown where a stub does not say, as most do since 2025-10-07."""
    if pull.merged is not None:
        return pull.merged
    if payload.action == "merged":
        return True
    return None if pull.merged_at is msgspec.UNSET else pull.merged_at is not None
