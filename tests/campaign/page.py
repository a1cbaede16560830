"""Puts the matrix of a whole run of the campaign into docs/faults.md: `python -m tests.campaign.page LOG`.

LOG is what pytest printed of a run that held the campaign (`pytest tests/campaign`, `make test`, or CI's log of it).
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from oso_dagster.settings import PROJECT_ROOT
from tests.campaign.cases import cases

HEADING = "fault campaign: what each source did with each fault"
PAGE = PROJECT_ROOT / "docs" / "faults.md"
_BLOCK = re.compile(r"This one is .*?```text\n.*?```", re.DOTALL)
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_COUNT = re.compile(r"^(.) (.*): (\d+)$")


def matrix_of(log: str) -> tuple[list[str], dict[str, int]]:
    """The lines of the last matrix in a log, without what stands before each line in CI, and how many cases ended in which way.

    Raises ValueError for a log without one.
    """
    lines = _COLOUR.sub("", log).splitlines()
    headings = [number for number, line in enumerate(lines) if HEADING in line]
    if not headings:
        raise ValueError(f"no {HEADING!r} in the log: it is of a run without the campaign")
    shift = lines[headings[-1]].index("=")  # what CI writes before a line: its time
    matrix, counts = list[str](), dict[str, int]()
    for line in (line[shift:].rstrip() for line in lines[headings[-1] + 1 :]):
        if (ended := _COUNT.match(line)) is not None:
            counts[ended[2]] = int(ended[3])
            matrix.append(f"{ended[1]} {ended[2]}")
        elif counts:
            break
        else:
            matrix.append(line)
    return matrix, counts


def with_matrix(page: str, log: str) -> str:
    """The page with the matrix of the log. Raises ValueError where the log has not every case, or one that is not as declared."""
    matrix, counts = matrix_of(log)
    declared = len(list(cases()))
    if sum(counts.values()) != declared or "not as declared" in counts:
        raise ValueError(
            f"the log has {sum(counts.values()):,} of {declared:,} cases, or some that are not as declared: {counts}"
        )
    text = "\n".join(matrix)
    return _BLOCK.sub(lambda _: f"This one is of\na run over all of them:\n\n```text\n{text}\n```", page, count=1)


if __name__ == "__main__":
    PAGE.write_text(with_matrix(PAGE.read_text(), Path(sys.argv[1]).read_text()))
