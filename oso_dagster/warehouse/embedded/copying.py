"""Copies the DuckDB file as fast as the file system can: sharing its blocks where that is possible, else inside the kernel."""

from __future__ import annotations

import errno
import fcntl
import shutil
from pathlib import Path

_FICLONE = 0x40049409
"""Linux: share the blocks of another file (btrfs, XFS); whoever writes first gets a copy of what it writes."""

_NOT_POSSIBLE = {errno.EOPNOTSUPP, errno.EINVAL, errno.EXDEV, errno.ENOTTY, errno.ENOSYS}


def copy_file(path: Path, target: Path) -> None:
    """Copy `path`, and the log beside it if there is one. Nobody may be writing."""
    _copy(path, target)
    log = path.with_name(f"{path.name}.wal")
    if log.exists():
        _copy(log, target.with_name(f"{target.name}.wal"))


def _copy(path: Path, target: Path) -> None:
    with path.open("rb") as source, target.open("wb") as copy:
        try:
            fcntl.ioctl(copy.fileno(), _FICLONE, source.fileno())
        except OSError as error:
            if error.errno not in _NOT_POSSIBLE:
                raise
        else:
            return
    shutil.copyfile(path, target)
