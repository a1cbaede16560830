"""Faults that happened upstream, before anybody asks: the answers are well formed, what they say is damaged.

Which upstream is known to have which is declared by its family (`Family.faults`), whose module says where that was read; it
answers so from its own data (`protocols.source_faults`).
"""

from __future__ import annotations

from collections.abc import Mapping

AT_SOURCE: Mapping[str, str] = {
    "chain_missing": "the busiest chain has no rows of the newest requested day",
    "duplicate_rows": "every third row is there twice",
    "damaged_file": "a file of the newest commit is not as its schema wants it",
    "hollow_feed": "nearly all events but pushes are missing",
    "damaged_line": "one line of a file is cut, or a value in it is none",
    "late_arrivals": "events come up to six hours late, in the files behind",
    "policy_403": "a policy of its organisation hides the first repository that is asked for",
    "moved": "every repository is sent on to its address by id",
    "zero_day": "the newest requested day holds 0 for everything, as before it is counted, or hardly anything in some hours",
    "refill": "the newest days hold a part of what they come to; cleared, they are filled",
    "silent_deletion": "some of what was there is gone, and nothing says so",
    "one_bad_item": "the first item cannot be had or read; all others are as they should be",
    "success_false": "200, and a body that says that it failed",
    "frozen_304": "the answers are of long ago, under an ETag that stays: 304 for whoever sends any",
    "former": "answers as they were before upstream changed them",
}
"""The kinds, and what each means, for people."""
