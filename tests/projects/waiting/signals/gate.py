"""A signal that is ready while a file lies in the working directory."""

import pathlib

from sqlmesh import DatetimeRanges, signal


@signal()
def gate_is_open(batch: DatetimeRanges) -> bool:
    """All intervals, or none."""
    return pathlib.Path("open").exists()
