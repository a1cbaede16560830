"""The checks of each load as Dagster has them: their specs, and findings as evaluations and results."""

from __future__ import annotations

import dagster as dg

from oso_dagster.domain.catalogue.loading import Finding
from oso_dagster.domain.catalogue.source import Source, Table
from oso_dagster.domain.judging.load_checks import checks_of
from oso_dagster.orchestration import labels


def load_checks(source: Source, table: Table) -> list[dg.AssetCheckSpec]:
    """The checks that run inside each load of a table."""
    key = labels.asset_key(source, table)
    return [
        dg.AssetCheckSpec(check.name, asset=key, description=check.description, blocking=check.blocking(table))
        for check in checks_of(table)
    ]


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
