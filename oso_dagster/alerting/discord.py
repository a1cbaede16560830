"""Discord's webhook API: one try to post or edit a message, and what its answer means.

A webhook can post, edit its own messages, and begin threads in forums; it cannot reply, list messages, or name a message so
that a second one is refused (https://github.com/discord/discord-api-docs/pull/6647). So a reminder is a post in the incident's
thread, or in a text channel a message that links to the incident's; and what may stand there twice says so. When to try, and
again, is `delivery`'s; nothing here sleeps or remembers beyond a sender's life, and no address leaves this module.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from oso_dagster.alerting import embeds
from oso_dagster.alerting.discord_answers import Buckets, meaning
from oso_dagster.alerting.outcomes import Failed, Outcome, Sent
from oso_dagster.alerting.ports import Task
from oso_dagster.alerting.webhook import hush, redacted
from oso_dagster.domain.alerts.announcement import AnnouncementKind
from oso_dagster.domain.alerts.channel import Webhook

if TYPE_CHECKING:
    from requests import Response, Session

_AGENT = "DiscordBot (https://github.com/opensource-observer/oso, 0.1.0)"
_CONNECT_SECONDS = 5.0
_THREAD = "thread:"
_FORUM = 220001
_NOT_EDITED = ("username",)


class DiscordSender:
    """One webhook. Keep it for a round of deliveries, not longer: its connection may have gone stale."""

    def __init__(self, name: str, webhook: Webhook) -> None:
        hush()
        self.name = name
        self._webhook = webhook
        self._buckets = Buckets()
        self._forum = False
        self._place: tuple[str, str] | None = None
        self._session: Session | None = None

    @property
    def fingerprint(self) -> str:
        """Changes when the address does."""
        return self._webhook.fingerprint

    @property
    def server(self) -> str:
        """The server of the webhook, without its secret."""
        return self._webhook.origin

    def rest(self) -> float:
        """Until when the buckets that are used up say to wait, in seconds."""
        return self._buckets.rest(time.monotonic())

    def send(self, task: Task, seconds: float) -> Outcome:
        """Post, edit or remind, once."""
        if task.announcement.kind is AnnouncementKind.REMINDED:
            return self._remind(task, seconds)
        payload = embeds.message(task.announcement, repeated=task.perhaps_sent and task.message_id is None)
        if task.message_id is not None:
            return self._edit(task.message_id, payload, seconds)
        return self._post(task, payload, seconds)

    def _post(self, task: Task, payload: dict[str, Any], seconds: float) -> Outcome:
        """A new message; in a forum, which says so by refusing, the first one of a thread."""
        if not self._forum:
            outcome, body = self._ask("POST", "", payload, seconds)
            if body.get("code") != _FORUM:
                return outcome
            self._forum = True
        outcome, _ = self._ask("POST", "", payload | {"thread_name": embeds.thread_name(task.announcement)}, seconds)
        return Sent(f"{_THREAD}{outcome.message_id}") if isinstance(outcome, Sent) else outcome

    def _edit(self, message_id: str, payload: Mapping[str, Any], seconds: float) -> Outcome:
        number, thread = _split(message_id)
        body = {name: value for name, value in payload.items() if name not in _NOT_EDITED}
        outcome, _ = self._ask("PATCH", f"/messages/{number}", body, seconds, thread)
        return Sent(message_id) if isinstance(outcome, Sent) else outcome

    def _remind(self, task: Task, seconds: float) -> Outcome:
        number, thread = _split(task.message_id or "")
        where = self._address(number, thread, seconds) if number and not thread else None
        payload = embeds.reminder(task.announcement, where, repeated=task.perhaps_sent)
        if not number:
            return self._post(task, payload, seconds)
        return self._ask("POST", "", payload, seconds, thread)[0]

    def _address(self, message_id: str, thread: str | None, seconds: float) -> str | None:
        """Where a person finds the message. None when the server does not say where the channel is: a link can be missing."""
        if self._place is None:
            outcome, body = self._ask("GET", "", None, seconds)
            if isinstance(outcome, Sent):
                self._place = str(body.get("guild_id")), str(body.get("channel_id"))
        if self._place is None:
            return None
        guild, channel = self._place
        return f"{self._webhook.origin}/channels/{guild}/{thread or channel}/{message_id}"

    def _ask(
        self, method: str, path: str, body: Mapping[str, Any] | None, seconds: float, thread: str | None = None
    ) -> tuple[Outcome, Mapping[str, Any]]:
        """One request; what it came to, and the answer's body. No exception of the HTTP library leaves: they name the address."""
        from requests import RequestException  # noqa: PLC0415  (loads when used)

        parameters = {"wait": "true"} if method == "POST" else {}
        parameters |= {"thread_id": thread} if thread else {}
        try:
            answer = self._connected().request(
                method,
                self._webhook.url + path,
                params=parameters,
                json=body,
                timeout=(min(_CONNECT_SECONDS, seconds), seconds),
                allow_redirects=False,  # the token goes nowhere else
            )
            document = _decoded(answer)
        except (RequestException, OSError, ValueError) as error:
            return _broken(error), {}
        self._buckets.note(method, answer.headers, time.monotonic())
        return meaning(answer.status_code, answer.headers, document), document

    def _connected(self) -> Session:
        if self._session is None:
            import requests  # noqa: PLC0415

            self._session = requests.Session()
            self._session.headers["User-Agent"] = _AGENT
        return self._session


def _decoded(answer: Response) -> Mapping[str, Any]:
    """The JSON of an answer; whoever stands before Discord may answer with a page instead."""
    try:
        document = answer.json()
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _broken(error: Exception) -> Failed:
    """No whole answer. When there was not even a connection, nothing was sent; otherwise nobody knows."""
    from requests import ConnectTimeout, Timeout  # noqa: PLC0415
    from urllib3.exceptions import NewConnectionError  # noqa: PLC0415

    reason = getattr(error.args[0] if error.args else None, "reason", None)
    unsent = isinstance(error, ConnectTimeout) or isinstance(reason, NewConnectionError)
    why = f"no answer ({type(error).__name__}{': no connection' if unsent else ''})"
    return Failed(redacted(why), refused=unsent, slow=isinstance(error, Timeout))


def _split(message_id: str) -> tuple[str, str | None]:
    """The message's own id, and its thread's: the first message of a forum's thread has the thread's id."""
    number = message_id.removeprefix(_THREAD)
    return number, number if message_id.startswith(_THREAD) else None
