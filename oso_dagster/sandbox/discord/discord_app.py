"""The sandbox's Discord: the webhook API as Discord speaks it, a page that shows what a reader would see, faults on demand.

What it refuses is `discord_limits`'s, how often one may ask `discord_rates`', what it keeps `discord_store`'s, the page
`discord_page`'s. Multipart bodies (attachments) are not spoken here; a webhook cannot reply, so `message_reference` is ignored.
"""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route

from oso_dagster.sandbox.discord.client_page import render
from oso_dagster.sandbox.discord.faults_on_demand import DiscordFaults
from oso_dagster.sandbox.discord.limits import refusal
from oso_dagster.sandbox.discord.mentions import mentioned
from oso_dagster.sandbox.discord.message_store import ALERTS, GUILD, WEBHOOKS, Message, MessageStore, ServedWebhook
from oso_dagster.sandbox.discord.rates import Rate, Rates

PATH = "/discord"
"""Where the server mounts it."""
_TOKEN = re.compile(r"(?<=/webhooks/)[^\s?]+")
_KEPT = ("content", "embeds", "username", "avatar_url", "tts", "flags", "thread_name", "allowed_mentions")
_EDITABLE = ("content", "embeds", "flags", "allowed_mentions")


def endpoints(port: int) -> dict[str, str]:
    """The webhook that stands in for `OSO_DISCORD_URL` when none is set."""
    return {"discord_url": f"http://127.0.0.1:{port}{PATH}{ALERTS.path}"}


def mount(folder: Path) -> Mount:
    """Everything below `/discord`; messages are kept in `folder`, and no token stands in the server's log."""
    logging.getLogger("uvicorn.access").addFilter(_masked)
    served = _Discord(MessageStore(folder))
    routes = [
        Route("/{id}/{token}", served.execute, methods=["POST"]),
        Route("/{id}/{token}", served.webhook, methods=["GET", "DELETE"]),
        Route("/{id}/{token}/messages/{message}", served.message, methods=["GET", "PATCH", "DELETE"]),
    ]
    api = served.faults.around(Starlette(routes=routes))
    return Mount(
        PATH,
        routes=[
            Mount("/api/v10/webhooks", api),
            Mount("/api/webhooks", api),
            Route("/faults", served.control, methods=["GET", "POST", "DELETE"]),
            Route("/rates", served.pace, methods=["POST"]),
            Route("/messages", served.everything, methods=["GET", "DELETE"]),
            Route("/", served.page),
            Route("/channels/{guild}/{channel}/{message}", served.page),
        ],
    )


def _masked(record: logging.LogRecord) -> bool:
    """Take the tokens out of a line of the server's log, whose parts the formatter puts together."""
    parts = record.args if isinstance(record.args, tuple) else ()
    record.args = tuple(_TOKEN.sub("***", part) if isinstance(part, str) else part for part in parts)
    return True


