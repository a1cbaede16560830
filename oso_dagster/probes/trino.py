"""The trino probe: the coordinator says that it has started, and a canary query gives a row through the door that everybody uses.

Protocol: `GET /v1/info`, and `POST /v1/statement` followed by `nextUri` until there is none
(https://trino.io/docs/current/develop/client-protocol.html).
"""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import suppress
from datetime import datetime
from typing import Any

import aiohttp

from oso_dagster.domain.probes.declaration import TrinoProbe
from oso_dagster.domain.probes.slices import Check
from oso_dagster.probes.http import AGENT, MOST_CAUSE, visit

_BUSY = frozenset({502, 503, 504})
"""Statuses after which the protocol has a client ask again."""
_PAUSE_SECONDS = 0.1
_GIVE_UP_SECONDS = 1


class CanaryError(Exception):
    """The canary query gave no row; the message says why."""


class TrinoChecker:
    """Carries out the checks of one probe."""

    def __init__(self, probe: TrinoProbe) -> None:
        self._probe = probe

    async def check(self, at: datetime) -> Check:
        """One check, begun at `at`; never raises for what the service does."""
        began, probe = time.monotonic(), self._probe
        facts: dict[str, str] = {}
        try:
            async with asyncio.timeout(probe.timeout_seconds):
                facts["version"] = await self._started()
                asked = time.monotonic()
                facts["query"] = await self._canary()
                facts["canary_seconds"] = f"{time.monotonic() - asked:.3f}"
            cause = ""
        except TimeoutError:
            cause = (
                f"no row within {probe.timeout_seconds:g} s ({'the canary' if 'version' in facts else '/v1/info'} did not end)"
            )
        except CanaryError as error:
            cause = str(error)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            cause = f"{type(error).__name__}: {error}"
        return Check(at, cause[:MOST_CAUSE], time.monotonic() - began, facts=tuple(facts.items()))

    async def _started(self) -> str:
        seen = await visit(f"{self._address}/v1/info", self._probe.timeout_seconds)
        if seen.answer is None:
            raise CanaryError(f"/v1/info: {seen.cause}")
        if seen.answer.status != 200:  # noqa: PLR2004  (OK)
            raise CanaryError(f"/v1/info: status {seen.answer.status}")
        document = _object(seen.answer.body, "/v1/info")
        if document.get("starting") is not False:
            raise CanaryError("/v1/info: it is starting")
        return str(document.get("nodeVersion", {}).get("version", "unknown"))

    async def _canary(self) -> str:
        """The id of the query. Gives up the query where it does not end."""
        headers = {"User-Agent": AGENT, "X-Trino-User": self._probe.user, "X-Trino-Source": AGENT}
        async with aiohttp.ClientSession(headers=headers) as session:
            document = await self._page(session, "POST", f"{self._address}/v1/statement")
            query, rows = str(document.get("id", "unknown")), len(document.get("data", ()))
            following: str | None = document.get("nextUri")
            try:
                while following is not None and not document.get("error"):
                    document = await self._page(session, "GET", following)
                    rows += len(document.get("data", ()))
                    following = document.get("nextUri")
            except asyncio.CancelledError:
                with suppress(aiohttp.ClientError, OSError, TimeoutError):
                    async with asyncio.timeout(_GIVE_UP_SECONDS), session.delete(following or ""):
                        pass
                raise
        if error := document.get("error"):
            name, words = error.get("errorName", "unknown"), error.get("message", "")
            raise CanaryError(f"the canary failed: {name} ({error.get('errorType', 'no type')}): {words}")
        if not rows:
            raise CanaryError("the canary gave no row")
        return query

    async def _page(self, session: aiohttp.ClientSession, method: str, address: str) -> dict[str, Any]:
        body = self._probe.query.encode() if method == "POST" else None
        while True:
            async with session.request(method, address, data=body) as response:
                content, status = await response.read(), response.status
            if status not in _BUSY or method == "POST":
                break
            await asyncio.sleep(_PAUSE_SECONDS)
        if status != 200:  # noqa: PLR2004  (OK)
            raise CanaryError(f"{method} of the canary: status {status}")
        return _object(content, method)

    @property
    def _address(self) -> str:
        return self._probe.url.rstrip("/")


def _object(content: bytes, what: str) -> dict[str, Any]:
    try:
        document = json.loads(content)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise CanaryError(f"{what}: no answer of a Trino")
    return document
