"""What GH Archive has that nobody knew of: types of events, fields of events, parts of payloads. Reported, and not taken.

Only the columns that models need are read of an event, so that a decode of everything would cost more than the load. A sample is
looked at instead: the beginning of each hourly file, which in a day holds some thousand events.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec
from isal import igzip

_SAMPLE = 1024 * 1024
"""Bytes of lines that are looked at in each file: a hundredth of a second, where the file takes one or more."""

_FIELDS = frozenset({"id", "type", "actor", "repo", "payload", "public", "created_at", "org"})
_LABELLED = "assignee assignees label labels changes reason"
_PARTS: Mapping[str, frozenset[str]] = {
    f"{kind}Event": frozenset(parts.split())
    for kind, parts in {
        "CommitComment": "action comment",
        "Create": "ref ref_type full_ref master_branch description pusher_type",
        "Delete": "ref ref_type full_ref pusher_type",
        "Discussion": f"action discussion answer {_LABELLED}",
        "DiscussionComment": "action discussion comment changes",
        "Fork": "action forkee",
        "Gollum": "pages",
        "IssueComment": "action issue comment changes",
        "Issues": f"action issue milestone {_LABELLED}",
        "Member": "action member changes",
        "Public": "",
        "PullRequest": f"action number pull_request requested_reviewer requested_team {_LABELLED}",
        "PullRequestReview": "action review pull_request",
        "PullRequestReviewComment": "action comment pull_request changes",
        "PullRequestReviewThread": "action thread pull_request",
        "Push": "repository_id push_id size distinct_size ref head before commits",
        "Release": "action release changes",
        "Sponsorship": "action sponsorship effective_date changes",
        "Watch": "action",
    }.items()
}
"""The parts of a payload by type of event, as GitHub documents them and as the archive has had them."""


class _Shape(msgspec.Struct, gc=False):
    """The part of an event that says which payload it has; the payload's parts stay bytes."""

    type: str
    payload: dict[str, msgspec.Raw]


_SHAPES = msgspec.json.Decoder(_Shape)
_NAMES = msgspec.json.Decoder(dict[str, msgspec.Raw])


def undeclared(path: Path) -> set[str]:
    """What the beginning of a file holds that is not known, in words; a damaged line says nothing here."""
    with igzip.open(path, "rb") as stream:  # type: ignore[no-untyped-call]  # isal types its C parts only
        lines = stream.read(_SAMPLE).split(b"\n")[:-1]  # the last line may be cut
    names: set[str] = set()
    for line in lines:
        try:
            shape, parts = _SHAPES.decode(line), _NAMES.decode(line)
        except msgspec.MsgspecError:
            continue
        if shape.type in _PARTS:  # a new type is reported by its name only
            names |= {f"{shape.type}.payload.{name}" for name in shape.payload.keys() - _PARTS[shape.type]}
        names |= {f"event.{name}" for name in parts.keys() - _FIELDS}
    return names


def new_types(types: Mapping[str, int]) -> set[str]:
    """The types of a day's events that are not known, in words."""
    return {f"type {kind}" for kind in types.keys() - _PARTS.keys()}
