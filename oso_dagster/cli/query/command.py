"""`oso sql`: one question to the warehouse, which it cannot change, safe beside whoever writes."""

from __future__ import annotations

import re
from typing import Annotated, Any

import typer
from rich.table import Column

from oso_dagster.cli.query.files import Format, require_file, write_csv, write_parquet
from oso_dagster.cli.session.chosen_world import settings_without_sources
from oso_dagster.cli.session.terminal import Json, console, listing, refusal, say, say_json
from oso_dagster.settings import Profile

_SHOWN = 100
_WRITERS = {Format.CSV: write_csv, Format.PARQUET: write_parquet}
_LEAST_WIDTH = 24
"""Up to this width a cell stays on its line; where the columns do not fit so, each row is shown as lines of its own."""
_BETWEEN = 3

_SHOW_TABLES = re.compile(r"\s*show\s+tables\s*;?\s*", re.IGNORECASE)
_TABLES = """SELECT table_schema AS schema, table_name AS name FROM information_schema.tables
    WHERE table_catalog = current_database() AND NOT contains(table_schema, '__')
    ORDER BY list_position(['marts', 'intermediate', 'staging'], table_schema) NULLS LAST, table_schema, table_name"""
"""What `SHOW TABLES` means here: DuckDB would answer for its schema main, which is empty. SQLMesh's own schemas have a `__`."""


class NothingLoadedError(Exception):
    """This world has no warehouse yet."""


def sql(
    query: Annotated[str, typer.Argument(help="One SELECT, in DuckDB's SQL; `-` reads it from standard input.")],
    limit: Annotated[int | None, typer.Option(min=1, help="How many rows; 100 of a table or JSON, else all.")] = None,
    form: Annotated[Format, typer.Option("--format", help="Parquet and CSV go to other programs.")] = Format.TABLE,
    as_json: Json = False,
) -> None:
    """Ask the warehouse of this world, read-only: it waits while a load or a transformation writes, and sees whole loads only.

    Files of this machine and the internet are out of its reach. `SHOW TABLES` lists the tables of every schema, the marts first.

    Examples: `OSO_WORLD=sandbox oso sql "SELECT project_name, display_name FROM marts.projects_v1 LIMIT 5"`,
    `oso sql "FROM marts.projects_v1" --format csv`
    """
    import duckdb  # noqa: PLC0415  (loads when used)

    from oso_dagster.orchestration.resources import warehouse_of  # noqa: PLC0415  (dagster loads when used)

    form = Format.JSON if as_json else form
    require_file(form)
    settings = settings_without_sources()
    warehouse = warehouse_of(settings)
    if settings.profile is Profile.EMBEDDED and not settings.warehouse_path.exists():
        raise NothingLoadedError(f"the {settings.world.value} world has no data yet: load some with `oso run`")
    text = typer.get_text_stream("stdin").read() if query == "-" else query
    with warehouse.read() as connection:
        try:
            if form in _WRITERS and not _lists_tables(connection, text):
                _WRITERS[form](_asked(connection, text), limit)
                return
            shown = limit or _SHOWN
            names, rows = _answer(connection, text, shown + 1)
        except duckdb.Error as error:
            raise refusal(str(error).strip()) from None
    _print(names, rows[:shown], as_json=form is Format.JSON)
    if len(rows) > shown:
        say(f"the first {shown:,} rows are shown: --limit shows more", err=True)


def _lists_tables(connection: Any, text: str) -> bool:
    """Whether the catalogue of a lakehouse has the answer."""
    return bool(_SHOW_TABLES.fullmatch(text)) and hasattr(connection, "tables")


def _asked(connection: Any, text: str) -> Any:
    """The cursor of the answer, on a connection that can do nothing else."""
    connection.execute("SET TimeZone = 'UTC'; SET enable_external_access = false; SET lock_configuration = true")
    return connection.execute(_TABLES if _SHOW_TABLES.fullmatch(text) else text)


def _answer(connection: Any, text: str, most: int) -> tuple[list[str], list[tuple[Any, ...]]]:
    if _lists_tables(connection, text):
        return ["schema", "name"], [table for table in connection.tables() if "__" not in table[0]][:most]
    cursor = _asked(connection, text)
    return [column[0] for column in cursor.description or ()], cursor.fetchmany(most)


def _print(names: list[str], rows: list[tuple[Any, ...]], *, as_json: bool) -> None:
    if as_json:
        plain = (bool, int, float, str, type(None))
        cells = [[value if isinstance(value, plain) else str(value) for value in row] for row in rows]
        say_json([dict(zip(names, row, strict=True)) for row in cells])
        return
    terminal = console()
    texts = [["NULL" if value is None else str(value) for value in row] for row in rows]
    needed = [min(_LEAST_WIDTH, max(map(len, [name, *column]))) for name, *column in zip(names, *texts, strict=True)]
    if len(names) > 1 and sum(needed) + _BETWEEN * len(names) > terminal.width:
        for place, record_texts in enumerate(texts, start=1):
            record = listing(f"row {place}", "")
            for name, cell in zip(names, record_texts, strict=True):
                record.add_row(name, cell)
            terminal.print(record)
    else:
        table = listing(*(Column(name, min_width=width) for name, width in zip(names, needed, strict=True)))
        for record_texts in texts:
            table.add_row(*record_texts)
        terminal.print(table)
    if not rows:
        say("no rows", err=True)
