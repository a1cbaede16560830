"""Pages that lead in a circle: whatever page is asked for, the first one comes again, with its word of a next one. Pure."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

CURSORS = frozenset({"page", "pageToken", "cursor", "after", "offset", "skip", "startIndex"})
"""What endpoints call the place where a page begins."""


def without_cursor(path: str, query: str, body: bytes) -> str:
    """What is asked for, whichever page of it."""
    parameters = sorted((name, value) for name, value in parse_qsl(query) if name not in CURSORS)
    try:
        document = json.loads(body) if body else None
    except ValueError:
        document = body.hex()
    return json.dumps([path, parameters, _bare(document)], sort_keys=True)


def _bare(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _bare(entry) for key, entry in value.items() if key not in CURSORS}
    return value
