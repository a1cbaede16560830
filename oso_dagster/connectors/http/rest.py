"""Asking a REST endpoint: politely, within bounds, and never taking half an answer for a whole one.

Belongs here: one client, its retries and what an answer is. Pace per host is `pacing`'s, the trust in a body `answers`', paging
`pages`', GraphQL `graphql`'s. No secret reaches a message: tokens travel in headers and are taken out of every text.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import tenacity

from oso_dagster.connectors.answers import AnswerError, document, unpack
from oso_dagster.connectors.http.absence import LIMIT_WORDS, AbsenceRule, AbsentError, absent
from oso_dagster.connectors.http.announcements import listen
from oso_dagster.connectors.http.pacing import Gate, Limits, Pace, gate_of, requested_pause
from oso_dagster.connectors.http.redirects import followed, no_netrc
from oso_dagster.connectors.http.rest_errors import DeniedError, RateLimitedError, RestError, cause, error_text, next_step, quoted
from oso_dagster.domain.catalogue.loading import ExtractRequest
from oso_dagster.domain.catalogue.notices import UpstreamNotes
from oso_dagster.domain.catalogue.source import Setting, SettingKind

if TYPE_CHECKING:
    import requests

__all__ = ["Answer", "Client", "DeniedError", "RateLimitedError", "RestError", "client_of", "settings_of"]

USER_AGENT = "oso_dagster (+https://github.com/opensource-observer)"
_UNTOLD_PAUSE = 10
"""How many first pauses we wait when a server limits us and does not say for how long; doubled each time."""
_CHUNK = 256 * 1024
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Status codes that another try may fix."""
_LIMITING = frozenset({403, 503})
"""Status codes by which a server may report a limit too, in a header or in words."""

Reading = Callable[[bytes, str], Any]
"""From the plain body of an answer and its content type to what is made of it. Raises AnswerError."""

Item = TypeVar("Item")
Found = TypeVar("Found")


class _PassingError(Exception):
    """What another try may fix; `after` is the pause that the server asked for, in seconds; `limit`: it limits us."""

    def __init__(self, message: str, after: float | None = None, *, limit: bool = False) -> None:
        super().__init__(message)
        self.after, self.limit = after, limit


@dataclass(frozen=True)
class Answer:
    """An answer: its status, headers and JSON document. 304 has none: what was there before still holds.

    `message` is the beginning of the body of an accepted status that is no success: what the server says of it.
    """

    url: str
    status: int
    headers: Mapping[str, str]
    document: Any = None
    message: str = ""

    @property
    def unchanged(self) -> bool:
        """Whether the server said that the validators sent along still hold."""
        return self.status == HTTPStatus.NOT_MODIFIED

    def absent(self, rules: Iterable[AbsenceRule] = ()) -> AbsentError:
        """What an accepted status without a document says of the thing asked for, as an error to raise (`connectors.items`)."""
        return absent(self.status, self.message, rules)

    @property
    def validators(self) -> dict[str, str]:
        """The headers to send along next time, so that an unchanged resource is not sent again."""
        names = {"ETag": "If-None-Match", "Last-Modified": "If-Modified-Since"}
        return {sent: self.headers[got] for got, sent in names.items() if got in self.headers}


