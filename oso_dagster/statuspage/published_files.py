"""Which files a page consists of: so that what it no longer has, such as a table that is not public any more, is taken away.

The list lies beside the page. It holds names of files of the page only, and is read with suspicion: what it names is removed.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import PurePosixPath

MANIFEST = ".published.json"


def listing(names: Collection[str]) -> str:
    """The list as a file."""
    return json.dumps({"files": sorted(names)}, indent=0) + "\n"


def listed(text: str) -> frozenset[str]:
    """The names of a list. Raises ValueError, with the remedy, for one that is not ours."""
    try:
        names = frozenset(map(str, json.loads(text)["files"]))
        require_inside(names)
    except (KeyError, TypeError, ValueError):
        raise ValueError(
            f"{MANIFEST} beside the page is not readable: delete it; files that the page no longer has stay"
        ) from None
    return names


def require_inside(names: Collection[str]) -> None:
    """Raise ValueError for a name that is not of a file below the folder."""
    for name in names:
        if not name or PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            raise ValueError(f"{name!r} is not the name of a file inside the folder")
