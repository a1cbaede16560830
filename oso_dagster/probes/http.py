"""The http probe: name, connection, TLS and its certificate, redirects, status, body, each with its own cause and time.

Every check makes a connection of its own, as a new visitor does. TLS is verified; nothing is sent but what is declared.
"""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import aiohttp

from oso_dagster.domain.probes.declaration import HttpProbe
from oso_dagster.domain.probes.slices import Check

AGENT = "oso-dagster-probe"
MOST_CAUSE = 500
MOST_BODY = 1024 * 1024
"""Bytes of a body that are read: a pattern has to match in them."""


@dataclass
class _Handshake:
    """When the handshake of a check began and ended, and the certificate that came with it."""

    began: float = 0
    ended: float = 0
    certificate: dict[str, Any] | None = None


_HANDSHAKE: ContextVar[_Handshake | None] = ContextVar("_HANDSHAKE", default=None)


class _TimedTls(ssl.SSLObject):
    """Records the handshake for the check in whose context it runs. One that waits for the other side is tried again."""

    def do_handshake(self) -> None:
        handshake = _HANDSHAKE.get() or _Handshake()
        handshake.began = handshake.began or time.monotonic()
        super().do_handshake()
        handshake.ended = time.monotonic()
        handshake.certificate = dict(self.getpeercert() or {})


@dataclass(frozen=True)
class Answer:
    """What a service answered; of a long body, the beginning."""

    status: int
    body: bytes
    redirects: int


@dataclass(frozen=True)
class Visit:
    """One visit with a connection of its own: `cause` is empty when there is an `answer`. Times are in seconds, by phase."""

    cause: str
    answer: Answer | None
    phases: dict[str, float]
    certificate_ends: datetime | None


async def visit(
    url: str,
    timeout_seconds: float,
    redirects: int = 5,
    headers: Mapping[str, str] | None = None,
    authorities: str | None = None,
    most: int = MOST_BODY,
    post: str = "",
) -> Visit:
    """Ask for `url`; never raises for what the service does.

    `authorities`: a file of certificates that are trusted instead of the machine's; `most`: bytes of the body that are read;
    `post`: JSON that is posted, where it is not empty.
    """
    phases: dict[str, float] = {}
    handshake = _Handshake()
    _HANDSHAKE.set(handshake)
    cause, answer = "", None
    try:
        answer = await _asked(_Request(url, headers or {}, post), timeout_seconds, redirects, authorities, phases, most)
    except TimeoutError:
        done = f" ({', '.join(phases)} done)" if phases else ""
        cause = f"no answer within {timeout_seconds:g} s{done}"
    except aiohttp.TooManyRedirects:
        cause = f"more than {redirects} redirects"
    except aiohttp.ClientConnectorDNSError as error:
        cause = f"name: {_reason(error)}"
    except (aiohttp.ClientConnectorCertificateError, aiohttp.ClientConnectorSSLError) as error:
        cause = f"TLS: {_reason(error)}"
    except aiohttp.ClientConnectorError as error:
        cause = f"connection: {_reason(error)}"
    except (aiohttp.ClientError, OSError, ValueError) as error:
        cause = f"{type(error).__name__}: {error}"
    if handshake.ended:
        phases["tls"] = handshake.ended - handshake.began
    if "connect" in phases:
        phases["connect"] = max(0.0, phases["connect"] - phases.get("dns", 0) - phases.get("tls", 0))
    return Visit(cause, answer, phases, certificate_end(handshake.certificate))


