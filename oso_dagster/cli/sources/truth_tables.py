"""What `oso sources show` says of the truth of a table: what is declared of its upstream, and what was seen of it.

Plain data for programs, lines and tables for people. Reads the warehouse and the store as they are; before the first load
nothing was seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from rich.console import Console
from rich.table import Column

from oso_dagster.cli.session.terminal import listing, under
from oso_dagster.cli.sources.learned_bands import bands_of, lines_of, rounded
from oso_dagster.domain.catalogue.loading import LoadFacts
from oso_dagster.domain.catalogue.notices import PACE, UPSTREAM_NOTICES
from oso_dagster.domain.catalogue.partitions import Window
from oso_dagster.domain.catalogue.source import Disposition, Source, Table
from oso_dagster.domain.catalogue.table_names import asset_name
from oso_dagster.domain.catalogue.truth import ABSENT_NAMES, SET_ASIDE, VANISHED
from oso_dagster.domain.coverage.comparison import Comparison
from oso_dagster.domain.judging.learned import learned
from oso_dagster.domain.judging.usual import MIX, SUMS, PastLoad
from oso_dagster.domain.objectives.budget import ALL
from oso_dagster.domain.objectives.slo import Verdict
from oso_dagster.settings import Settings

Row = dict[str, Any]

_LEAST_SHOWN = 0.001


@dataclass(frozen=True)
class Seen:
    """What is known of a source's tables: facts of past loads, newest comparisons by asset, past loads as remembered."""

    loads: Mapping[str, list[tuple[datetime, LoadFacts]]] = field(default_factory=dict)
    comparisons: Mapping[str, list[Comparison]] = field(default_factory=dict)
    history: Mapping[str, Sequence[PastLoad]] = field(default_factory=dict)
    today: date = date.min


def seen_of(settings: Settings, source: Source, now: datetime) -> Seen:
    """Read both stores; what does not exist yet has seen nothing."""
    loads: dict[str, list[tuple[datetime, LoadFacts]]] = {}
    history: dict[str, list[PastLoad]] = {}
    if settings.warehouse_path.exists():
        from oso_dagster.orchestration.resources import warehouse_of  # noqa: PLC0415  (DuckDB loads when used)
        from oso_dagster.warehouse.embedded.publishing import past_loads  # noqa: PLC0415
        from oso_dagster.warehouse.past_facts import past_facts  # noqa: PLC0415

        with warehouse_of(settings).read() as connection:
            loads = {table.name: past_facts(connection, source.name, table.name) for table in source.tables}
            history = {table.name: past_loads(connection, source.name, table, _after_all(table, now)) for table in source.tables}
    comparisons: dict[str, list[Comparison]] = {}
    if settings.reliability_url is not None or (settings.world_dir / "reliability.db").exists():
        from oso_dagster.reliability.store import Store  # noqa: PLC0415  (SQLAlchemy loads when used)

        with Store.open(settings.reliability_store_url, settings.world.value) as store:
            for comparison in store.comparisons.newest(now):
                comparisons.setdefault(comparison.asset, []).append(comparison)
    return Seen(loads, comparisons, history, now.date())


def _after_all(table: Table, now: datetime) -> Window | None:
    """A partition behind all there are, of a table with time partitions: what is remembered before it is everything."""
    timed = table.partitions is not None and table.partitions.length is not None
    return Window("~", now) if timed else None


def truth_of(source: Source, table: Table, seen: Seen) -> Row:
    """What is declared and what was seen of a table, as plain values."""
    from oso_dagster.warehouse.past_facts import standing  # noqa: PLC0415  (DuckDB loads when used)

    past = seen.loads.get(table.name, [])
    newest: LoadFacts = past[0][1] if past else {}
    gone = standing(past, VANISHED)
    return {
        "set_aside_share": table.set_aside_share,
        "set_aside": [
            {"item": item, "reason": reason, "since": _text(since)} for item, (reason, since) in standing(past, SET_ASIDE).items()
        ],
        "vanish_share": table.vanish_share,
        "vanished": [{"item": item, "reason": reason, "since": _text(since)} for item, (reason, since) in gone.items()],
        "deletions": _deletions(table),
        "looked_at_again_hours": table.changes_within / timedelta(hours=1) if table.changes_within else None,
        "mix": {column: (newest.get(MIX) or {}).get(column, {}) for column in table.mix_by},
        "sums": {column: (newest.get(SUMS) or {}).get(column) for column in table.sums},
        "usual": bands_of(learned(seen.history.get(table.name, ()), table.regimes, seen.today)),
        "not_taken": dict(table.not_taken),
        "identity": table.identity,
        "why_not": dict(table.why_not),
        "events_may_stop": table.events_may_stop,
        "regimes": [
            {"name": regime.name, "since": regime.since.isoformat(), "description": regime.description, "read_in": regime.read_in}
            for regime in table.regimes
        ],
        "notices": [{"text": text, "since": _text(since)} for text, (_, since) in standing(past, UPSTREAM_NOTICES).items()],
        "pace": dict(newest.get(PACE) or {}),
        "coverage": _coverage(table, seen.comparisons.get(asset_name(source.name, table.name), [])),
    }


