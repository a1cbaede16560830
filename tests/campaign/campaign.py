"""The fault campaign: every source × every fault that applies, through real runs against the sandbox's real protocols.

After each: the asset failed by name or recovered as declared; the error names source, table, partition and cause; no secret is in
any event or log; the rows are exactly the old ones, or the new ones where it recovered; the next healthy run ends equal to the
truth; after a fault that changed not a byte others may come before that run (`cases` says which). Use: a test module names its
sources and takes the fixture and the two tests from here; `matrix` prints what they found.
"""

from __future__ import annotations

import json
import logging
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import dagster as dg
import duckdb
import pytest
from pydantic import SecretStr

from oso_dagster.domain.catalogue.loading import ROWS_LACKING
from oso_dagster.domain.catalogue.source import ColumnType, Source, Table
from oso_dagster.sandbox.families import invents
from oso_dagster.sandbox.protocols import postgres
from oso_dagster.sources import catalogue
from tests.campaign import databases, matrix
from tests.campaign.cases import GONE, HARMLESS, SET_ASIDE, WORDS, Case
from tests.campaign.place import SECRET, SLOW, Place, error_text, place, window_of
from tests.campaign.truth import as_landed, truth, upstream_of
from tests.campaign.unseen import UNSEEN, Before, facts_of


def half(number: int) -> list[str]:
    """The sources of one of two test modules, so that two workers share the campaign: every other one that the sandbox has."""
    return [source.name for source in catalogue() if invents(source) and source.retired is None][number::2]


def tables_of(names: list[str]) -> list[tuple[Source, Table]]:
    """All tables of the sources."""
    return [(source, table) for source in catalogue() if source.name in names for table in source.tables]


def prepared(home: Any) -> Iterator[Place]:
    """A place in which a table of any source is loaded healthily as soon as it is needed."""
    with place(home, catalogue()) as made:
        yield made


def healthy_load_is_the_truth(made: Place, source: Source, table: Table) -> None:
    """Every row that the generator tells of is there, and where it tells of all there is no other."""
    made.prepare(source, table)
    cut, key = window_of(table, made.world.now)
    window = cut.partitions.window(key) if cut.partitions and key else None
    expected_rows = [as_landed(row, table) for row in truth(made.world, made.true_rows, source.name, table, window)]
    assert expected_rows, "nothing to compare with"
    names = list(expected_rows[0])
    columns = ", ".join(f'"{name}"' for name in names)
    with duckdb.connect(str(made.snapshot), read_only=True) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        landed_rows = connection.execute(f'SELECT {columns} FROM "{source.name}"."{table.name}"').fetchall()
    landed = Counter(json.dumps(as_landed(dict(zip(names, row, strict=True)), table), sort_keys=True) for row in landed_rows)
    expected = Counter(json.dumps(row, sort_keys=True) for row in expected_rows)
    missing = expected - landed
    assert not missing, list(missing)[:3]
    if table.resumable and table.partitions is None:  # also tells of what is gone, which the generator has no row for
        return
    assert landed == expected


def survive(made: Place, case: Case, caplog: pytest.LogCaptureFixture, tell: Callable[[str, object], None]) -> None:
    """One case from the old rows to the truth; its outcome is told for the matrix."""
    outcome = "not as declared"
    try:
        outcome = _survive(made, case, caplog)
    finally:
        tell(matrix.PROPERTY, [case.source.name, f"{case.fault}{', once' if case.once else ''}", outcome])


def _survive(made: Place, case: Case, caplog: pytest.LogCaptureFixture) -> str:
    caplog.set_level(logging.DEBUG)
    new = made.truth_of(case.source, case.table)
    old = made.restore(case.source, case.table)
    assert old != new, "the old rows must differ from the new ones"
    with _faulty(made, case):
        result = made.load(case.source, case.table, retries=1 if case.once else 0)
    left = made.left(case.source, case.table)
    _no_secret_in(result, made, caplog)
    outcome = _judge(case, result, old, new, left, made)
    if outcome == matrix.FAILED and case.endured and made.untouched:
        return matrix.ENDURED
    if left != new:
        healed = made.load(case.source, case.table)
        assert healed.success, error_text(healed)
        if case.fault == GONE and facts_of(healed).get(ROWS_LACKING):  # what came back with its old times: the next one reads all
            assert made.load(case.source, case.table).success
    assert made.rows(case.source, case.table) == new, "the next healthy run is not the truth"
    return outcome