class HttpChecker:
    """Carries out the checks of one probe. `authorities`: a file of certificates that are trusted instead of the machine's."""

    def __init__(self, probe: HttpProbe, authorities: str | None = None) -> None:
        self._probe = probe
        self._authorities = authorities
        self._pattern = re.compile(probe.body.encode()) if probe.body else None

    async def check(self, at: datetime) -> Check:
        """One check, begun at `at`; never raises for what the service does."""
        probe, began = self._probe, time.monotonic()
        headers = dict(probe.headers)
        seen = await visit(probe.url, probe.timeout_seconds, probe.redirects, headers, self._authorities, post=probe.post)
        facts = {}
        if seen.answer is not None:
            facts = {"status": str(seen.answer.status), "redirects": str(seen.answer.redirects)}
        cause = seen.cause or self._wrong(seen.answer) or ending(seen.certificate_ends, probe.certificate_days, at)
        phases, seconds = tuple(seen.phases.items()), time.monotonic() - began
        return Check(at, cause[:MOST_CAUSE], seconds, phases, tuple(facts.items()), seen.certificate_ends)

    def _wrong(self, answer: Answer | None) -> str:
        if answer is None:
            return ""
        if not self._probe.accepts(answer.status):
            return f"status {answer.status}"
        if self._pattern is not None and not self._pattern.search(answer.body):
            return f"the body ({len(answer.body):,} bytes read) has nothing that matches {self._probe.body!r}"
        return ""


def ending(ends: datetime | None, days: int, at: datetime) -> str:
    """What is wrong with a certificate that ends within `days`; empty where it does not, or where none is asked for."""
    if ends is None or not days or ends - at >= timedelta(days=days):
        return ""
    return f"the certificate ends on {ends:%Y-%m-%d %H:%M} UTC, in less than {days} days"


def certificate_end(certificate: dict[str, Any] | None) -> datetime | None:
    """When a certificate, as `ssl` describes it, ends; None without one."""
    text = (certificate or {}).get("notAfter")
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(text), UTC) if isinstance(text, str) else None


@dataclass(frozen=True)
class _Request:
    """What is asked for; `post` is JSON, or empty."""

    url: str
    headers: Mapping[str, str]
    post: str


async def _asked(
    request: _Request,
    timeout_seconds: float,
    redirects: int,
    authorities: str | None,
    phases: dict[str, float],
    most: int,
) -> Answer:
    timeout = aiohttp.ClientTimeout(total=timeout_seconds)
    connector = aiohttp.TCPConnector(force_close=True, use_dns_cache=False, ssl=_tls(authorities))
    sent = {"User-Agent": AGENT, "Cache-Control": "no-cache"} | ({"Content-Type": "application/json"} if request.post else {})
    sent |= dict(request.headers)
    method, data = ("POST", request.post.encode()) if request.post else ("GET", None)
    async with (
        aiohttp.ClientSession(connector=connector, timeout=timeout, trace_configs=[_traced(phases)]) as session,
        session.request(
            method, request.url, data=data, headers=sent, allow_redirects=redirects > 0, max_redirects=redirects + 1
        ) as response,
    ):
        return Answer(response.status, await _beginning(response.content, most), len(response.history))


@cache
def _tls(authorities: str | None) -> ssl.SSLContext:
    """One for all checks: reading the machine's authorities takes longer than a handshake."""
    context = ssl.create_default_context(cafile=authorities)
    context.sslobject_class = _TimedTls
    return context


async def _beginning(content: aiohttp.StreamReader, most: int) -> bytes:
    parts, size = [], 0
    async for part in content.iter_any():
        parts.append(part)
        size += len(part)
        if size >= most:
            break
    return b"".join(parts)


def _traced(phases: dict[str, float]) -> aiohttp.TraceConfig:
    """Adds the time for names and connections, over all redirects, to `phases`."""
    begun: dict[str, float] = {}

    def begin(name: str) -> Callable[..., Any]:
        async def _begin(*_: Any) -> None:
            begun[name] = time.monotonic()

        return _begin

    def end(name: str) -> Callable[..., Any]:
        async def _end(*_: Any) -> None:
            phases[name] = phases.get(name, 0) + time.monotonic() - begun[name]

        return _end

    traces = aiohttp.TraceConfig()
    traces.on_dns_resolvehost_start.append(begin("dns"))
    traces.on_dns_resolvehost_end.append(end("dns"))
    traces.on_connection_create_start.append(begin("connect"))
    traces.on_connection_create_end.append(end("connect"))
    return traces


def _reason(error: aiohttp.ClientConnectorError | aiohttp.ClientConnectorCertificateError) -> str:
    """What the operating system or OpenSSL say, without where in their source they say it."""
    cause = error.certificate_error if isinstance(error, aiohttp.ClientConnectorCertificateError) else error.os_error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return cause.verify_message
    return getattr(cause, "strerror", None) or str(cause)
