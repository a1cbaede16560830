"""Which events of a day were read already: an event may stand twice in a file, and again in a later one. Exact, in little memory.

The archive's crawler drops only what stood in its answer before (crawler.rb), and GitHub serves events again hours later.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence


class SeenIds:
    """The ids of events read so far: a set of the file that is being read, eight bytes an id of the files before it."""

    def __init__(self) -> None:
        self._files: list[array[int]] = []
        self._current: set[int] = set()

    def close_file(self) -> None:
        """Note that the next ids are of another file."""
        if self._current:
            self._files.append(array("q", sorted(self._current)))
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


def _overlaps(ids: array[int], low: int, high: int) -> bool:
    """Whether any of sorted ids lies between two."""
    return bisect_left(ids, low) < bisect_right(ids, high)


def _holds(ids: array[int], number: int) -> bool:
    place = bisect_left(ids, number)
    return place < len(ids) and ids[place] == number
