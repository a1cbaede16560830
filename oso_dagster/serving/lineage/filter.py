"""The filter as an ASGI application: pages and their files pass, documents are decided, everything else is refused.

Nothing that a visitor sends but a path and a decided document reaches the webserver: no cookie, header or method. A websocket is
accepted, since the pages open one, and nothing is sent over it.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import quote

import aiohttp
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect
from yarl import URL

from oso_dagster.serving.lineage.documents import NotAllowedError, decided, for_everyone

PREFIX = "/lineage"
"""Below which the webserver answers, and this does."""

_MOST_BODY = 200_000
_MOST_ANSWER = 64 * 1024**2
_AT_ONCE = 8
_SOCKETS = 200
_SOCKET_SECONDS = 600
_TIMEOUT = aiohttp.ClientTimeout(total=60)
_CLOSED = ("graphql", "graphiql", "logs", "download_debug", "notebook", "report_asset_materialization", "report_asset_check",
           "report_asset_observation", "dagit_info", "dagit", "server_info")  # fmt: skip
"""First parts of paths that lead to more than pages."""
_NEVER_IN_A_PATH = frozenset("%?#;\\") | frozenset(chr(code) for code in (*range(32), 127))
"""Signs that somebody could read a second time: as an encoded letter, as the start of a query, as another way to write `/`."""
_PASSED = ("content-type", "content-encoding", "cache-control", "etag", "last-modified", "content-security-policy",
           "x-frame-options", "x-content-type-options", "referrer-policy")  # fmt: skip


class Lineage:
    """`upstream` is the address of a webserver on loopback that answers below PREFIX."""

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream.rstrip("/")
        self._room = asyncio.Semaphore(_AT_ONCE)
        self._sockets = 0

    def routes(self) -> list[Route | WebSocketRoute]:
        """What is answered below PREFIX."""
        return [
            WebSocketRoute(f"{PREFIX}/graphql", self._socket),
            Route(f"{PREFIX}/graphql", self._graphql, methods=["POST"]),
            Route(f"{PREFIX}/{{path:path}}", self._page, methods=["GET"]),
            Route(PREFIX, self._page, methods=["GET"]),
        ]

    async def _graphql(self, request: Request) -> Response:
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > _MOST_BODY:
                return _refused("the document is too long", 413)
        try:
            values = json.loads(body)
            text, variables, name = values["query"], values.get("variables") or {}, values.get("operationName")
            decision = decided(text)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return _refused("the body is JSON with a query", 400)
        except NotAllowedError as refused:
            return _refused(str(refused), 403)
        if not isinstance(variables, dict) or not isinstance(name, str | None):
            return _refused("the body is JSON with a query", 400)
        asked = {"query": text, "variables": variables, "operationName": name}
        status, _, answer = await self._ask("POST", "graphql", json=asked)
        try:
            shown = for_everyone(json.loads(answer), decision)
        except ValueError:
            return _refused("there is no answer", 502)
        return JSONResponse(shown, status_code=status, headers={"Cache-Control": "no-store"})

    async def _page(self, request: Request) -> Response:
        path = request.path_params.get("path", "")
        if not is_page(path):
            return _refused("this is not for everyone", 403)
        accepted = {"Accept-Encoding": "gzip"} if "gzip" in request.headers.get("accept-encoding", "") else {}
        status, headers, body = await self._ask("GET", path, headers=accepted)
        return Response(body, status_code=status, headers={name: headers[name] for name in _PASSED if name in headers})

    async def _ask(self, method: str, path: str, **options: Any) -> tuple[int, dict[str, str], bytes]:
        """What the webserver says; 502 when it does not, or says more than anybody should be sent."""
        options.setdefault("headers", {"Accept-Encoding": "identity"})
        options["headers"].setdefault("Accept-Encoding", "identity")
        try:
            async with self._room, aiohttp.ClientSession(auto_decompress=False, timeout=_TIMEOUT) as session:
                address = URL(f"{self._upstream}{PREFIX}/{quote(path, safe='/')}", encoded=True)
                async with session.request(method, address, allow_redirects=False, **options) as answer:
                    body = await answer.content.read(_MOST_ANSWER + 1) if method == "POST" else await answer.read()
                    while method == "POST" and len(body) <= _MOST_ANSWER and (more := await answer.content.read(_MOST_ANSWER)):
                        body += more
                    headers = {name.lower(): value for name, value in answer.headers.items()}
        except (aiohttp.ClientError, TimeoutError):
            return 502, {}, b""
        return (502, {}, b"") if len(body) > _MOST_ANSWER else (answer.status, headers, body)

    async def _socket(self, socket: WebSocket) -> None:
        """Acknowledge, and say nothing more: what a subscription would send is logs of runs and states of locations."""
        if self._sockets >= _SOCKETS:
            await socket.close(code=1013)
            return
        self._sockets += 1
        try:
            offered = socket.scope.get("subprotocols", [])
            await socket.accept(subprotocol="graphql-ws" if "graphql-ws" in offered else None)
            async with asyncio.timeout(_SOCKET_SECONDS):
                while True:
                    message = json.loads(await socket.receive_text())
                    if isinstance(message, dict) and message.get("type") == "connection_init":
                        await socket.send_json({"type": "connection_ack"})
        except (WebSocketDisconnect, TimeoutError, ValueError, KeyError):
            return
        finally:
            self._sockets -= 1


def is_page(path: str) -> bool:
    """Whether a decoded path below PREFIX leads to a page or a file of the pages, however it is written."""
    parts = path.split("/")
    first = next((part for part in parts if part), "")
    return first.lower() not in _CLOSED and not {".", ".."} & set(parts) and not _NEVER_IN_A_PATH & set(path)


def _refused(message: str, status: int) -> Response:
    return JSONResponse({"errors": [{"message": message}]}, status_code=status, headers={"Cache-Control": "no-store"})
