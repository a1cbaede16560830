"""OSS Funding: grants to open source projects, kept as one CSV file by the same community as OSS Directory."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from hashlib import sha256
from typing import Any

from oso_dagster.domain.catalogue.loading import Extract, ExtractRequest, LoadFacts, RefusedError, Unchanged
from oso_dagster.domain.catalogue.source import (
    Column,
    ColumnType,
    Cost,
    Disposition,
    Schedule,
    Setting,
    SettingKind,
    Source,
    Stability,
    Table,
)
from oso_dagster.domain.catalogue.truth import ITEMS_ASKED, SET_ASIDE

_FILE = "file_path"
_COLUMNS = (
    Column("funding_id", ColumnType.VARCHAR, "SHA-256 of the row's fields and its ordinal among equal rows", nullable=False),
    Column("to_project_name", ColumnType.VARCHAR, "Project that was funded, a name of OSS Directory; empty when none matches"),
    Column("amount", ColumnType.DOUBLE, "Amount granted, in US dollars at the time of the grant"),
    Column("funding_date", ColumnType.DATE, "Day of the grant"),
    Column("from_funder_name", ColumnType.VARCHAR, "Funder, a name of OSS Funding", nullable=False),
    Column("grant_pool_name", ColumnType.VARCHAR, "Round or pool of the grant"),
    Column("metadata", ColumnType.JSON, "What the funder says of the application, as it came"),
    Column("file_path", ColumnType.VARCHAR, "File of the OSS Funding repository that the row was taken from"),
)


def _extract(request: ExtractRequest) -> Extract | Unchanged:
    """Read the whole file; the same content is not loaded twice."""
    from oso_dagster.connectors import csv_file  # noqa: PLC0415  (Arrow loads when used)
    from oso_dagster.connectors.http import files  # noqa: PLC0415

    content = files.fetch(request.settings["url"])
    version = files.fingerprint(content)
    if request.previous is not None and request.previous.version == version:
        return Unchanged(version, request.previous.facts)
    rows, damaged = csv_file.read_by_item(content, _COLUMNS[1:], _FILE)
    declared = rows.select([column.name for column in _COLUMNS[1:]])  # a new column makes no new ids
    rows = rows.add_column(0, _COLUMNS[0].name, [_ids(declared.to_pylist())])
    facts: LoadFacts = {"bytes": len(content), ITEMS_ASKED: len(set(rows[_FILE].to_pylist()) | damaged.keys())}
    return Extract(version, {request.table: [rows]}, facts | ({SET_ASIDE: damaged} if damaged else {}))


def _ids(rows: list[dict[str, Any]]) -> list[str]:
    """Ids that survive a reordering of the file: equal rows are distinguished by their ordinal among themselves.

    Raises RefusedError where each row has its like: then the file holds itself twice.
    """
    seen: Counter[str] = Counter()
    ids: list[str] = []
    for row in rows:
        text = json.dumps(row, default=str, sort_keys=True, ensure_ascii=False)
        seen[text] += 1
        ids.append(sha256(f"{seen[text]}\n{text}".encode()).hexdigest())
    if (least := min(seen.values(), default=1)) > 1:
        raise RefusedError(f"each of the {len(rows):,} rows came {least} times: the file repeats itself")
    return ids


SOURCE = Source(
    name="oss_funding",
    title="OSS Funding",
    homepage="https://github.com/opensource-observer/oss-funding",
    licence="Apache-2.0",
    owner="team:data",
    stability=Stability.CORE,
    settings=(
        Setting(
            "url",
            SettingKind.URL,
            "Address of funding_data.csv: https://…, http://… or file://…",
            default="https://raw.githubusercontent.com/opensource-observer/oss-funding/main/data/funding_data.csv",
            endpoint=True,
        ),
    ),
    tables=(
        Table(
            name="funding_data",
            description="One row per grant that OSS Funding knows, as it stands in its CSV file.",
            columns=_COLUMNS,
            primary_key=("funding_id",),
            item_column=_FILE,
            set_aside_share=0.05,
            why_not={
                "bands": "Grants are added by hand, each of its own size; a file that shrinks or repeats itself is refused",
                "second_count": "The file is the only list of these grants",
            },
            disposition=Disposition.REPLACE,
            extract=_extract,
            schedule=Schedule("15 2 * * *"),
            cost=Cost(calls=1, bytes=3_000_000),
            fresh_within=timedelta(hours=36),
        ),
    ),
)
