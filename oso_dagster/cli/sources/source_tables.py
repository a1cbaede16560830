"""What `oso sources` prints: plain data for programs, tables for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from oso_dagster.cli.session.terminal import listing, number, under
from oso_dagster.cli.sources.truth_tables import print_truth
from oso_dagster.domain.catalogue.partitions import Partitions
from oso_dagster.domain.catalogue.source import Setting, SettingKind, Source
from oso_dagster.domain.catalogue.source import Table as SourceTable
from oso_dagster.domain.catalogue.table_names import table_name
from oso_dagster.domain.due.cadence import jobs_of
from oso_dagster.domain.printable import printable
from oso_dagster.settings import PREFIX, Settings, SettingsError, World
from oso_dagster.settings.platform import field_of

if TYPE_CHECKING:
    from oso_dagster.orchestration.ingest.dry_run import Trial

Row = dict[str, Any]


def row_of(source: Source, table: SourceTable, last: datetime | None, verdict: str) -> Row:
    """One line of the catalogue. `last` is the last good load, `verdict` how the table was judged lately."""
    return {
        "source": source.name,
        "table": table.name,
        "stability": source.stability.value,
        "fresh_within_hours": hours(table.promised_within),
        "last_load": last.isoformat(timespec="seconds") if last else None,
        "verdict": "retired" if source.retired else verdict,
        "schedule": table.schedule.cron,
        "timezone": table.schedule.timezone,
        "partitions": table.partitions.kind.value if table.partitions else None,
        "licence": source.licence,
        "owner": source.owner,
        "description": table.description,
        "retired": _retired(source),
    }


def _retired(source: Source) -> Row | None:
    """Since when a source is no more upstream, and why."""
    return {"since": source.retired.since.isoformat(), "reason": source.retired.reason} if source.retired else None


def hours(span: timedelta | None) -> float | None:
    """A promise in hours."""
    return span.total_seconds() / 3600 if span is not None else None


def overview(rows: Sequence[Row], now: datetime) -> Table:
    """The catalogue for people."""
    columns = (Column(name, no_wrap=True) for name in ("last load", "verdict"))
    shown = listing("table, stability, schedule", number("promised"), *columns)
    for row in rows:
        promise = f"{row['fresh_within_hours']:g} h" if row["fresh_within_hours"] and not row["retired"] else "—"
        last = f"{ago(now - datetime.fromisoformat(row['last_load']))} ago" if row["last_load"] else "never"
        when = f"retired since {row['retired']['since']}" if row["retired"] else f"{row['schedule']} {row['timezone']}"
        about = under(table_name(row["source"], row["table"]), f"{row['stability']}, {when}")
        shown.add_row(about, promise, last, row["verdict"])
    return shown


def ago(span: timedelta) -> str:
    """A span of time in its largest unit."""
    seconds = max(0, int(span.total_seconds()))
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


def tried(source: str, trials: Sequence[Trial]) -> Table:
    """What a dry run of a source's tables found, for people."""
    shown = listing(Column("table", no_wrap=True), number("rows"), "what a load would say")
    for trial in trials:
        reports = [*((problem, "red") for problem in trial.problems), *((warning, "yellow") for warning in trial.warnings)]
        answer = Text("\n").join(Text(printable(words), style) for words, style in reports or [("good", "green")])
        place = table_name(source, trial.table) + (f"[{trial.partition}]" if trial.partition else "")
        names = [place, *(table_name(source, name) for name in trial.rows if name != trial.table)]
        counts = "\n".join(f"{count:,}" for count in trial.rows.values()) or "—"
        shown.add_row("\n".join(names), counts, answer)
    return shown


def declared(source: Source, settings: Settings, checks: Mapping[str, Mapping[str, str]]) -> Row:
    """Everything that a source says of itself; secrets only as set or not. `checks` are those of each table, by name."""
    jobs = {table.name: job.name for job in jobs_of(source) for table in job.tables}
    return {
        **{name: getattr(source, name) for name in ("name", "title", "homepage", "licence", "owner")},
        "stability": source.stability.value,
        "retired": _retired(source),
        "clients": list(source.clients),
        "settings": [
            {
                "variable": f"{PREFIX}{source.name}_{setting.name}".upper(),
                "kind": setting.kind.value,
                "set": getattr(settings, f"{source.name}_{setting.name}") is not None,
                "default": setting.default,
                "now": _now(source, setting, settings),
                "required": setting.kind is SettingKind.SECRET and setting.endpoint,
                "description": setting.description,
            }
            for setting in source.settings
        ],
        "tables": [_table(table, jobs.get(table.name), checks[table.name]) for table in source.tables],
    }


