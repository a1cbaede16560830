"""Addresses of PostgreSQL as people write them: libpq's options, those that only Prisma knows, sockets of this machine.

Prisma's options: https://www.prisma.io/docs/orm/overview/databases/postgresql#connection-details (read in November 2026).
"""

from __future__ import annotations

from urllib.parse import unquote

from sqlalchemy import URL

_PRISMA = frozenset(
    {"schema", "pgbouncer", "connection_limit", "pool_timeout", "socket_timeout", "statement_cache_size", "sslaccept"}
)
"""What Prisma reads from an address, and libpq refuses."""

_BARE_MODES = frozenset({"disable", "prefer", "require"})
"""Values of `sslmode` that connectorx knows; it checks no certificate."""


def of_libpq(address: URL) -> URL:
    """The address without what only Prisma knows; its wish for checked certificates is kept, as `sslmode`."""
    host = address.host or ""
    plain = address.set(host=unquote(host)) if host.lower().startswith("%2f") else address
    if plain.query.get("sslaccept") == "strict" and plain.query.get("sslmode") not in {"verify-ca", "verify-full"}:
        plain = plain.update_query_dict({"sslmode": "verify-full"})
    return plain.difference_update_query(_PRISMA)


def schema_of(address: URL) -> str | None:
    """The schema that the address names, in Prisma's way; None for the session's own."""
    schema = address.query.get("schema")
    return schema if isinstance(schema, str) and schema else None


def is_bare(address: URL) -> bool:
    """Whether connectorx reads the address as libpq would: host and port, no options but a plain `sslmode`, no pooler."""
    plain = of_libpq(address)
    host = plain.host or ""
    options = dict(plain.query)
    mode = options.pop("sslmode", "prefer")
    return bool(host) and not host.startswith("/") and not options and mode in _BARE_MODES and "pgbouncer" not in address.query
