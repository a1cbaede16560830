"""Events as Dagster's metadata and evaluations."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

import dagster as dg

from ..attempt_metadata import FAILED
from ..events import AuditDone, ModelDone, UnitTestDone, Written
from ..project import Project


def facts(written: Written, project: Project) -> dict[str, dg.MetadataValue]:
    """What was written, as metadata."""
    counts = {
        "dagster/row_count": written.rows,
        "sqlmesh/rows_written": written.rows_written,
        "sqlmesh/bytes_processed": written.bytes_processed,
    }
    facts: dict[str, dg.MetadataValue] = {
        name: dg.MetadataValue.int(count) for name, count in counts.items() if count is not None
    }
    facts["sqlmesh/environment"] = dg.MetadataValue.text(project.environment)
    facts["sqlmesh/version"] = dg.MetadataValue.text(written.version)
    if written.intervals:
        facts["sqlmesh/intervals"] = dg.MetadataValue.text(
            ", ".join(f"{moment(start)} to {moment(end)}" for start, end in written.intervals)
        )
    return facts


def moment(milliseconds: float) -> str:
    """The moment in ISO 8601, UTC, to the minute."""
    return dt.datetime.fromtimestamp(milliseconds / 1000, dt.UTC).isoformat(timespec="minutes")


def evaluation(event: AuditDone, key: dg.AssetCheckKey) -> dg.AssetCheckEvaluation:
    """The audit's result with count, query and sample."""
    metadata: dict[str, dg.MetadataValue] = {
        "count": dg.MetadataValue.int(event.count),
        "query": dg.MetadataValue.md(f"```sql\n{event.query}\n```"),
    }
    if event.sample:
        metadata["sample"] = dg.MetadataValue.json([dict(row) for row in event.sample])
    return dg.AssetCheckEvaluation(
        asset_key=key.asset_key,
        check_name=key.name,
        passed=event.count == 0,
        severity=dg.AssetCheckSeverity.ERROR if event.blocking else dg.AssetCheckSeverity.WARN,
        metadata=metadata,
        description=f"{event.count} row(s) found" if event.count else None,
    )


def tested(event: UnitTestDone, key: dg.AssetCheckKey) -> dg.AssetCheckEvaluation:
    """The result of a unit test."""
    return dg.AssetCheckEvaluation(
        asset_key=key.asset_key,
        check_name=key.name,
        passed=not event.cause,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={"test": dg.MetadataValue.text(event.test)},
        description=event.cause or ("passed before, with the same models and rows" if event.stands else None),
    )


def with_samples(event: ModelDone, findings: Sequence[AuditDone]) -> ModelDone:
    """The failure of a blocking audit with the first rows of its result."""
    if event.outcome != FAILED or not findings:
        return event
    samples = "; ".join(f"{audit.check}: {[dict(row) for row in audit.sample]}" for audit in findings if audit.sample)
    return replace(event, cause=f"{event.cause}. {samples}")


def cause_and_query(event: ModelDone) -> dg.MetadataValue:
    """Why the model failed, with the query that it tried."""
    return dg.MetadataValue.md(f"{event.cause}\n```sql\n{event.sql}\n```") if event.sql else dg.MetadataValue.text(event.cause)
