"""The tables of the reliability store, as the code reads them. Their history is in `migrations`; a test holds both equal."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    text,
)
from sqlalchemy.types import TypeDecorator, TypeEngine

_ISO_WIDTH = 32


class UtcTime(TypeDecorator[datetime]):
    """A moment in UTC: `timestamptz` on PostgreSQL, ISO text of one width (so that it sorts) on SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Text where the engine has no type with a zone."""
        return dialect.type_descriptor(String(_ISO_WIDTH) if dialect.name == "sqlite" else DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Refuse a moment without a zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time without a zone: {value.isoformat()}")
        moment = value.astimezone(UTC)
        return moment.isoformat(timespec="microseconds") if dialect.name == "sqlite" else moment

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002  (SQLAlchemy's signature)
        """Always aware, always UTC."""
        if value is None:
            return None
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        return moment if moment.tzinfo is UTC else moment.astimezone(UTC)


metadata = MetaData()

identity = Table(
    "identity",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("world", String(32), nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("run_id", String(64), primary_key=True),
    Column("family", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("will_retry", Boolean, nullable=False),
    Column("settled", Boolean, nullable=False),
    Column("seen_at", UtcTime, nullable=False),
    Index("runs_unsettled", "settled"),
    Index("runs_by_family", "family"),
)

attempts = Table(
    "attempts",
    metadata,
    Column("run_id", String(64), primary_key=True),
    Column("asset", String(255), primary_key=True),
    Column("partition", String(255), primary_key=True),
    Column("report", String(64), primary_key=True),
    Column("label", String(16), nullable=False),
    Column("outcome", String(32), nullable=False),
    Column("started", UtcTime),
    Column("ended", UtcTime),
    Column("cause", Text, nullable=False),
    Column("rows", BigInteger),
    Column("step_retries", Integer),
    Column("audited", Boolean),
    Column("newest_event", UtcTime),
    Column("counted", Integer),
    Column("counted_at", UtcTime),
    Index("attempts_by_asset", "asset", "outcome", "ended"),
    Index("attempts_counted", "label", "asset", "counted_at", "counted"),
)
Index("attempts_bad", attempts.c.counted_at, sqlite_where=text("counted = 0"), postgresql_where=text("counted = 0"))

samples = Table(
    "samples",
    metadata,
    Column("service", String(64), primary_key=True),
    Column("objective", String(64), primary_key=True),
    Column("at", UtcTime, primary_key=True),
    Column("slice", String(255), primary_key=True),
    Column("good", BigInteger, nullable=False),
    Column("valid", BigInteger, nullable=False),
    Column("cause", Text, nullable=False, server_default=""),
)

comparisons = Table(
    "comparisons",
    metadata,
    Column("asset", String(255), primary_key=True),
    Column("measured_at", UtcTime, primary_key=True),
    Column("category", String(255), primary_key=True),
    Column("since", UtcTime),
    Column("until", UtcTime),
    Column("held", BigInteger, nullable=False),
    Column("low", BigInteger, nullable=False),
    Column("high", BigInteger, nullable=False),
    Column("target_bp", Integer, nullable=False),
    Column("sampled", Boolean, nullable=False),
    Column("items", Integer),
    Column("draws", Double),
)

maintenance = Table(
    "maintenance",
    metadata,
    Column("scope", String(255), primary_key=True),
    Column("start", UtcTime, primary_key=True),
    Column("end", UtcTime, primary_key=True),
    Column("author", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("declared_at", UtcTime),
    Column("rule", Text, nullable=False, server_default=""),
)

folding = Table(
    "folding",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("until", UtcTime, nullable=False),
)

folded_attempts = Table(
    "folded_attempts",
    metadata,
    Column("asset", String(255), primary_key=True),
    Column("day", UtcTime, primary_key=True),
    Column("label", String(16), primary_key=True),
    Column("good", BigInteger, nullable=False),
    Column("last_good", UtcTime),
    Column("last_audited", UtcTime),
    Column("packed", LargeBinary, nullable=False),
    Index("folded_attempts_by_day", "label", "day"),
)

folded_samples = Table(
    "folded_samples",
    metadata,
    Column("service", String(64), primary_key=True),
    Column("objective", String(64), primary_key=True),
    Column("day", UtcTime, primary_key=True),
    Column("slice", String(255), primary_key=True),
    Column("good", BigInteger, nullable=False),
    Column("valid", BigInteger, nullable=False),
    Column("packed", LargeBinary, nullable=False),
)

cursors = Table(
    "cursors",
    metadata,
    Column("storage_id", String(64), primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("anchor", String(128), nullable=False),
)

assets = Table(
    "assets",
    metadata,
    Column("asset", String(255), primary_key=True),
    Column("first_seen", UtcTime, nullable=False),
    Column("freshness", String(16)),
    Column("within_seconds", BigInteger),
    Column("evaluated_at", UtcTime),
)

verdicts = Table(
    "verdicts",
    metadata,
    Column("service", String(64), primary_key=True),
    Column("objective", String(64), primary_key=True),
    Column("evaluated_at", UtcTime, primary_key=True),
    Column("verdict", String(16), nullable=False),
    Column("good", BigInteger, nullable=False),
    Column("valid", BigInteger, nullable=False),
    Column("target_bp", Integer, nullable=False),
    Column("window_seconds", BigInteger),
    Column("budget", Text, nullable=False),
    Column("summary", Text, nullable=False),
    Column("guilty", JSON, nullable=False),
)
