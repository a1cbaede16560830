"""Faults that happened upstream, before anybody asks: the answers are well formed, what they say is damaged.

A family whose data can be so is named with the kind; it answers from such data (`protocols.source_faults`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class SourceFault:
    """What is wrong with the data, for people, and the families whose data can be so."""

    about: str
    families: tuple[str, ...]


AT_SOURCE: Mapping[str, SourceFault] = {
    "chain_missing": SourceFault("the busiest chain has no rows of the newest requested day", ("bigquery",)),
    "duplicate_rows": SourceFault("every third row is there twice", ("bigquery",)),
    "damaged_file": SourceFault("a file of the newest commit is not as its schema wants it", ("git",)),
    "hollow_feed": SourceFault("nearly all events but pushes are missing", ("gharchive",)),
    "damaged_line": SourceFault("one line of a file is cut", ("gharchive",)),
    "late_arrivals": SourceFault("events come up to six hours late, in the files behind", ("gharchive",)),
    "policy_403": SourceFault("a policy of its organisation hides the first repository that is asked for", ("github-api",)),
    "moved": SourceFault("every repository is sent on to its address by id", ("github-api",)),
}
