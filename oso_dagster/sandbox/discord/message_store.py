"""The messages on the sandbox's Discord, stored durably: messages with every edit, threads of forums, webhooks that were deleted.

One SQLite file beside the world, which outlives the server and a world that is made anew. Every call is one transaction on disk.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

EPOCH_MS = 1_420_070_400_000
"""Where Discord's ids begin to count: https://discord.com/developers/docs/reference#snowflakes"""
GUILD = "1100000000000000001"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS messages (
    id TEXT PRIMARY KEY, webhook TEXT NOT NULL, channel TEXT NOT NULL, thread_name TEXT, at TEXT NOT NULL, deleted_at TEXT
);
CREATE TABLE IF NOT EXISTS versions (
    message TEXT NOT NULL REFERENCES messages, number INTEGER NOT NULL, at TEXT NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (message, number)
);
CREATE TABLE IF NOT EXISTS deleted_webhooks (id TEXT PRIMARY KEY);
"""


@dataclass(frozen=True)
class ServedWebhook:
    """A webhook of the sandbox. A forum takes messages in threads only, any other channel never begins one."""

    id: str
    channel: str
    name: str
    forum: bool = False

    @property
    def token(self) -> str:
        """As long as a real one and the same in every sandbox: it opens nothing but this."""
        return base64.urlsafe_b64encode(hashlib.sha384(f"sandbox webhook {self.id}".encode()).digest()).decode() + "sand"

    @property
    def path(self) -> str:
        """Where messages for it are posted, below the sandbox's Discord."""
        return f"/api/webhooks/{self.id}/{self.token}"


ALERTS = ServedWebhook("1200000000000000001", "1300000000000000001", "alerts")
TICKETS = ServedWebhook("1200000000000000002", "1300000000000000002", "tickets")
FORUM = ServedWebhook("1200000000000000003", "1300000000000000003", "incidents", forum=True)
WEBHOOKS: Mapping[str, ServedWebhook] = {webhook.id: webhook for webhook in (ALERTS, TICKETS, FORUM)}


@dataclass(frozen=True)
class Version:
    """What a message said from `at` on."""

    at: datetime
    body: Mapping[str, Any]


@dataclass(frozen=True)
class Message:
    """A message with everything it ever said, oldest first. `channel` is its thread's id when it lies in one."""

    id: str
    webhook: str
    channel: str
    thread_name: str | None
    at: datetime
    deleted_at: datetime | None
    versions: tuple[Version, ...]

    @property
    def body(self) -> Mapping[str, Any]:
        """What it says now."""
        return self.versions[-1].body

    @property
    def edited_at(self) -> datetime | None:
        """When it was last edited."""
        return self.versions[-1].at if len(self.versions) > 1 else None


class MessageStore:
    """The messages of one sandbox, in the file `discord.db` of `folder`."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(folder / "discord.db", isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=FULL")
        self._connection.executescript(_SCHEMA)

    def add(self, webhook: ServedWebhook, body: Mapping[str, Any], at: datetime, thread: str | None = None) -> Message:
        """Keep a message; in a forum without a `thread` it begins one, whose id is the message's."""
        newest = self._connection.execute("SELECT max(CAST(id AS INTEGER)) FROM messages").fetchone()[0]
        by_time = int(at.timestamp() * 1000 - EPOCH_MS) << 22
        message = str(max(by_time, (newest or 0) + 1))
        channel = thread or (message if webhook.forum else webhook.channel)
        name = body.get("thread_name") if webhook.forum and thread is None else None
        with self._transaction():
            row = (message, webhook.id, channel, name, at.isoformat(), None)
            self._connection.execute("INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?)", row)
            self._say(message, 0, at, body)
        return self._required(message)

    def edit(self, message: Message, body: Mapping[str, Any], at: datetime) -> Message:
        """Keep what a message says from now on; what it said stays in its history."""
        with self._transaction():
            self._say(message.id, len(message.versions), at, body)
        return self._required(message.id)

    def delete(self, message: Message, at: datetime) -> None:
        """Take a message away; the page still shows that there was one."""
        self._connection.execute("UPDATE messages SET deleted_at = ? WHERE id = ?", (at.isoformat(), message.id))

    def message(self, webhook: ServedWebhook, message: str) -> Message | None:
        """A message of a webhook, deleted ones included."""
        messages = self._read("WHERE id = ? AND webhook = ?", (message, webhook.id))
        return messages[0] if messages else None

    def messages(self, webhook: ServedWebhook | None = None) -> list[Message]:
        """Every message ever sent, the oldest first."""
        return self._read("WHERE webhook = ?", (webhook.id,)) if webhook else self._read("", ())

    def has_thread(self, webhook: ServedWebhook, thread: str) -> bool:
        """Whether a forum has that thread."""
        first = self.message(webhook, thread)
        return first is not None and first.channel == first.id

    def delete_webhook(self, webhook: ServedWebhook) -> None:
        """Forget a webhook for good, as an administrator of the server can; its messages stay."""
        self._connection.execute("INSERT OR IGNORE INTO deleted_webhooks VALUES (?)", (webhook.id,))

    def webhook(self, wanted: str) -> ServedWebhook | None:
        """The webhook of that id, unless it was deleted or never was."""
        gone = self._connection.execute("SELECT 1 FROM deleted_webhooks WHERE id = ?", (wanted,)).fetchone()
        return None if gone else WEBHOOKS.get(wanted)

    def clear(self) -> None:
        """Forget every message, and bring deleted webhooks back."""
        with self._transaction():
            for table in ("versions", "messages", "deleted_webhooks"):
                self._connection.execute(f"DELETE FROM {table}")  # noqa: S608  (names of our own)

    def close(self) -> None:
        """Give the file back."""
        self._connection.close()

    def _say(self, message: str, number: int, at: datetime, body: Mapping[str, Any]) -> None:
        row = (message, number, at.isoformat(), json.dumps(body))
        self._connection.execute("INSERT INTO versions VALUES (?, ?, ?, ?)", row)

    def _required(self, message: str) -> Message:
        return self._read("WHERE id = ?", (message,))[0]

    def _read(self, where: str, values: tuple[str, ...]) -> list[Message]:
        order = "ORDER BY CAST(id AS INTEGER)"
        rows = self._connection.execute(f"SELECT * FROM messages {where} {order}", values).fetchall()  # noqa: S608  (see callers)
        return [self._whole(row) for row in rows]

    def _whole(self, row: tuple[Any, ...]) -> Message:
        query = "SELECT at, body FROM versions WHERE message = ? ORDER BY number"
        versions = tuple(Version(_moment(at), json.loads(body)) for at, body in self._connection.execute(query, (row[0],)))
        return Message(row[0], row[1], row[2], row[3], _moment(row[4]), _moment(row[5]) if row[5] else None, versions)

    def _transaction(self) -> _Transaction:
        return _Transaction(self._connection)


class _Transaction:
    """BEGIN IMMEDIATE … COMMIT, or ROLLBACK when the block raises."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._connection.execute("ROLLBACK" if kind else "COMMIT")


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
