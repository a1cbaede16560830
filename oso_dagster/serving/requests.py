"""How requests to the service ended, as its clients see it: counted by the status of the answer."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_SERVER_ERROR = 500


class CountedRequests:
    """An ASGI application around another. `good` of `valid` requests were answered with a status below 500, to their end."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.good = self.valid = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, and count what is a request of HTTP."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = _SERVER_ERROR

        async def noticed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        self.valid += 1
        await self._app(scope, receive, noticed)
        self.good += status < _SERVER_ERROR
