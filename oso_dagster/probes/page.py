"""The page probe: whether the published status page is to be believed, as any machine can see it.

It reads the page's heartbeat file and its first page: the heartbeat is not older than the page itself allows, the first page has
the content that the heartbeat signs, and no watcher of the platform was silent when it was made.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from oso_dagster.domain.probes.declaration import PageProbe
from oso_dagster.domain.probes.slices import Check
from oso_dagster.probes.http import MOST_CAUSE, Answer, Visit, ending, visit

HEARTBEAT, INDEX = "heartbeat.json", "index.html"
AHEAD = timedelta(minutes=5)
"""How far the clock of who made the page may be ahead."""
_BETWEEN_SECONDS = 1.0
"""A page that is being published right now has files of two: it is read again after this time."""


class PageChecker:
    """Carries out the checks of one page. `authorities` as for http."""

    def __init__(self, probe: PageProbe, authorities: str | None = None) -> None:
        self._probe, self._authorities = probe, authorities

    async def check(self, at: datetime) -> Check:
        """One check, begun at `at`; never raises for what the page is."""
        began = time.monotonic()
        heartbeat, index = await self._read()
        if "content" in _wrong(heartbeat, index, at):
            await asyncio.sleep(_BETWEEN_SECONDS)
            heartbeat, index = await self._read()
        cause = _wrong(heartbeat, index, at) or ending(index.certificate_ends, self._probe.certificate_days, at)
        facts = _facts(heartbeat, at)
        phases, seconds = tuple(index.phases.items()), time.monotonic() - began
        return Check(at, cause[:MOST_CAUSE], seconds, phases, facts, index.certificate_ends)

    async def _read(self) -> tuple[Visit, Visit]:
        folder, _, _ = self._probe.url.partition("?")
        folder = folder.removesuffix(INDEX).rstrip("/")
        if folder.startswith("file:"):
            path = Path(unquote(urlsplit(folder).path))
            return _of_file(path / HEARTBEAT), _of_file(path / INDEX)
        patience = self._probe.timeout_seconds / 4  # twice two files, and never longer than the probe's rhythm
        return (
            await visit(f"{folder}/{HEARTBEAT}", patience, authorities=self._authorities),
            await visit(f"{folder}/{INDEX}", patience, authorities=self._authorities),
        )


def _of_file(path: Path) -> Visit:
    try:
        return Visit("", Answer(200, path.read_bytes(), 0), {}, None)
    except OSError as error:
        return Visit(error.strerror or str(error), None, {}, None)


def _wrong(heartbeat: Visit, index: Visit, at: datetime) -> str:
    """Why the page is not to be believed; empty when it is."""
    for name, seen in ((HEARTBEAT, heartbeat), (INDEX, index)):
        if seen.answer is None or seen.answer.status != 200:  # noqa: PLR2004  (OK)
            return f"{name}: {seen.cause or f'status {seen.answer.status if seen.answer else 0}'}"
    try:
        document = _document(heartbeat)
        made, allowed = datetime.fromisoformat(document["generated_at"]), timedelta(seconds=document["stale_after_seconds"])
        signed, silent = document["sha256"][INDEX], list(document["silent"])
    except (KeyError, TypeError, ValueError) as error:
        return f"{HEARTBEAT}: not the heartbeat of a status page: {type(error).__name__}: {error}"
    if made.utcoffset() is None or made - at > AHEAD:
        return f"the page says that it was made at {document['generated_at']}, which has not come yet"
    if at - made > allowed:
        return f"the page is of {made:%Y-%m-%d %H:%M} UTC, and is to be made again every {allowed.total_seconds() / 60:g} minutes"
    if index.answer is None or hashlib.sha256(index.answer.body).hexdigest() != signed:
        return "the first page has not the content that its heartbeat signs"
    return f"silent when the page was made: {', '.join(map(str, silent))}" if silent else ""


def _document(heartbeat: Visit) -> dict[str, Any]:
    document = json.loads(heartbeat.answer.body if heartbeat.answer else b"")
    if not isinstance(document, dict):
        raise TypeError("it is no object")
    return document


def _facts(heartbeat: Visit, at: datetime) -> tuple[tuple[str, str], ...]:
    try:
        document = _document(heartbeat)
        age = at - datetime.fromisoformat(document["generated_at"])
        return ("world", str(document["world"])), ("age_seconds", f"{age.total_seconds():.0f}")
    except (KeyError, TypeError, ValueError):
        return ()
