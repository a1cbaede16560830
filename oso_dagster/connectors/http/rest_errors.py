"""What went wrong between us and an endpoint, in words that name the address and the next step and hold no secret."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from oso_dagster.connectors.answers import AnswerError, unpack
from oso_dagster.connectors.http.pacing import MOST_BYTES
from oso_dagster.domain.catalogue.loading import RefusedError
from oso_dagster.domain.redaction import redact

_LONGEST_MESSAGE = 2_000


class RestError(Exception):
    """No usable answer came; the message names the address, the cause and what to do next, and holds no secret."""


class DeniedError(RestError, RefusedError):
    """The server will not answer this request however often it is asked (401, 403, 404 …): it is not retried."""


class RateLimitedError(RestError):
    """The server limits us for longer than our patience; `seconds` is how long it wants us to wait, 0 where it does not say."""

    def __init__(self, message: str, seconds: float) -> None:
        super().__init__(message)
        self.seconds = seconds


def error_text(url: str, what: str, secrets: Sequence[str]) -> str:
    """One line: the address without its secrets, then what happened."""
    return redact(f"{url}: {what}.", secrets)


def next_step(status: int) -> str:
    """What a person does about a status code."""
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return "Renew the credentials of the source, then run again"
    return "Check the address of the source, then run again"


def cause(error: BaseException) -> str:
    """The kind of a broken connection without its objects' addresses, which differ each time."""
    inner = error.args[0] if error.args and isinstance(error.args[0], BaseException) else error
    reason = getattr(inner, "reason", None) or inner
    return f"{type(reason).__name__}: {re.sub(r' at 0x[0-9a-f]+', '', str(reason))[:160]}"


def quoted(body: bytes, headers: Mapping[str, str]) -> str:
    """The beginning of the body of an error, as far as it can be read."""
    try:
        plain = unpack(body, headers.get("Content-Encoding", "").lower(), MOST_BYTES)
    except AnswerError:
        return ""
    return plain[:_LONGEST_MESSAGE].decode("utf-8", errors="replace")
