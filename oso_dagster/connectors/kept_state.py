"""What a load of many items keeps for the next one: a file of the cache that counts only when the load was published.

The mark of the file stands in the facts of the load. A failed load, or an emptied cache, costs requests and never a row.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from oso_dagster.domain.catalogue.loading import ExtractRequest, LoadRecord

MARK = "memory"
"""The fact that names the file."""

_KEPT_FILES = 3


@dataclass
class KeptState:
    """Plain values by item (a repository as `owner/name` in lower case, a package as `SYSTEM/name`).

    `lost_since` is the time of the last published load when its file is gone: what it knew is not known any more.
    """

    folder: Path
    by_name: dict[str, dict[str, Any]] = field(default_factory=dict)
    lost_since: datetime | None = None

    @classmethod
    def of(cls, request: ExtractRequest) -> KeptState:
        """What the last published load of the table left."""
        return cls.read(request.cache / request.source / request.table, request.previous)

    @classmethod
    def read(cls, folder: Path, previous: LoadRecord | None) -> KeptState:
        """What `previous` left in `folder`; nothing when there was no load, or its file is gone."""
        mark = previous.facts.get(MARK) if previous is not None else None
        path = folder / f"{mark}.json"
        if mark and path.exists():
            return cls(folder, json.loads(path.read_text()))
        return cls(folder, lost_since=previous.loaded_at if previous is not None else None)

    @classmethod
    def newest(cls, request: ExtractRequest) -> KeptState:
        """What the newest load left, published or not: for one that knows of none before it, as when it is forced."""
        folder = request.cache / request.source / request.table
        files = sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime)
        return cls(folder, json.loads(files[-1].read_text()) if files else {})

    def keep(self) -> str:
        """Write it; returns the mark under which the next load finds it."""
        content = json.dumps(self.by_name, separators=(",", ":"), sort_keys=True).encode()
        mark = sha256(content).hexdigest()[:16]
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / f"{mark}.json").write_bytes(content)
        for old in sorted(self.folder.glob("*.json"), key=lambda path: path.stat().st_mtime)[:-_KEPT_FILES]:
            old.unlink()
        return mark
