"""What a person can put right, as one line instead of a traceback: which errors those are, and what to do about each."""

from __future__ import annotations

import errno
from collections.abc import Iterator

from oso_dagster.domain.redaction import redact

_STEPS = {
    errno.EACCES: "fix the permissions, or set OSO_HOME to a folder that can be written",
    errno.EPERM: "fix the permissions, or set OSO_HOME to a folder that can be written",
    errno.ENOTDIR: "a file is where a folder is needed: set OSO_HOME to a folder that can be written",
    errno.EEXIST: "a file is where a folder is needed: set OSO_HOME to a folder that can be written",
    errno.EROFS: "the file system is read-only: set OSO_HOME to a folder that can be written",
    errno.ENOSPC: "the disk is full: free some space (.oso/<world>/cache may be deleted), then run it again",
    errno.EDQUOT: "your share of the disk is used up: free some space, then run it again",
}
_WORDS = {
    "attempt to write a readonly database": "the store cannot be written: fix its permissions, or set OSO_HOME to another folder",
    "readonly database": "the store cannot be written: fix its permissions, or set OSO_HOME to another folder",
    "unable to open database file": "the store cannot be opened: fix the permissions of its folder, or set OSO_HOME to another",
    "database or disk is full": "the disk is full: free some space (.oso/<world>/cache may be deleted), then run it again",
    "No space left on device": "the disk is full: free some space (.oso/<world>/cache may be deleted), then run it again",
    "Permission denied": "fix the permissions, or set OSO_HOME to a folder that can be written",
    "onnection refused": "the database does not answer: start it, or correct the address in the settings (`oso settings`)",
    "could not connect": "the database does not answer: start it, or correct the address in the settings (`oso settings`)",
    "connection to server": "the database does not answer: check it, and the address in the settings (`oso settings`)",
    "could not translate host name": "the database's host is not known: correct the address in the settings (`oso settings`)",
    "server closed the connection": "the database went away: start it, then run it again",
}
"""What stores say, which have error classes but no codes in common, and what to do."""

_STORE_ERRORS = ("sqlalchemy.", "sqlite3", "psycopg2", "duckdb", "_duckdb")


def one_line(error: BaseException) -> str | None:
    """The error of a machine or a store in a line, with the next step; None for what is a fault of the program."""
    for cause in _chain(error):
        if isinstance(cause, OSError) and cause.errno in _STEPS:
            where = f"{cause.filename}: " if cause.filename else ""
            return f"{where}{cause.strerror}: {_STEPS[cause.errno]}"
        if type(cause).__module__.startswith(_STORE_ERRORS):
            text = str(cause)
            if step := next((step for words, step in _WORDS.items() if words in text), None):
                return f"{redact(' '.join(text.split('(Background', maxsplit=1)[0].split())[:300])}: {step}"
    return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error, and what it came from."""
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__
