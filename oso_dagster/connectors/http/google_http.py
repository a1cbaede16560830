"""Answers of Google's APIs, whole or not at all: what Google's own client does not look after.

Its retries begin where a request fails; a body that drips for ever, ends early, or is a page of HTML passes them by. Mounted on
the client's session, this adapter makes each of them a broken transfer, which those retries know.
"""

from __future__ import annotations

import io
import time
from http import HTTPStatus
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

from oso_dagster.connectors.answers import AnswerError, document, unpack

_CHUNK = 256 * 1024


class WholeAnswers(HTTPAdapter):
    """Reads each answer to its end within `seconds`, and lets only JSON through where the status says success."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds

    def send(self, request: requests.PreparedRequest, *_: Any, **options: Any) -> requests.Response:
        """As any adapter. Raises requests.Timeout and requests.exceptions.ChunkedEncodingError, with a cause in words."""
        response = super().send(request, **options | {"stream": True, "timeout": self._seconds})
        try:
            body = self._read(response)
            if response.ok and response.status_code != HTTPStatus.NO_CONTENT:
                plain = unpack(body, response.headers.get("Content-Encoding", "").lower())
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

    def _read(self, response: requests.Response) -> bytes:
        deadline = time.monotonic() + self._seconds
        chunks: list[bytes] = []
        while chunk := response.raw.read1(_CHUNK, decode_content=False):
            chunks.append(chunk)
            if time.monotonic() > deadline:
                raise requests.Timeout(f"the answer was not complete within {self._seconds:g} s")
        return b"".join(chunks)
