"""Faults on demand: what goes wrong between an endpoint and whoever asks it, put around a family while it is served.

A fault is set for a family, for all its paths or those that hold a text, for some requests or until it is cleared. It changes
answers on their way out; the family itself knows nothing of it. What a fault does to a body is `spoiling`'s.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from oso_dagster.sandbox.faults.at_source import AT_SOURCE
from oso_dagster.sandbox.faults.looping import without_cursor
from oso_dagster.sandbox.faults.spoiling import SPOILERS
from oso_dagster.sandbox.process_identity import living_process
from oso_dagster.sandbox.protocols import postgres
from oso_dagster.sandbox.protocols.former_database import FormerDatabase
from oso_dagster.sandbox.protocols.source_faults import with_fault

SKEW = timedelta(hours=9)
"""How far ahead the clock of a skewed server is."""

KINDS: Mapping[str, str] = {
    "status": "an error status; --status says which",
    "rate_limit": "429 with Retry-After; --seconds says how long",
    "rate_limit_bare": "429 without Retry-After",
    "bare_429": "429 without Retry-After, behind the first --after answers",
    "timeout": "no answer for --seconds",
    "drip": "the answer comes a byte at a time, --seconds apart",
    "reset": "the connection breaks in the middle of the answer",
    "expired": "401, as for credentials that have expired",
    "loop": "the first page comes again, whichever page is requested",
    "clock_skew": "503 whose Date and Retry-After come from a clock nine hours ahead",
    **{name: spoiler.about for name, spoiler in SPOILERS.items()},
    **AT_SOURCE,
}


@dataclass(frozen=True)
class Fault:
    """One fault of one family: `times` answers are spoilt (None: until it is cleared), behind the first `after`.

    `owner` is the process that set it, by id and creation time: when that has ended, killed or not, the fault is over.
    """

    family: str
    kind: str
    path: str = ""
    times: int | None = None
    status: int = 500
    seconds: float = 30.0
    after: int = 0
    owner: tuple[int, float] | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"no fault is called {self.kind!r}; there are {', '.join(KINDS)}")
        if self.times is not None and self.times < 1:
            raise ValueError("times: at least 1 is expected")
        if self.after < 0:
            raise ValueError("after: a number of answers is expected, from 0")
        if self.owner is not None and [type(part) for part in self.owner] != [int, float]:
            raise ValueError("owner: the id of a process and its creation time are expected")

    @property
    def over(self) -> bool:
        """Whether whoever set it has ended."""
        return self.owner is not None and living_process(*self.owner) is None


_Whole = tuple[int, dict[str, str], bytes]
"""An answer: status, headers, body."""


@dataclass
class Faults:
    """The faults that are set, by family; of one server. `families` are the names of all, with the kinds of their own data.

    A database of `databases` is switched as a whole, to what it was, until that is cleared.
    """

    families: Mapping[str, Collection[str]]
    databases: Sequence[FormerDatabase] = ()
    current: dict[str, Fault] = field(default_factory=dict)
    first_pages: dict[str, _Whole] = field(default_factory=dict)

    def routes(self) -> list[Route]:
        """`/faults`: GET lists them, POST sets one, DELETE clears all or those of `?family=`."""
        return [Route("/faults", self._control, methods=["GET", "POST", "DELETE"])]

    def around(self, family: str, app: ASGIApp) -> ASGIApp:
        """The application with the family's fault, when there is one, in its answers."""

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            fault = self._take(family, scope)
            if fault is None:
                await app(scope, receive, send)
            elif fault.kind in AT_SOURCE:
                await app(with_fault(scope, fault.kind), receive, send)
            elif fault.kind == "loop":
                await _loop(self.first_pages, app, scope, receive, send)
            else:
                await _spoil(fault, app, scope, receive, send)

        return answer

    def _take(self, family: str, scope: Scope) -> Fault | None:
        fault = self.current.get(family)
        if fault is None or scope["type"] != "http" or fault.path not in scope["path"]:
            return None
        if fault.over:
            del self.current[family]
            return None
        if fault.after:
            self.current[family] = replace(fault, after=fault.after - 1)
            return None
        if fault.times is not None:
            if fault.times == 1:
                del self.current[family]
            else:
                self.current[family] = replace(fault, times=fault.times - 1)
        return fault

    async def _control(self, request: Request) -> Response:
        try:
            return await self._answer(request)
        except postgres.PostgresError as error:
            return JSONResponse({"error": str(error)}, 503)

    async def _answer(self, request: Request) -> Response:
        if request.method == "POST":
            try:
                fault = Fault(**await request.json())
            except (TypeError, ValueError) as error:
                return JSONResponse({"error": str(error)}, 400)
            database = next((database for database in self.databases if database.family == fault.family), None)
            if database is not None:
                return await self._switch(database, fault)
            if fault.family not in self.families:
                names = [*self.families, *(database.family for database in self.databases)]
                return JSONResponse({"error": f"no family {fault.family!r}; there are {', '.join(names)}"}, 400)
            if fault.kind in AT_SOURCE and fault.kind not in self.families[fault.family]:
                having = ", ".join(name for name, kinds in self.families.items() if fault.kind in kinds)
                return JSONResponse({"error": f"{fault.kind} is a fault of {having}, not of {fault.family}"}, 400)
            self.current[fault.family] = fault
            self.first_pages.clear()
        elif request.method == "DELETE":
            wanted = request.query_params.get("family")
            self.current = {name: fault for name, fault in self.current.items() if wanted not in {None, name}}
            for database in self.databases:
                if wanted in {None, database.family}:
                    await asyncio.to_thread(database.switch, former=False)
        return await self._listed()

    async def _switch(self, database: FormerDatabase, fault: Fault) -> Response:
        if fault != Fault(database.family, "former", status=fault.status, seconds=fault.seconds):
            words = "is a database: only former can be set, of all of it and until it is cleared"
            return JSONResponse({"error": f"{database.family} {words}"}, 400)
        await asyncio.to_thread(database.switch, former=True)
        return await self._listed()

    async def _listed(self) -> Response:
        self.current = {name: fault for name, fault in self.current.items() if not fault.over}
        switched = [each.family for each in self.databases if await asyncio.to_thread(each.switched)]
        return JSONResponse([asdict(fault) for fault in (*self.current.values(), *(Fault(name, "former") for name in switched))])


