"""Which events of a day were read already: an event may stand twice in a file, and again in a later one. Exact, in little memory.

The ids of the files that were read lie sorted on disk, where few of them are ever looked up: a file's ids hardly meet another's.

The archive's crawler drops only what stood in its answer before (crawler.rb), and GitHub serves events again hours later.
"""

from __future__ import annotations

import mmap
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from pathlib import Path


class SeenIds:
    """The ids of events read so far: a set of the file that is being read, and a file in `folder` for each before it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: list[Sequence[int]] = []
        self._current: set[int] = set()

    def close_file(self) -> None:
        """Note that the next ids are of another file."""
        if self._current:
            self._files.append(_kept(self._folder / f"{len(self._files)}.ids", array("q", sorted(self._current))))
            self._current = set()

    def __contains__(self, number: int) -> bool:
        return number in self._current or any(_holds(ids, number) for ids in self._files)

    def first_time(self, ids: Sequence[int]) -> list[int]:
        """The positions of those ids that were never seen before, of repeated ones the first; from now on all are."""
        new = set(ids)
        before = [known for known in self._files if _overlaps(known, min(new), max(new))] if new else []
        if len(new) == len(ids) and not before and new.isdisjoint(self._current):
            self._current |= new
            return list(range(len(ids)))
        positions = []
        for position, number in enumerate(ids):
            if number not in self._current and not any(_holds(known, number) for known in before):
                positions.append(position)
            self._current.add(number)
        return positions


def _kept(path: Path, ids: array[int]) -> Sequence[int]:
    """The ids, in a file whose pages the system loads and drops as it needs; readable until nobody has them any more."""
    path.write_bytes(ids)
    with path.open("rb") as file:
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)).cast("q")


def _overlaps(ids: Sequence[int], low: int, high: int) -> bool:
    """Whether any of sorted ids lies between two."""
    return bisect_left(ids, low) < bisect_right(ids, high)


def _holds(ids: Sequence[int], number: int) -> bool:
    place = bisect_left(ids, number)
    return place < len(ids) and ids[place] == number