def _now(source: Source, setting: Setting, settings: Settings) -> str:
    """What is in effect, as far as it may be shown: no value that somebody set, and no secret."""
    if getattr(settings, field_of(source, setting)) is not None:
        return "set"
    needed = setting.kind is SettingKind.SECRET and setting.endpoint
    value: str | None = None
    if settings.world is World.SANDBOX:
        if setting.endpoint and not settings.sandbox_files.endpoints.exists():
            return "the sandbox's, while it is up"
        try:
            value = settings.of_sandbox(source, setting)
        except SettingsError:
            return "unset, needed: the sandbox has none"
        if value is not None and setting.kind is SettingKind.SECRET:
            return "the sandbox's"
    return value or setting.default or ("unset, needed" if needed else "unset")


def _table(table: SourceTable, job: str | None, checks: Mapping[str, str]) -> Row:
    return {
        "name": table.name,
        "description": table.description,
        "job": job,
        "schedule": f"{table.schedule.cron} {table.schedule.timezone}",
        "partitions": _partitions(table.partitions),
        "range_in_one_run": table.range_in_one_run,
        "fresh_within_hours": hours(table.promised_within),
        "evidence": table.evidence.value,
        "event_time": table.event_time,
        "disposition": table.disposition.value,
        "primary_key": list(table.primary_key),
        "contract": table.contract.value,
        "shrink_floor": table.shrink_floor,
        "may_be_empty": table.may_be_empty,
        "retries": {"limit": table.retries.limit, "first_pause_seconds": table.retries.delay.total_seconds()},
        "resumable": table.resumable,
        "public": table.public,
        "cost": {"calls": table.cost.calls, "bytes": table.cost.bytes, "minutes": table.cost.duration / timedelta(minutes=1)},
        "needs": list(table.needs),
        "checks": dict(checks),
        "columns": {
            name: [{"name": c.name, "type": c.type.value, "nullable": c.nullable, "description": c.description} for c in columns]
            for name, columns in table.physical.items()
        },
    }


def _partitions(partitions: Partitions | None) -> Row | None:
    if partitions is None:
        return None
    start = partitions.start.isoformat() if partitions.start else None
    return {
        "kind": partitions.kind.value,
        "start": start,
        "available_after_hours": hours(partitions.available_after) if partitions.start else None,
        "due_after_hours": hours(partitions.due_after),
        "keys": list(partitions.keys),
    }


def print_declared(declaration: Row, console: Console) -> None:
    """A source for people: what it says, then each table."""
    title = Text(printable(declaration["title"]), "bold")
    console.print(title, f"({declaration['name']}, {declaration['stability']})  {declaration['homepage']}")
    console.print(f"licence: {declaration['licence']}   owner: {declaration['owner']}")
    if declaration["retired"]:
        retired = declaration["retired"]
        console.print(Text(f"retired since {retired['since']}: {retired['reason']}. Its rows are kept, it is not loaded."))
    if declaration["settings"]:
        table = listing("what it reads", "now")
        for setting in declaration["settings"]:
            table.add_row(under(setting["variable"], setting["description"]), setting["now"])
        console.print(table)
    for declared_table in declaration["tables"]:
        _print_table(declaration["name"], declared_table, console)


_LABELS = {
    "job": "job", "schedule": "schedule", "disposition": "disposition", "contract": "contract", "event_time": "event time",
    "shrink_floor": "may shrink to", "evidence": "fresh by",
}  # fmt: skip


def _print_table(source: str, declaration: Row, console: Console) -> None:
    console.print()
    console.print(Text(f"{source}.{declaration['name']}", "bold"), declaration["description"])
    console.print("; ".join(_facts(declaration)))
    console.print(f"checks: {', '.join(declaration['checks'])}")
    if "truth" in declaration:
        print_truth(declaration["truth"], console)
    for name, columns in declaration["columns"].items():
        table = listing(f"columns of {name}", "type")
        for column in columns:
            kind = column["type"] + ("" if column["nullable"] else ", required")
            table.add_row(under(column["name"], column["description"]), kind)
        console.print(table)


def _facts(declaration: Row) -> list[str]:
    partitions, cost = declaration["partitions"], declaration["cost"]
    return [
        *(f"{words}: {declaration[name]}" for name, words in _LABELS.items() if declaration[name] is not None),
        f"key: {', '.join(declaration['primary_key'])}",
        f"retries: {declaration['retries']['limit']}",
        *([f"fresh within: {declaration['fresh_within_hours']:g} h"] if declaration["fresh_within_hours"] else []),
        *(_partition_facts(partitions) if partitions else []),
        *(["may be empty"] if declaration["may_be_empty"] else []),
        *([f"needs: {', '.join(declaration['needs'])}"] if declaration["needs"] else []),
        f"a load costs about {cost['calls']:,} requests, {cost['bytes'] / 1e6:,.1f} MB, {cost['minutes']:g} min",
    ]


def _partition_facts(partitions: Row) -> list[str]:
    if partitions["due_after_hours"] is None:
        return [f"partitions: {partitions['kind']}"]
    there, due = partitions["available_after_hours"], partitions["due_after_hours"]
    return [f"partitions: {partitions['kind']}, upstream has one {there:g} h after its end, promised {due:g} h after it"]
