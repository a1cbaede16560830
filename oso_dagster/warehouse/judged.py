"""What is said of the staged rows of one load: what it reports of itself, and what its checks say of both."""

from __future__ import annotations

import json
from collections.abc import Mapping

from oso_dagster.domain.catalogue.loading import (
    CUT_SHORT,
    NEWEST_EVENT,
    ROWS_KEPT,
    UNKNOWN_FIELDS,
    VALUES_NULLED,
    Extract,
    Finding,
    LoadFacts,
    RefusedError,
)
from oso_dagster.domain.catalogue.source import Source, Table
from oso_dagster.domain.catalogue.table_names import table_name
from oso_dagster.domain.catalogue.truth import set_aside_of
from oso_dagster.warehouse import event_time, guards, staging
from oso_dagster.warehouse.kept_rows import keep_set_aside
from oso_dagster.warehouse.mix import mix_of
from oso_dagster.warehouse.value_rules import null_not_finite


def judged(
    source: Source,
    table: Table,
    extract: Extract,
    arrival: staging.StagedLoad,
    context: guards.LoadContext,
    *,
    keep: bool = False,
) -> tuple[dict[str, int], LoadFacts, list[Finding]]:
    """Staged rows of each landed table, what the load reports of itself, and what its checks say of both.

    `keep`: the warehouse is attached, and the last good rows of items that were set aside are staged as well.
    """
    nulled = null_not_finite(arrival.connection, table)
    facts = _facts(source, table, extract, arrival) | ({VALUES_NULLED: nulled} if nulled else {})
    facts |= mix_of(arrival.connection, table)
    kept = {*set_aside_of(facts), *extract.kept_items}
    if keep and kept:
        facts |= {ROWS_KEPT: keep_set_aside(arrival.connection, source.name, table, kept, context.window)}
    rows = guards.count(arrival.connection, table)
    return rows, facts, guards.judge(arrival.connection, source.name, table, rows, facts, context)


def _facts(source: Source, table: Table, extract: Extract, arrival: staging.StagedLoad) -> LoadFacts:
    """What the extract reported, now that it is drawn, what came with it that nobody declared, and its newest event.

    Raises RefusedError for a cut-short one that its table does not allow.
    """
    facts, where = _plain(extract.facts | extract.notes.facts()), table_name(source.name, table.name)
    unknown = [*guards.undeclared(arrival.connection, table), *(facts.get(UNKNOWN_FIELDS) or ())]
    facts |= {UNKNOWN_FIELDS: unknown} if unknown else {}
    if facts.get(CUT_SHORT) and not table.resumable:
        raise RefusedError(f"{where}: cut short ({facts[CUT_SHORT]}), but the table is not resumable")
    newest = event_time.newest(arrival.connection, where, table)
    return facts | ({NEWEST_EVENT: newest.isoformat()} if newest else {})


def _plain(facts: Mapping[str, object]) -> LoadFacts:
    """The facts as JSON would give them back, so that a record read later equals the one that was written."""
    plain: LoadFacts = json.loads(json.dumps(facts, default=str))
    return plain
