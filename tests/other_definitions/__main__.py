"""Runs other people's definitions on the events of a built world, and prints where they give what ours give.

    git clone https://github.com/cncf/devstats && git clone https://github.com/chaoss/augur
    python -m tests.other_definitions .oso/sandbox/warehouse.duckdb --devstats devstats --augur augur

Two counts a metric, of the values that are not zero with both: how often theirs equals the published one, and how often it
equals ours once both have the same inputs and the named difference is taken out. The second has to be always; else the first
cases that differ are printed and the command ends with 1. The result stands in docs/definitions-of-others.md. It needs a
network for the clones alone, and starts a PostgreSQL of its own.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import duckdb
from sqlalchemy import create_engine

from tests.other_definitions import compare
from tests.other_definitions.activity import events_of, items_of
from tests.other_definitions.augur import Augur
from tests.other_definitions.devstats import DevStats
from tests.sqlmesh_project.reference_metrics import computed_metrics
from tests.support.postgres import empty, postgres


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("warehouse", type=Path, help="the warehouse of a world whose models are built")
    parser.add_argument("--devstats", type=Path, required=True, help="a clone of cncf/devstats")
    parser.add_argument("--augur", type=Path, required=True, help="a clone of chaoss/augur")
    parser.add_argument(
        "--entities", type=int, default=40, help="how many projects, and repositories, those with most items first"
    )
    options = parser.parse_args()
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    with duckdb.connect(str(options.warehouse), read_only=True) as warehouse, postgres() as server:
        for case in _cases(warehouse, server, options):
            if not case.theirs and not case.published:
                continue  # nothing happened: equal for no reason
            counts[case.definition]["all"] += 1
            counts[case.definition]["published"] += case.theirs == case.published
            counts[case.definition]["same inputs"] += case.as_theirs == case.theirs_of_same
            if case.as_theirs != case.theirs_of_same and counts[case.definition]["shown"] < 3:
                counts[case.definition]["shown"] += 1
                print(f"differs: {case}", file=sys.stderr)
    print("| their definition | values | equal to the published | equal on the same inputs |\n|---|---|---|---|")
    for definition, count in counts.items():
        print(f"| {definition} | {count['all']} | {count['published']} | {count['same inputs']} |")
    return int(any(count["all"] != count["same inputs"] for count in counts.values()))


def _cases(warehouse: duckdb.DuckDBPyConnection, server: str, options: argparse.Namespace) -> Iterator[compare.Case]:
    """All comparisons: DevStats by project, as it keeps a database each; Augur by repository."""
    over = warehouse.execute("SELECT max(sample_date) FROM intermediate.int_metrics WHERE grain = 'all'").fetchone()
    if over is None or over[0] is None:
        raise SystemExit(f"{options.warehouse} holds no metrics: build its models first, by `make demo` or `oso run`.")
    today: date = over[0] + timedelta(days=1)
    published = computed_metrics(warehouse)
    engine = create_engine(empty(server))
    with engine.connect() as connection:
        devstats = DevStats(connection, options.devstats)
        for entity, events in _busiest(warehouse, today, "project", options.entities):
            yield from compare.with_devstats(devstats, entity, events, published, today)
    engine.dispose()
    engine = create_engine(empty(server))
    augur = Augur(engine, options.augur)
    for entity, events in _busiest(warehouse, today, "artifact", options.entities):
        yield from compare.with_augur(augur, entity, events, published, today)
    engine.dispose()


def _busiest(warehouse: duckdb.DuckDBPyConnection, today: date, kind: str, count: int) -> Iterator[tuple[str, list]]:
    grouped = events_of(warehouse, today, kind)
    items = {entity: sum(1 for _ in items_of(events)) for entity, events in grouped.items()}
    for entity in sorted(items, key=lambda entity: (-items[entity], entity))[:count]:
        yield entity, grouped[entity]


if __name__ == "__main__":
    sys.exit(main())
