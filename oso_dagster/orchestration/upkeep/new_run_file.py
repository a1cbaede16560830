"""The file of a new run's events: made once in a process by Dagster, and copied for every run behind it.

Making one takes Alembic through all of Dagster's versions, a tenth of a second for each run; a copy takes milliseconds.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import URL, Engine, create_engine
from sqlalchemy.pool import NullPool

_content: list[bytes] = []


def make_run_file(path: Path, make: Callable[[Engine], None]) -> bool:
    """Put a file without events at `path`; `make` makes the first of a process. False where there is a file already.

    It appears as a whole: a process that is killed meanwhile leaves a part beside it, which nobody takes for a run's. One thread
    at a time.
    """
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        if _content:
            part.write_bytes(_content[0])
        else:
            make(create_engine(URL.create("sqlite", database=str(part)), poolclass=NullPool))
            _content.append(part.read_bytes())  # closing the last connection has written SQLite's log back
        os.link(part, path)
    except FileExistsError:
        return False
    finally:
        part.unlink(missing_ok=True)
    return True
