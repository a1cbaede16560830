"""The checks that a declaration brings with it: which a table has, and how a finding is told in Dagster."""

from __future__ import annotations

import dagster as dg

from oso_dagster.domain.loading import Finding
from oso_dagster.domain.source import Contract, Disposition, Source, Table
from oso_dagster.orchestration import labels

_GUARDS = {
    "arrived": "Rows arrived, unless none were due: an empty answer replaces nothing",
    "columns_present": "No declared column was lost upstream",
    "primary_key": "Keys are unique, required columns are filled",
    "not_shrunk": "Not fewer rows than the allowed share of the last good load",
}
_IN_PARTITION = {"in_partition": "Every row belongs to the partition that was loaded"}
_IN_TIME = {"event_time_not_in_future": "No event lies in the future"}
_SCHEMA = {"schema": "Upstream has no column that is not declared"}
_USUAL = {"row_count_band": "As many rows as loads of this table usually bring"}
_COMPLETE = {"complete": "The load was not cut short by an honest limit, such as a rate limit"}


def guards_of(table: Table) -> dict[str, str]:
    """The blocking checks of each load, by name: they judge the staged rows, and a failing one refuses the load."""
    cut = table.disposition is Disposition.REPLACE_PARTITION
    frozen = table.contract is Contract.FREEZE
    return _GUARDS | (_IN_PARTITION if cut else {}) | (_IN_TIME if table.event_time else {}) | (_SCHEMA if frozen else {})


def warnings_of(table: Table) -> dict[str, str]:
    """The checks of each load that warn: the rows are published."""
    warned = table.contract is not Contract.FREEZE
    return (_SCHEMA if warned else {}) | _USUAL | (_COMPLETE if table.resumable else {})


def load_checks(source: Source, table: Table) -> list[dg.AssetCheckSpec]:
    """The checks that run inside each load of a table."""
    key = labels.asset_key(source, table)
    blocking = [dg.AssetCheckSpec(name, asset=key, description=about, blocking=True) for name, about in guards_of(table).items()]
    warning = [dg.AssetCheckSpec(name, asset=key, description=about) for name, about in warnings_of(table).items()]
    return [*blocking, *warning]


def evaluation(key: dg.AssetKey, finding: Finding, partition: str | None = None) -> dg.AssetCheckEvaluation:
    """A finding as an event that is logged at once, also by a step that goes on to fail."""
    return dg.AssetCheckEvaluation(
        asset_key=key,
        check_name=finding.check,
        passed=finding.passed,
        metadata=dict(finding.facts) | ({"partition": partition} if partition else {}),
        description=finding.message,
        severity=_severity(finding),
        blocking=finding.blocking,
    )


def result(key: dg.AssetKey, finding: Finding) -> dg.AssetCheckResult:
    """A finding as a step yields it."""
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=finding.check,
        passed=finding.passed,
        metadata=dict(finding.facts),
        description=finding.message,
        severity=_severity(finding),
    )


def _severity(finding: Finding) -> dg.AssetCheckSeverity:
    return dg.AssetCheckSeverity.ERROR if finding.blocking else dg.AssetCheckSeverity.WARN
