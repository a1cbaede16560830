"""The file of a new run's events: made once in a process by Dagster, and copied for every run behind it.

Making one takes Alembic through all of Dagster's versions, a tenth of a second for each run; a copy takes milliseconds.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from threading import get_ident

from sqlalchemy import URL, Engine, create_engine
from sqlalchemy.pool import NullPool

_NO_LINKS = frozenset({errno.EPERM, errno.EACCES, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})
"""What a file system answers that has no hard links, as some that are shared with a host or over a network."""

_content: list[bytes] = []


def make_run_file(path: Path, make: Callable[[Engine], None]) -> bool:
    """Put a file without events at `path`; `make` makes the first of a process. False where there is a file already.

    It appears as a whole, and its content is on the disk by then: a process that is killed meanwhile leaves a part beside it,
    which nobody takes for a run's. False also where the file system has no hard links.
    """
    part = path.with_name(f"{path.name}.{os.getpid()}-{get_ident()}.part")
    try:
        if _content:
            _write(part, _content[0])
        else:
            make(create_engine(URL.create("sqlite", database=str(part)), poolclass=NullPool))
            _content.append(part.read_bytes())  # closing the last connection has written SQLite's log back
        os.link(part, path)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS or error.filename2 is None:
            raise
        return False
    finally:
        part.unlink(missing_ok=True)
    return True


def _write(path: Path, content: bytes) -> None:
    """Write a file, and wait for the disk, as SQLite does when it makes one: a power cut would leave an empty one otherwise."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
