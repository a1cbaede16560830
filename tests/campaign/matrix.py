"""What the fault campaign found, as a matrix of source × fault, printed at the end of a run.

Each case leaves its outcome with its test's report, which pytest-xdist carries to the process that prints.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pytest

PROPERTY = "fault campaign"
FAILED = "failed by name, old rows kept, healed"
ENDURED = "failed by name, not a byte changed, healed after others"
MARKS = {
    "recovered": "r",
    FAILED: "F",
    ENDURED: "f",
    "kept what it had, said so, healed": "k",
    "set one item aside, said so, healed": "a",
    "came in part, filled by the next run": "p",
    "what is gone was counted, healed": "g",
    "shown as out of date, healed": "o",
    "did no harm": "=",
    "lists of values came empty or doubled, else the truth, healed": "~",
    "not as declared": "!",
}
"""How a case can end, and its sign in the matrix."""


def reported_cases(reports: Iterable[pytest.TestReport]) -> list[tuple[str, str, str]]:
    """Source, fault and outcome of every case among the reports, in their order."""
    reported = [value for report in reports for name, value in report.user_properties if name == PROPERTY]
    return [(str(source), str(fault), str(outcome)) for source, fault, outcome in map(tuple, reported)]


def lines(outcomes: Sequence[tuple[str, str, str]]) -> list[str]:
    """The matrix as text: a line per fault (lasting ones, passing ones, those of a database), a column per source, and the signs.

    >>> print("\\n".join(lines([("npm", "html", "recovered"), ("eas", "html", "did no harm")])))
             e n
             a p
             s m
    html     = r
    <BLANKLINE>
    r recovered: 1
    = did no harm: 1
    """
    sources, faults = sorted({case[0] for case in outcomes}), sorted({case[1] for case in outcomes}, key=_place)
    signs: dict[tuple[str, str], str] = {}
    for source, fault, outcome in outcomes:
        marks = {*signs.get((fault, source), ""), MARKS[outcome]}
        signs[fault, source] = "".join(sign for sign in MARKS.values() if sign in marks)
    wide = max(len(sign) for sign in signs.values())
    margin, deep = max(8, *map(len, faults)), max(map(len, sources))
    heads = [source.rjust(deep).replace("_", " ") for source in sources]
    rows = [" " * margin + "".join(f" {head[line]:{wide}}" for head in heads) for line in range(deep)]
    rows += [
        fault.ljust(margin) + "".join(f" {signs.get((fault, source), '.'):{wide}}" for source in sources) for fault in faults
    ]
    counts = {outcome: sum(case[2] == outcome for case in outcomes) for outcome in MARKS}
    legend = [f"{MARKS[outcome]} {outcome}: {count}" for outcome, count in counts.items() if count]
    return [row.rstrip() for row in [*rows, "", *legend]]


def _place(fault: str) -> tuple[bool, bool, int]:
    from oso_dagster.sandbox.faults.injection import KINDS
    from tests.campaign import databases

    kind, _, once = fault.partition(", ")
    known = [*KINDS, *databases.FAULTS]
    return kind in databases.FAULTS and kind not in KINDS, bool(once), known.index(kind)