def _judge(
    case: Case, result: dg.ExecuteInProcessResult, old: dict[str, Any], new: dict[str, Any], left: dict[str, Any], made: Place
) -> str:
    if result.success and left != new and case.fault in UNSEEN:
        return UNSEEN[case.fault](made, case, result, Before(old, new, left))
    if result.success and case.table.resumable and left != new and case.fault not in SET_ASIDE:
        (complete,) = [evaluation for evaluation in result.get_asset_check_evaluations() if evaluation.check_name == "complete"]
        assert not complete.passed, "a part passed for the whole"
        for name, rows in left.items():
            assert set(rows) <= {*old[name], *new[name]}
        return "kept what it had, said so, healed"
    if result.success and case.fault in {"empty", "duplicates"} and left != new and _but_for_lists(made, case):
        return "lists of values came empty or doubled, else the truth, healed"
    if result.success and left != new and (case.fault in SET_ASIDE or _warns_of_aside(result)):
        _require_one_aside(made, case, result)
        return "set one item aside, said so, healed"
    if result.success:
        assert case.once or case.fault in HARMLESS | SET_ASIDE or _honest(case), "a fault passed for data"
        assert left == new, "it succeeded with other rows than the truth"
        return "recovered" if case.once else "did no harm"
    words = error_text(result)
    assert case.fault not in SET_ASIDE or "none of" in words, f"one bad item failed all, and others were there: {words}"
    assert not case.once, f"it did not recover: {words}"
    assert left == old, "it failed and changed rows"
    assert case.name in words, words
    _, key = window_of(case.table, made.world.now)
    assert key is None or key in words, words
    pattern = databases.FAULTS.get(case.fault, "") if case.family is None else WORDS.get(case.fault, "")
    assert re.search(pattern, words), words
    return matrix.FAILED


def _but_for_lists(made: Place, case: Case) -> bool:
    """Whether only lists of values differ from the truth, which has fewer or more: nobody can tell these from a fault."""
    lists = [column.name for column in case.table.columns if column.type is ColumnType.VARCHARS]
    return made.rows(case.source, case.table, without=lists) == made.rows(case.source, case.table, made.snapshot, without=lists)


def _warns_of_aside(result: dg.ExecuteInProcessResult) -> bool:
    """Whether an item was set aside by a fault that spoils some answers only, as a circle spoils the API that has pages."""
    return any(check.check_name == "set_aside" and not check.passed for check in result.get_asset_check_evaluations())


def _require_one_aside(made: Place, case: Case, result: dg.ExecuteInProcessResult) -> None:
    """One item, named by a warning, may differ from the truth; nothing else does, but for the state of upstream that was read."""
    (aside,) = [evaluation for evaluation in result.get_asset_check_evaluations() if evaluation.check_name == "set_aside"]
    assert not aside.passed
    (item,) = aside.metadata["set_aside"].value  # type: ignore[misc]
    state = {*case.table.not_compared, "checked_at"}
    left, new = (made.rows(case.source, case.table, file, without=state) for file in (made.warehouse, made.snapshot))
    for name, rows in new.items():
        others = [row for row in rows if not _is_of(str(item), row)]
        assert [row for row in left[name] if not _is_of(str(item), row)] == others
        assert set(left[name]) <= set(rows), "the item's rows are its last good ones"


def _is_of(item: str, row: str) -> bool:
    """Whether a row is an item's, which one of its columns names, or two, as `NPM/left-pad`."""
    return repr(item) in row or all(repr(part) in row for part in item.split("/", maxsplit=1))


def _honest(case: Case) -> bool:
    """A git repository's listing needs no credentials and holds no lists: what its client recovers from, it recovers from."""
    return case.fault == "clock_skew"


@contextmanager
def _faulty(made: Place, case: Case) -> Iterator[None]:
    """The fault, inside the block; requests that GitHub has counted so far are forgotten."""
    (made.home / "sandbox-world" / "world" / "github-api" / "limit.json").unlink(missing_ok=True)
    if case.family is not None:
        made.spoil(case.family, case.fault, **({"times": 1} if case.once else {}))
        try:
            with nullcontext() if case.once else made.hurried(case.source, tries=case.fault in SLOW):
                yield
        finally:
            made.clear_fault()
        return
    upstream = upstream_of(databases.tables(made.database_port, case.endpoint.path), case.table)
    with databases.spoiled(case.fault, upstream, case.endpoint.path, made.database_port) as address:
        usual = made.settings
        if address is not None:
            made.settings = usual.model_copy(update={case.endpoint.setting: SecretStr(address)})
        try:
            yield
        finally:
            made.settings = usual


def _no_secret_in(result: dg.ExecuteInProcessResult, made: Place, caplog: pytest.LogCaptureFixture) -> None:
    """Neither in Dagster's events nor in any logger."""
    output = [str(record) for record in made.instance.events_of(result.run_id)] + [caplog.text]
    for secret in (SECRET, postgres.PASSWORD):
        assert not any(secret in text for text in output), "a secret was told"
