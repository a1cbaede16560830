"""API keys in a database of their own. What is stored is the hash of a key; the key itself is shown once, when it is made.

A key is 256 random bits, so that a plain SHA-256 of it can be stored: there is nothing to guess, and no need to be slow.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Column, DateTime, Integer, MetaData, String, Table, create_engine, insert, select, update
from sqlalchemy.engine import Row, make_url

from oso_dagster.serving.limits import DEFAULT_KEY, KeyLimits

SCOPES = ("sql", "export")
"""What a key may do: `sql` asks by /sql and /async-sql, `export` has answers as CSV, Arrow or Parquet."""

_PREFIX = "oso_"

_metadata = MetaData()
_keys = Table(
    "api_keys",
    _metadata,
    Column("id", String(12), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("hash", String(64), nullable=False, unique=True),
    Column("scopes", String(200), nullable=False),
    Column("per_minute", Integer, nullable=False),
    Column("at_once", Integer, nullable=False),
    Column("created_at", DateTime, nullable=False),
    Column("expires_at", DateTime),
    Column("revoked_at", DateTime),
)


class NoKeyError(Exception):
    """No key has this id."""


@dataclass(frozen=True)
class Key:
    """What is known of a key, without the key."""

    id: str
    name: str
    scopes: tuple[str, ...]
    limits: KeyLimits
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None

    def problem(self, now: datetime) -> str:
        """Why the key is of no use at `now`, in words; empty when it is."""
        if self.revoked_at is not None:
            return f"the API key {self.id} was revoked at {self.revoked_at:%Y-%m-%d %H:%M} UTC"
        if self.expires_at is not None and self.expires_at <= now:
            return f"the API key {self.id} has expired at {self.expires_at:%Y-%m-%d %H:%M} UTC"
        return ""


class Keys:
    """The keys of one world, in the database at an SQLAlchemy URL."""

    def __init__(self, url: str) -> None:
        address = make_url(url)
        if address.get_backend_name() == "sqlite" and address.database:
            Path(address.database).parent.mkdir(parents=True, exist_ok=True)
        self._engine = create_engine(address)
        _metadata.create_all(self._engine)

    def create(
        self,
        name: str,
        now: datetime,
        *,
        scopes: Sequence[str] = SCOPES,
        expires_at: datetime | None = None,
        limits: KeyLimits = DEFAULT_KEY,
    ) -> tuple[Key, str]:
        """A new key, and its text, which is nowhere afterwards. Raises ValueError for an unknown scope and a past expiry."""
        unknown = sorted(set(scopes) - set(SCOPES))
        if unknown or not scopes:
            raise ValueError(f"a scope is one of {', '.join(SCOPES)}, not {', '.join(unknown) or 'nothing'}")
        if expires_at is not None and expires_at <= now:
            raise ValueError(f"the key would have expired already: {expires_at:%Y-%m-%d %H:%M}")
        text = _PREFIX + secrets.token_urlsafe(32)
        key = Key(secrets.token_hex(4), name, tuple(scopes), limits, now, expires_at, None)
        values = {
            "id": key.id,
            "name": name,
            "hash": _hash(text),
            "scopes": " ".join(scopes),
            "per_minute": limits.per_minute,
            "at_once": limits.at_once,
            "created_at": _plain(now),
            "expires_at": _plain(expires_at),
        }
        with self._engine.begin() as connection:
            connection.execute(insert(_keys).values(values))
        return key, text

    def all(self) -> list[Key]:
        """Every key, the newest first."""
        with self._engine.connect() as connection:
            return [_key(row) for row in connection.execute(select(_keys).order_by(_keys.c.created_at.desc(), _keys.c.id))]

    def find(self, text: str) -> Key | None:
        """The key with this text, of use or not."""
        with self._engine.connect() as connection:
            row = connection.execute(select(_keys).where(_keys.c.hash == _hash(text))).one_or_none()
        return _key(row) if row is not None else None

    def revoke(self, id_: str, now: datetime) -> Key:
        """Make a key useless from now on; doing it twice changes nothing. Raises NoKeyError."""
        with self._engine.begin() as connection:
            where = (_keys.c.id == id_, _keys.c.revoked_at.is_(None))
            connection.execute(update(_keys).where(*where).values(revoked_at=_plain(now)))
            row = connection.execute(select(_keys).where(_keys.c.id == id_)).one_or_none()
        if row is None:
            raise NoKeyError(f"no key has the id {id_}: `oso keys list` shows them")
        return _key(row)

    def take(self, other: Keys) -> int:
        """Add the keys of another database that are not here; how many. A key that is here stays as it is, revoked or not."""
        with other._engine.connect() as reading, self._engine.begin() as writing:
            known = set(writing.execute(select(_keys.c.id)).scalars())
            rows = [dict(row) for row in reading.execute(select(_keys)).mappings() if row["id"] not in known]
            if rows:
                writing.execute(insert(_keys), rows)
        return len(rows)

    def close(self) -> None:
        """Give back all connections."""
        self._engine.dispose()


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _key(row: Row[tuple[object, ...]]) -> Key:
    stamps = [_zoned(row._mapping[name]) for name in ("created_at", "expires_at", "revoked_at")]  # noqa: SLF001  (SQLAlchemy's public name)
    created = stamps[0] or datetime.min.replace(tzinfo=UTC)
    return Key(row.id, row.name, tuple(row.scopes.split()), KeyLimits(row.per_minute, row.at_once), created, *stamps[1:])


def _plain(moment: datetime | None) -> datetime | None:
    """UTC without its zone, as SQLite keeps it."""
    return moment.astimezone(UTC).replace(tzinfo=None) if moment else None


def _zoned(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment else None