def _deletions(table: Table) -> str:
    if table.disposition is not Disposition.MERGE:
        return "replaced as a whole" if table.disposition is not Disposition.APPEND else "not followed: rows are only added"
    return "followed" if table.surviving else f"not followed: {table.keeps_deleted}"


def _coverage(table: Table, comparisons: Sequence[Comparison]) -> Row | None:
    second = table.second_count
    if second is None:
        return None
    return {
        "second_count": second.description,
        "sample": second.sample,
        "target": second.target / ALL,
        "extension": True,
        "comparisons": [
            {
                "category": comparison.category,
                "held": comparison.held,
                "true_low": comparison.low,
                "true_high": comparison.high,
                "coverage_low": comparison.bounds[0] if comparison.bounds else None,
                "coverage_high": comparison.bounds[1] if comparison.bounds else None,
                "span": comparison.span,
                "verdict": comparison.verdict.value,
                "not_contradicted": _not_contradicted(comparison),
                "measured_at": _text(comparison.measured_at),
                "in_words": comparison.in_words,
            }
            for comparison in comparisons
        ],
    }


def _not_contradicted(comparison: Comparison) -> str:
    """Why a promise that is kept as far as is known is not proven to be; empty where it is, or is broken."""
    if comparison.verdict is not Verdict.COMPLIANT or comparison.proven:
        return ""
    return "sample too small to prove it" if comparison.sampled else "the true count is not known well enough to prove it"


def _text(at: datetime) -> str:
    return at.isoformat(timespec="seconds")


def print_truth(truth: Row, console: Console) -> None:
    """The same for people: a line for each thing declared, a table for what has entries of its own."""
    for line in _lines(truth):
        console.print(line)
    for header, entries in (("set aside", truth["set_aside"]), ("gone upstream", truth["vanished"])):
        if entries:
            table = listing(header, "since")
            for entry in entries[:ABSENT_NAMES]:
                table.add_row(under(entry["item"], entry["reason"]), _short(entry["since"]))
            console.print(table)
            if len(entries) > ABSENT_NAMES:
                console.print(f"and {len(entries) - ABSENT_NAMES:,} more (--json has all)")
    for header, rows in (
        ("upstream announces", [(notice["text"], _short(notice["since"])) for notice in truth["notices"]]),
        ("regime", [(f"{regime['name']}: {regime['description']}", regime["since"]) for regime in truth["regimes"]]),
    ):
        if rows:
            table = listing(header, "since")
            for row in rows:
                table.add_row(*row)
            console.print(table)
    if truth["coverage"] is not None:
        _print_coverage(truth["coverage"], console)


def _lines(truth: Row) -> Iterator[str]:
    yield f"deletions upstream: {truth['deletions']}"
    shares = [f"{_percent(truth['vanish_share'])} of the items may vanish at once"]
    shares += [f"{_percent(truth['set_aside_share'])} may be set aside"] if truth["set_aside_share"] else []
    yield "; ".join(shares)
    if truth["looked_at_again_hours"]:
        yield f"a partition may change for {truth['looked_at_again_hours']:g} h, and is loaded again in that time"
    for column, counts in truth["mix"].items():
        rows = sum(counts.values())
        largest = sorted(counts.items(), key=lambda entry: -entry[1])[:ABSENT_NAMES]
        shown = ", ".join(f"{name} {count / rows:.1%}" for name, count in largest if count >= rows * _LEAST_SHOWN)
        yield f"shares are judged by {column}" + (f", at the last load: {shown}" if shown else "")
    for column, total in truth["sums"].items():
        yield f"the total of {column} is judged" + (f", at the last load: {rounded(total)}" if total is not None else "")
    yield from lines_of(truth["usual"])
    if truth["events_may_stop"]:
        yield f"no newest event is promised: {truth['events_may_stop']}"
    for name, reason in truth["not_taken"].items():
        yield f"not taken: {name} ({reason})"
    if truth["identity"]:
        yield f"what stays the same when a name changes: {truth['identity']}"
    for kind, reason in truth["why_not"].items():
        yield f"not declared: {kind.replace('_', ' ')} ({reason})"
    for host, pace in truth["pace"].items():
        yield f"learned pace of {host}: {pace:g} requests a second"


def _percent(share: float) -> str:
    return f"{share * 100:.3g} %"


def _short(moment: str) -> str:
    """A moment of the data for people, to the minute."""
    return moment[:16].replace("T", " ")


def _print_coverage(coverage: Row, console: Console) -> None:
    console.print(f"coverage (our extension): {coverage['second_count']}; target {coverage['target']:.0%}")
    if coverage["sample"]:
        console.print(f"sample: {coverage['sample']}")
    if not coverage["comparisons"]:
        console.print("not measured yet: oso run measure_coverage")
        return
    table = listing("compared", "verdict", Column("measured (UTC)", no_wrap=True))
    worst_first = sorted(coverage["comparisons"], key=lambda entry: (entry["coverage_high"] is None, entry["coverage_high"] or 0))
    for entry in worst_first:
        why = entry["not_contradicted"]
        verdict = under(entry["verdict"].replace("_", " "), f"not contradicted: {why}" if why else "")
        table.add_row(entry["in_words"], verdict, _short(entry["measured_at"]))
    console.print(table)
