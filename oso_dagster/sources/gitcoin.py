"""Gitcoin: donations and matching of its grants rounds, from the public PostgreSQL database RegenData; read whole.

The database documents no types and no keys. The names declared here are those that Open Source Observer's own earlier models
read from it; what differs in the database is an error by name: by gitcoinco/regendata at 16e444a its last tables had other keys
and columns, so that none of them would load. Numbers and dates are taken from any type that holds them. All
of it is public already, so that a column that nobody declared arrives.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from oso_dagster.domain.catalogue.loading import UNKNOWN_FIELDS, Extract, ExtractRequest, Unchanged
from oso_dagster.domain.catalogue.source import (
    Column,
    ColumnType,
    Cost,
    Disposition,
    Retired,
    Schedule,
    Setting,
    SettingKind,
    Source,
    Stability,
    Table,
)

_NUMBERS = frozenset({"smallint", "integer", "bigint", "double precision", "real", "numeric"})
_ALSO = {ColumnType.VARCHAR: _NUMBERS, ColumnType.TIMESTAMP: frozenset({"date"})}
"""The database's types that may stand for a declared one besides the usual: nothing is lost by reading them so."""


def _text(name: str, description: str, *, nullable: bool = True) -> Column:
    return Column(name, ColumnType.VARCHAR, description, nullable)


def _usd(name: str, description: str) -> Column:
    return Column(name, ColumnType.DOUBLE, description)


def _time(name: str, description: str) -> Column:
    return Column(name, ColumnType.TIMESTAMP, description)


_ROUND = (
    _text("round_id", "Round, an address or a number; null outside of rounds"),
    _text("round_num", "Number of the round among Gitcoin's grants rounds, as upstream writes it"),
    _text("chain_id", "Number of the EVM chain, as upstream writes it"),
    _text("project_id", "Project, an id of `project_lookup`"),
)
_ID = "SHA-256 of the row's fields and its ordinal among equal rows"
_DONATIONS = (
    _text("donation_id", _ID, nullable=False),
    _time("timestamp", "When it was given"),
    *_ROUND,
    _text("round_name", "Name of the round"),
    _text("project_name", "Name of the project in its application"),
    _text("donor_address", "Address that gave, 0x…"),
    _text("recipient_address", "Address that got it, 0x…"),
    _text("transaction_hash", "Hash of the transaction, which may hold several donations"),
    _usd("amount_in_usd", "Amount, in US dollars at that time"),
    _text("source", "Where RegenData has it from: which generation of Gitcoin's contracts or databases"),
)
_MATCHING = (
    _text("matching_id", _ID, nullable=False),
    _time("timestamp", "When it was settled; null where that is not given"),
    *_ROUND,
    _text("title", "Name of the project in its application"),
    _text("recipient_address", "Address that got it, 0x…"),
    _usd("match_amount_in_usd", "Amount that was matched, in US dollars"),
)
_GROUPS = (
    _text("group_id", "Group of applications that are one project", nullable=False),
    _text("title", "Name of the project in its latest application"),
    _text("latest_created_project_id", "Project of the latest application, an id of `project_lookup`"),
    _time("latest_created_application", "When the latest application was made"),
    _text("latest_source", "Where RegenData has the latest application from"),
    _text("latest_payout_address", "Address for payouts in the latest application, 0x…"),
    _text("latest_website", "Website in the latest application"),
    _text("latest_project_twitter", "Name on Twitter in the latest application"),
    _text("latest_project_github", "Name or address on GitHub in the latest application"),
    _usd("total_amount_donated", "All donations to the group, in US dollars"),
    Column("application_count", ColumnType.BIGINT, "Applications of the group"),
)
_LOOKUP = (
    _text("group_id", "Group that the project is in, an id of `project_groups_summary`", nullable=False),
    _text("project_id", "Project as donations name it", nullable=False),
    _text("source", "Where RegenData has the project from"),
)


def _extract(request: ExtractRequest) -> Extract | Unchanged:
    """The whole table; the same rows are not loaded twice. Raises DatabaseError."""
    from oso_dagster.connectors import ordinals  # noqa: PLC0415  (DuckDB and Arrow load when used)
    from oso_dagster.connectors.database import table_reader  # noqa: PLC0415

    table = next(table for table in SOURCE.tables if table.name == request.table)
    made = table.primary_key[0] if table.primary_key[0] in {"donation_id", "matching_id"} else None
    declared = [column for column in table.columns if column.name != made]
    fields = [table_reader.Field(column.name, column, _ALSO.get(column.type, frozenset())) for column in declared]
    inspected = table_reader.inspect_table(_url(request), request.table)
    unknown = inspected.unknown(fields)
    arriving = inspected.opened(unknown, fields)
    news = [field.column.name for field in arriving]
    facts: dict[str, Any] = {UNKNOWN_FIELDS: [name for name in unknown if name not in {field.upstream for field in arriving}]}
    # Upstream states no order: by their ids, equal contents are equal whatever order they come in. New columns change no id.
    rows = ordinals.with_ids(inspected.read([*fields, *arriving]), made or "row_id", beside=news)
    version = table_reader.digest(rows, unknown=unknown)
    if request.previous is not None and request.previous.version == version:
        return Unchanged(version, request.previous.facts)
    return Extract(version, {request.table: [rows if made else rows.drop_columns("row_id")]}, facts)


def _url(request: ExtractRequest) -> str:
    try:
        return request.settings["url"]
    except KeyError:
        raise ValueError("no database to read from: set OSO_GITCOIN_URL to its SQLAlchemy URL") from None


def _table(name: str, description: str, columns: tuple[Column, ...], key: tuple[str, ...], mebibytes: int) -> Table:
    return Table(
        name=name,
        description=description,
        columns=columns,
        primary_key=key,
        disposition=Disposition.REPLACE,
        extract=_extract,
        schedule=Schedule("50 5 * * 1"),
        cost=Cost(calls=2, bytes=mebibytes * 2**20),
        fresh_within=timedelta(days=9),
    )


SOURCE = Source(
    name="gitcoin",
    title="Gitcoin (RegenData)",
    homepage="https://regendata.xyz",
    licence="Public data of RegenData",
    owner="team:data",
    stability=Stability.UNSTABLE,
    retired=Retired(date(2025, 5, 31), "Gitcoin closed Grants Lab, which kept RegenData; its last sign of life is of 2025-05-27"),
    settings=(
        Setting(
            "url", SettingKind.SECRET, "SQLAlchemy URL of RegenData: postgresql://user:password@host/database", endpoint=True
        ),
    ),
    tables=(
        _table(
            "all_donations", "One row per donation in Gitcoin's rounds and outside of them.", _DONATIONS, ("donation_id",), 1500
        ),
        _table(
            "all_matching", "One row per project and round: what it got from the matching pool.", _MATCHING, ("matching_id",), 5
        ),
        _table("project_groups_summary", "One row per group of applications that are one project.", _GROUPS, ("group_id",), 5),
        _table("project_lookup", "Which group a project is in.", _LOOKUP, ("group_id", "project_id"), 5),
    ),
)
