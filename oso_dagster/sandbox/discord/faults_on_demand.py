"""What goes wrong at the sandbox's Discord, on demand: before a message is stored, or after, when the sender cannot know.

Wrapped around the endpoint, which knows nothing of it. A fault spoils some requests (`times`), or a share of them, drawn from
a seed, so that a campaign can be run again.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from oso_dagster.sandbox.discord.rates import limited, slow_down

KINDS = {
    "rate_limit": "429 for this route; `seconds` says for how long",
    "rate_limit_global": "429 for everything; `seconds` says for how long",
    "old_edit": "429 with code 30046, as for too many edits of messages over an hour old; edits only",
    "server_error": "an error status before anything is stored; `status` says which",
    "server_error_after": "the message is stored, then an error status",
    "timeout": "no answer for `seconds`, and nothing stored",
    "timeout_after": "the message is stored, then no answer for `seconds`",
    "reset": "the connection breaks before anything is stored",
    "reset_after": "the message is stored, then the connection breaks",
}
_AFTER = "_after"


@dataclass
class DiscordFault:
    """One fault: for the next `times` requests, or for a `share` of all until it is cleared."""

    kind: str
    times: int | None = None
    share: float | None = None
    seconds: float = 1.0
    status: int = 502

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"no fault is called {self.kind!r}; there are {', '.join(KINDS)}")
        if (self.times is None) == (self.share is None):
            raise ValueError("either times or share is expected")

    def strikes(self, method: str, chance: random.Random) -> bool:
        """Whether it spoils this request; counts `times` down."""
        if self.kind == "old_edit" and method != "PATCH":
            return False
        if self.share is not None:
            return chance.random() < self.share
        self.times = (self.times or 0) - 1
        return self.times >= 0


@dataclass
class DiscordFaults:
    """The faults that are set, how often each has struck, and where they come from."""

    current: list[DiscordFault] = field(default_factory=list)
    struck: Counter[str] = field(default_factory=Counter)
    chance: random.Random = field(default_factory=lambda: random.Random(0))  # noqa: S311  (for faults, not for secrets)

    def set(self, wanted: dict[str, Any]) -> None:
        """Add a fault to those that are set; `seed` begins the draws anew. Raises ValueError or TypeError."""
        values = dict(wanted)
        if "seed" in values:
            self.chance.seed(values.pop("seed"))
        self.current.append(DiscordFault(**values))

    def clear(self) -> None:
        """Clear all faults; what has struck stays counted."""
        self.current.clear()

    def as_data(self) -> dict[str, Any]:
        """The faults that are set, and how often each has struck, as plain data."""
        return {"faults": [asdict(fault) for fault in self.current], "struck": dict(self.struck)}

    def around(self, app: ASGIApp) -> ASGIApp:
        """The endpoint, with what is set in its answers."""

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            fault = next((candidate for candidate in self.current if candidate.strikes(scope["method"], self.chance)), None)
            if fault is None:
                await app(scope, receive, send)
                return
            if fault.kind.endswith(_AFTER):
                status = await _unheard(app, scope, receive)
                self.struck[f"{scope['method']} {fault.kind}" if status < 400 else "nothing stored"] += 1  # noqa: PLR2004
            else:
                self.struck[fault.kind] += 1
            await _spoil(fault, scope, receive, send)

        return answer


async def _unheard(app: ASGIApp, scope: Scope, receive: Receive) -> int:
    """Let the endpoint do its work, and keep its answer back; its status."""
    status = 0

    async def swallow(message: Message) -> None:
        nonlocal status
        status = message.get("status", status)

    await app(scope, receive, swallow)
    return status


async def _spoil(fault: DiscordFault, scope: Scope, receive: Receive, send: Send) -> None:
    if fault.kind.startswith("timeout"):
        await asyncio.sleep(fault.seconds)
    if fault.kind.startswith(("timeout", "reset")):
        _break(receive)
    else:
        await _instead(fault)(scope, receive, send)


def _instead(fault: DiscordFault) -> Response:
    if fault.kind == "old_edit":
        body = {"message": "Maximum number of edits to messages older than 1 hour reached. Try again later.", "code": 30046}
        return JSONResponse(body, 429, headers=slow_down(fault.seconds, "user"))
    if fault.kind.startswith("rate_limit"):
        everywhere = fault.kind == "rate_limit_global"
        headers = slow_down(fault.seconds, "global" if everywhere else "user")
        return JSONResponse(limited(fault.seconds, everywhere=everywhere), 429, headers=headers)
    return JSONResponse({"message": f"{fault.status}: a fault of the sandbox", "code": 0}, fault.status)


def _break(receive: Receive) -> None:
    """Break the connection without an answer: ASGI has no word for it, so the server's own transport is taken."""
    receive.__self__.transport.abort()  # type: ignore[attr-defined]