@dataclass(frozen=True)
class Client:
    """A polite client; `headers` may carry a token, `secrets` are texts that must show nowhere. Safe for several threads."""

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: Sequence[str] = field(default=(), repr=False)
    pace: Pace = field(default_factory=Pace)
    limits: Limits = field(default_factory=Limits)
    notes: UpstreamNotes = field(default_factory=UpstreamNotes, repr=False, compare=False)
    kept: threading.local = field(default_factory=threading.local, repr=False, compare=False)

    def get(
        self,
        url: str,
        parameters: Mapping[str, str | int] | None = None,
        *,
        validators: Mapping[str, str] | None = None,
        accept: Collection[int] = (),
    ) -> Answer:
        """GET a JSON document. `validators` make it conditional; a status in `accept` is an answer without a document, no error.

        Raises DeniedError, RateLimitedError, RestError.
        """
        return self._ask("GET", url, accept, document, params=dict(parameters or {}), headers=dict(validators or {}))

    def post(self, url: str, body: Any, *, accept: Collection[int] = ()) -> Answer:
        """POST a JSON value that only reads (it is retried) and get a JSON document. Raises as `get`."""
        return self._ask("POST", url, accept, document, json=body)

    def content(self, url: str, headers: Mapping[str, str] | None = None) -> bytes:
        """GET a file of any kind but HTML, whole or a Range of it, without its content encoding. Raises as `get`."""
        body: bytes = self._ask("GET", url, (), _file, headers={"Accept": "*/*", **(headers or {})}).document
        return body

    def each(self, items: Iterable[Item], work: Callable[[Item], Found]) -> Generator[Found, None, None]:
        """`work` on every item, as many at a time as the pace allows; in order. Closed to leave early."""
        pool, wait = ThreadPoolExecutor(self.pace.concurrency, thread_name_prefix="rest"), True
        try:
            yield from pool.map(work, items)
        except BaseException as error:
            wait = isinstance(error, Exception | GeneratorExit)  # a person who terminates does not wait for what hangs
            raise
        finally:
            pool.shutdown(wait=wait, cancel_futures=True)

    @contextmanager
    def trusting(self, url: str) -> Iterator[None]:
        """Inside the block, a document that does not fit is raised as a RestError that names `url`."""
        try:
            yield
        except AnswerError as error:
            raise RestError(
                self._error_text(url, f"{error}. Check the endpoint; change the source if the endpoint has changed")
            ) from None

    def _ask(self, method: str, url: str, accept: Collection[int], read: Reading, **options: Any) -> Answer:
        gate = gate_of(urlsplit(url).netloc, self.pace)
        retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(self.limits.attempts),
            wait=lambda state: self._pause(url, gate, state),
            retry=tenacity.retry_if_exception_type(_PassingError),
            reraise=True,
        )
        try:
            return retrying(self._try, gate, method, url, accept, read, options)
        except _PassingError as error:
            if error.limit:
                what = f"{error}, a limit, after {self.limits.attempts} tries. Run again later, or lower requests_per_second"
                raise RateLimitedError(self._error_text(url, what), error.after or 0.0) from None
            tries = f"{self.limits.attempts} tries" if self.limits.attempts > 1 else "one try"
            raise RestError(self._error_text(url, f"{error} ({tries}). The old rows stay; run again once it answers")) from None

    def _try(self, gate: Gate, method: str, url: str, accept: Collection[int], read: Reading, options: dict[str, Any]) -> Answer:
        from requests import RequestException, Timeout  # noqa: PLC0415  (loads with the first request)
        from urllib3.exceptions import HTTPError, ReadTimeoutError  # noqa: PLC0415  (loads with the first request)

        from oso_dagster.connectors.http.deadline import DeadlineError, done_within  # noqa: PLC0415  (loads with the first request)

        headers = {"User-Agent": USER_AGENT, "Accept": "application/json", "Accept-Encoding": "gzip", **self.headers}
        headers |= options.get("headers", {})
        options = options | {"headers": headers, "auth": no_netrc, "timeout": self.limits.timeout, "stream": True}
        with gate.passed():
            try:
                with (
                    done_within(self.limits.timeout),
                    followed(self._session(), method, url, options, self.notes) as response,
                ):
                    body = self._read(response)
            except DeadlineError:
                raise _PassingError(f"the answer was not complete within {self.limits.timeout:g} s") from None
            except (Timeout, ReadTimeoutError):
                raise _PassingError(f"no answer within {self.limits.timeout:g} s") from None
            except (RequestException, HTTPError, OSError) as error:
                raise _PassingError(f"the connection broke ({cause(error)})") from None
        answer = self._judge(url, response, body, accept, read)
        gate.recover()
        return answer

    def _session(self) -> requests.Session:
        """One session a thread, so that connections are kept."""
        if not hasattr(self.kept, "session"):
            from oso_dagster.connectors.http.session import Session  # noqa: PLC0415  (loads with the first request)

            self.kept.session = Session()
        session: requests.Session = self.kept.session
        return session

    def _read(self, response: requests.Response) -> bytes:
        """The body as it was sent, up to a size that no endpoint of ours comes near."""
        chunks: list[bytes] = []
        size = 0
        while chunk := response.raw.read1(_CHUNK, decode_content=False):
            chunks.append(chunk)
            size += len(chunk)
            if size > self.limits.most_bytes:
                raise DeniedError(
                    self._error_text(
                        response.url or "", f"the answer is larger than {self.limits.most_bytes:,} bytes. Check the address"
                    )
                )
        return b"".join(chunks)

    def _judge(self, url: str, response: requests.Response, body: bytes, accept: Collection[int], read: Reading) -> Answer:
        status, headers = response.status_code, response.headers
        host = urlsplit(url).netloc
        listen(self.notes, host, response)
        if status == HTTPStatus.NOT_MODIFIED:
            return Answer(url, status, headers)
        pause = requested_pause(headers, datetime.now(UTC))
        message = quoted(body, headers) if status >= HTTPStatus.BAD_REQUEST else ""
        # A limit, shown by status, by headers or in words, is never an answer about what was asked for, whatever is accepted.
        limit = status == HTTPStatus.TOO_MANY_REQUESTS or (
            status in _LIMITING and (pause is not None or LIMIT_WORDS.search(message) is not None)
        )
        if limit:
            self.notes.learn(host, gate_of(host, self.pace).slow_down())
        elif status in accept:
            return Answer(url, status, headers, message=message)
        if limit or status in _PASSING:
            raise _PassingError(f"the server answers {status} {response.reason}", pause, limit=limit)
        if status >= HTTPStatus.MULTIPLE_CHOICES:
            raise DeniedError(self._error_text(url, f"the server answers {status} {response.reason}. {next_step(status)}"))
        if status == HTTPStatus.PARTIAL_CONTENT and "Range" not in response.request.headers:  # a cache that broke off keeps parts
            raise _PassingError(f"the server answers {status}: a part of what was asked for, not the whole")
        try:
            plain = unpack(body, headers.get("Content-Encoding", "").lower(), self.limits.most_bytes)
            return Answer(url, status, headers, read(plain, headers.get("Content-Type", "")))
        except AnswerError as error:
            raise _PassingError(str(error)) from None

    def _pause(self, url: str, gate: Gate, state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        after = error.after if isinstance(error, _PassingError) else None
        if after is None:
            limit = isinstance(error, _PassingError) and error.limit
            pause, patience = self.limits.pause * (_UNTOLD_PAUSE if limit else 1), self.limits.patience
            wait = tenacity.wait_exponential(multiplier=pause, max=patience) + tenacity.wait_random(0, pause)
            seconds = wait(state)
            if limit:
                gate.hold(seconds)
            return seconds
        if after > self.limits.patience:
            message = self._error_text(
                url, f"{error} and asks for a pause of {after:,.0f} s; the limit is {self.limits.patience:g} s"
            )
            raise RateLimitedError(message, after)
        gate.hold(after)
        return after

    def _error_text(self, url: str, what: str) -> str:
        return error_text(url, what, self.secrets)


def settings_of(url: str, description: str, *, timeout: float = 60.0, per_second: float = 5.0) -> tuple[Setting, ...]:
    """The settings that every source over HTTP has: its address, and how patient to be with it."""
    return (
        Setting("url", SettingKind.URL, description, default=url, endpoint=True),
        pace_setting(per_second),
        Setting("pause_seconds", SettingKind.NUMBER, "First pause before a request is tried again; it grows", default="1"),
        Setting("timeout_seconds", SettingKind.NUMBER, "How long one try of a request may take", default=f"{timeout:g}"),
        Setting("patience_seconds", SettingKind.NUMBER, "The longest pause that a server may ask for", default="120"),
    )


def pace_setting(per_second: float) -> Setting:
    """How often a source asks its host; loopback is asked as often as it answers."""
    description = "How many requests are begun per second"
    return Setting("requests_per_second", SettingKind.NUMBER, description, default=f"{per_second:g}", sandbox="1000")


def client_of(
    request: ExtractRequest, pace: Pace, headers: Mapping[str, str] | None = None, secrets: Sequence[str] = ()
) -> Client:
    """The client of a source that declares `settings_of`."""
    settings = request.settings
    limits = Limits(
        pause=float(settings["pause_seconds"]),
        timeout=float(settings["timeout_seconds"]),
        patience=float(settings["patience_seconds"]),
    )
    paced = Pace(pace.concurrency, float(settings.get("requests_per_second", pace.per_second)))
    return Client(headers or {}, secrets, paced, limits, request.notes)


def _file(body: bytes, content_type: str) -> bytes:
    """The body as it is. A page in its place is somebody's word that the file cannot be had now."""
    if "html" in content_type.lower() or body.lstrip()[:15].lower().startswith((b"<!doctype html", b"<html")):
        raise AnswerError("the answer is HTML, not the file")
    return body
