"""Answers of Google's APIs, whole or not at all: what Google's own client does not look after.

Its retries begin where a request fails; a body that drips for ever, ends early, or is a page of HTML passes them by. Mounted on
the client's session, this adapter makes each of them a broken transfer, which those retries know.
"""

from __future__ import annotations

import io
from http import HTTPStatus
from typing import Any

import requests
from urllib3.exceptions import HTTPError

from oso_dagster.connectors.answers import AnswerError, document, unpack
from oso_dagster.connectors.http.deadline import DeadlineError, WatchedAdapter, done_within
from oso_dagster.connectors.http.pacing import MOST_BYTES

_CHUNK = 256 * 1024


class WholeAnswers(WatchedAdapter):
    """Reads each answer to its end within `seconds`, and lets only JSON through where the status says success.

    A redirect is an error: Google's APIs send none, and the token of the request is meant for the first address.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds

    def send(self, request: requests.PreparedRequest, *_: Any, **options: Any) -> requests.Response:
        """As any adapter. Raises requests.Timeout and requests.exceptions.ChunkedEncodingError, with a cause in words."""
        try:
            with done_within(self._seconds):
                return self._whole(super().send(request, **options | {"stream": True, "timeout": self._seconds}))
        except DeadlineError:
            raise requests.Timeout(f"the answer was not complete within {self._seconds:g} s") from None

    def _whole(self, response: requests.Response) -> requests.Response:
        if response.is_redirect:
            response.close()
            raise requests.exceptions.InvalidURL("the endpoint redirects, which is not followed: check its address")
        try:
            body = _read(response)
            if response.ok and response.status_code != HTTPStatus.NO_CONTENT:
                plain = unpack(body, response.headers.get("Content-Encoding", "").lower(), MOST_BYTES)
                document(plain, response.headers.get("Content-Type", ""))
                response.headers.pop("Content-Encoding", None)
                body = plain
        except AnswerError as error:
            raise requests.exceptions.ChunkedEncodingError(str(error)) from None
        except (HTTPError, OSError) as error:
            raise requests.exceptions.ChunkedEncodingError(f"the connection broke ({type(error).__name__})") from None
        finally:
            response.close()
        response.raw = io.BytesIO(body)
        return response


def _read(response: requests.Response) -> bytes:
    chunks: list[bytes] = []
    while chunk := response.raw.read1(_CHUNK, decode_content=False):
        chunks.append(chunk)
    return b"".join(chunks)