class _Discord:
    def __init__(self, store: MessageStore) -> None:
        self._store = store
        self._rates = Rates()
        self.faults = DiscordFaults()

    async def execute(self, request: Request) -> Response:
        """Send a message, as https://discord.com/developers/docs/resources/webhook#execute-webhook has it."""
        webhook = self._known(request)
        if isinstance(webhook, Response):
            return webhook
        headers = self._counted(request, webhook, "send", webhook.channel)
        if isinstance(headers, Response):
            return headers
        body, thread = await _json(request), request.query_params.get("thread_id")
        refused = refusal(body) or self._misplaced(webhook, body, thread)
        if refused is not None:
            return JSONResponse(refused, 404 if refused.get("code") == 10003 else 400, headers=headers)  # noqa: PLR2004
        content = {name: body[name] for name in _KEPT if body.get(name) is not None} | {"mentions": mentioned(body)}
        message = self._store.add(webhook, content, datetime.now(UTC), thread)
        if request.query_params.get("wait") in {"true", "1"}:
            return JSONResponse(_plain(message), headers=headers)
        return Response(status_code=204, headers=headers)

    async def webhook(self, request: Request) -> Response:
        """Describe a webhook, or delete it."""
        webhook = self._known(request)
        if isinstance(webhook, Response):
            return webhook
        headers = self._counted(request, webhook, "webhook")
        if isinstance(headers, Response):
            return headers
        if request.method == "DELETE":
            self._store.delete_webhook(webhook)
            return Response(status_code=204, headers=headers)
        description = {"id": webhook.id, "type": 1, "guild_id": GUILD, "channel_id": webhook.channel, "name": webhook.name}
        return JSONResponse(description | {"application_id": None, "avatar": None, "token": webhook.token}, headers=headers)

    async def message(self, request: Request) -> Response:
        """Return a message of a webhook, edit or delete it; one that lies in a thread needs its `thread_id`."""
        webhook = self._known(request)
        if isinstance(webhook, Response):
            return webhook
        headers = self._counted(request, webhook, "message")
        if isinstance(headers, Response):
            return headers
        message = self._store.message(webhook, request.path_params["message"])
        if message is None or message.deleted_at or message.channel != request.query_params.get("thread_id", webhook.channel):
            return JSONResponse({"message": "Unknown Message", "code": 10008}, 404, headers=headers)
        if request.method == "DELETE":
            self._store.delete(message, datetime.now(UTC))
            return Response(status_code=204, headers=headers)
        if request.method == "PATCH":
            changed = await _json(request)
            body = {**message.body, **{name: changed.get(name) for name in _EDITABLE if name in changed}} if changed else changed
            refused = refusal(body)
            if refused is not None:
                return JSONResponse(refused, 400, headers=headers)
            allowed = {"content": body.get("content"), "allowed_mentions": changed.get("allowed_mentions")}
            message = self._store.edit(message, body | {"mentions": mentioned(allowed)}, datetime.now(UTC))
        return JSONResponse(_plain(message), headers=headers)

    async def control(self, request: Request) -> Response:
        """`/faults`: GET lists what is set and has struck, POST adds one, DELETE clears all."""
        if request.method == "POST":
            try:
                self.faults.set(await request.json())
            except (TypeError, ValueError) as error:
                return JSONResponse({"error": str(error)}, 400)
        elif request.method == "DELETE":
            self.faults.clear()
        return JSONResponse(self.faults.as_data())

    async def pace(self, request: Request) -> Response:
        """`/rates`: set other limits: `{"bucket": {"limit": 5, "seconds": 2}, "channel": {"limit": 30, "seconds": 60}}`."""
        try:
            wanted = await request.json()
            self._rates = Rates(Rate(**wanted["bucket"]), Rate(**wanted["channel"]))
        except (KeyError, TypeError, ValueError) as error:
            return JSONResponse({"error": str(error)}, 400)
        return Response(status_code=204)

    async def everything(self, request: Request) -> Response:
        """`/messages`: every message with its history, for tests; DELETE forgets them and brings deleted webhooks back."""
        if request.method == "DELETE":
            self._store.clear()
        return JSONResponse([_plain(message) | _history(message) for message in self._store.messages()])

    async def page(self, _: Request) -> Response:
        """What a reader would see."""
        return HTMLResponse(render([(hook, self._store.messages(hook)) for hook in WEBHOOKS.values()]))

    def _known(self, request: Request) -> ServedWebhook | Response:
        webhook = self._store.webhook(request.path_params["id"])
        if webhook is None:
            return JSONResponse({"message": "Unknown Webhook", "code": 10015}, 404)
        if webhook.token != request.path_params["token"]:
            return JSONResponse({"message": "Invalid Webhook Token", "code": 50027}, 401)
        return webhook

    def _counted(
        self, request: Request, webhook: ServedWebhook, route: str, channel: str | None = None
    ) -> Mapping[str, str] | Response:
        """The headers about what is left, or the 429 when nothing is."""
        answer = self._rates.take(f"{request.method} {route}", webhook.id, channel, time.time())
        return JSONResponse(answer.refused, 429, headers=dict(answer.headers)) if answer.refused else answer.headers

    def _misplaced(self, webhook: ServedWebhook, body: Mapping[str, Any], thread: str | None) -> dict[str, Any] | None:
        """A forum wants a thread, old or new, and nothing else can have one begun by a webhook."""
        named = "thread_name" in body
        if thread is not None and named:
            return {"message": "Must only specify one of thread_name and thread_id", "code": 220002}
        if webhook.forum and thread is None and not named:
            return {"message": "Webhooks posted to forum channels must have a thread_name or thread_id", "code": 220001}
        if named and not webhook.forum:
            return {"message": "Webhooks can only create threads in forum channels", "code": 220003}
        if thread is not None and not self._store.has_thread(webhook, thread):
            return {"message": "Unknown Channel", "code": 10003}
        return None


async def _json(request: Request) -> Any:
    try:
        return json.loads(await request.body())
    except ValueError:
        return None


def _plain(message: Message) -> dict[str, Any]:
    """A message as Discord's API returns it."""
    body = message.body
    edited = message.edited_at
    return {
        "id": message.id,
        "type": 0,
        "webhook_id": message.webhook,
        "channel_id": message.channel,
        "content": body.get("content") or "",
        "embeds": [{"type": "rich", **embed} for embed in body.get("embeds") or []],
        "author": {"id": message.webhook, "username": body.get("username") or WEBHOOKS[message.webhook].name, "bot": True},
        "attachments": [],
        "components": [],
        **body["mentions"],
        "pinned": False,
        "tts": bool(body.get("tts")),
        "flags": body.get("flags", 0),
        "timestamp": message.at.isoformat(),
        "edited_timestamp": edited.isoformat() if edited else None,
    }


def _history(message: Message) -> dict[str, Any]:
    versions = [{"at": version.at.isoformat(), **version.body} for version in message.versions]
    return {
        "versions": versions,
        "thread_name": message.thread_name,
        "deleted_at": message.deleted_at.isoformat() if message.deleted_at else None,
    }