async def _spoil(fault: Fault, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    instead = _instead(fault)
    if instead is not None:
        await instead(scope, receive, send)
    elif fault.kind == "timeout":
        await asyncio.sleep(fault.seconds)
        await app(scope, receive, send)
    else:
        status, headers, body = await _collect(app, scope, receive)
        if fault.kind == "reset":
            await _cut(send, status, headers, body)
        elif fault.kind == "drip":
            await _drip(receive, send, status, headers, body, fault.seconds)
        else:
            spoiled, changed = SPOILERS[fault.kind].spoil(body, headers.get("content-type", ""))
            await _send(send, status, headers | changed | {"content-length": str(len(spoiled))}, spoiled)


def _instead(fault: Fault) -> Response | None:
    ahead = datetime.now(UTC) + SKEW
    skewed = {"Date": format_datetime(ahead, usegmt=True), "Retry-After": format_datetime(ahead, usegmt=True)}
    answers: Mapping[str, tuple[int, dict[str, str]]] = {
        "status": (fault.status, {}),
        "rate_limit": (429, {"Retry-After": f"{fault.seconds:.0f}"}),
        "rate_limit_bare": (429, {}),
        "bare_429": (429, {}),
        "expired": (401, {"WWW-Authenticate": "Bearer"}),
        "clock_skew": (503, skewed),
    }
    if fault.kind not in answers:
        return None
    status, headers = answers[fault.kind]
    return JSONResponse({"message": "a fault of the sandbox"}, status, headers=headers)


async def _loop(first_pages: dict[str, _Whole], app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    request = Request(scope, receive)
    body = await request.body()
    given = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        """The body once; then what comes of the client: who waits for it to go must wait, and not be given the body for ever."""
        return given.pop() if given else await receive()

    looped = without_cursor(scope["path"], request.url.query, body)
    if looped not in first_pages:
        first_pages[looped] = await _collect(app, scope, again)
    status, headers, content = first_pages[looped]
    await _send(send, status, headers, content)


async def _collect(app: ASGIApp, scope: Scope, receive: Receive) -> _Whole:
    """The whole answer of the family, which is asked unconditionally and uncompressed so that there is a body to spoil."""
    dropped = {b"if-none-match", b"if-modified-since", b"accept-encoding", b"range"}
    plain = {**scope, "headers": [(name, value) for name, value in scope["headers"] if name not in dropped]}
    start: dict[str, Any] = {}
    chunks: list[bytes] = []

    async def keep(message: Message) -> None:
        if message["type"] == "http.response.start":
            start.update(message)
        else:
            chunks.append(message.get("body", b""))

    await app(plain, receive, keep)
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in start["headers"]}
    return (
        start["status"],
        {name: value for name, value in headers.items() if name not in {"etag", "last-modified"}},
        b"".join(chunks),
    )


async def _send(send: Send, status: int, headers: Mapping[str, str], body: bytes, *, more: bool = False) -> None:
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body, "more_body": more})


async def _cut(send: Send, status: int, headers: Mapping[str, str], body: bytes) -> None:
    """Announce the whole body, send half of it, and break the connection."""
    await _send(send, status, {**headers, "content-length": str(len(body) + 1)}, body[: len(body) // 2], more=True)
    raise ConnectionResetError("a fault of the sandbox")


async def _gone(receive: Receive) -> None:
    """Wait until the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _drip(receive: Receive, send: Send, status: int, headers: Mapping[str, str], body: bytes, seconds: float) -> None:
    """A byte at a time, as long as somebody waits: a client that has gone leaves nothing running."""
    gone = asyncio.ensure_future(_gone(receive))
    try:
        await _send(send, status, {**headers, "content-length": str(len(body))}, body[:1], more=True)
        for place in range(1, len(body)):
            await asyncio.wait([gone], timeout=seconds)
            if gone.done():
                return
            await send({"type": "http.response.body", "body": body[place : place + 1], "more_body": True})
    finally:
        gone.cancel()
    await send({"type": "http.response.body", "body": b"", "more_body": False})
