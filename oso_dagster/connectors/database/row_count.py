"""How many rows a table of any database with a SQLAlchemy URL has, counted there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from oso_dagster.connectors.database.column_types import DatabaseError
from oso_dagster.domain.redaction import redact

_CONNECT_SECONDS = 20


@dataclass(frozen=True)
class RowCount:
    """All rows, and those that were created before a moment (all of them where no column says when)."""

    all: int
    before: int


def count_rows(url: str, table: str, created: str | None, since: datetime) -> RowCount:
    """Count the rows of `table`; `created` is the column that says when each was made. Raises DatabaseError, without secrets.

    Times without a zone are taken to be in UTC.
    """
    try:
        address = sa.make_url(url)
    except ArgumentError:
        raise DatabaseError("the address is no SQLAlchemy URL such as postgresql://user:password@host/database") from None
    postgres = address.get_backend_name() in {"postgresql", "postgres"}
    options: dict[str, Any] = {"connect_args": {"connect_timeout": _CONNECT_SECONDS}} if postgres else {}
    driver = address.set(drivername="postgresql+psycopg2") if postgres else address
    moment = since.astimezone(UTC).replace(tzinfo=None)
    before = sa.func.count() if created is None else sa.func.count().filter(sa.column(created) <= moment)
    query = sa.select(sa.func.count(), before).select_from(sa.table(table))
    try:
        with sa.create_engine(driver, poolclass=sa.NullPool, **options).connect() as connection:
            row = connection.execute(query).one()
    except SQLAlchemyError as error:
        words = " ".join(str(getattr(error, "orig", None) or error).split())
        secrets = [str(address.password)] if address.password else []
        raise DatabaseError(f"{table}: the rows cannot be counted: {redact(words, secrets)}") from None
    return RowCount(int(row[0]), int(row[1]))
