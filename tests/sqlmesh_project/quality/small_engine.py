"""The project on a database in memory: all its tables, empty; models computed and audits run on what is put into them.

SQLMesh deploys nothing here, so that a handful of models takes a second. Tests that need the whole use the home of a warehouse.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
from sqlglot import exp
from sqlmesh.core.context import Context
from sqlmesh.core.model import Model

from oso_dagster.settings import PROJECT_ROOT
from oso_dagster.sqlmesh_assets.context import open_context
from oso_dagster.sqlmesh_assets.project import Project

TODAY = "2026-11-30"


class SmallEngine:
    """A project whose tables can be filled, computed and audited."""

    def __init__(self, cache: Path) -> None:
        kept = os.environ.get("CHECK_CACHE")
        place = Project(
            PROJECT_ROOT / "sqlmesh_project", gateway="embedded", engine="duckdb", cache=Path(kept) if kept else cache
        )
        self.context: Context = open_context(place, connected=False)
        self.adapter = self.context.engine_adapter
        for model in self.context.models.values():
            table = exp.to_table(model.fqn)
            self.adapter.execute(f"CREATE SCHEMA IF NOT EXISTS {table.db}")
            columns = ", ".join(f'"{name}" {kind.sql("duckdb")}' for name, kind in model.columns_to_types_or_raise.items())
            self.adapter.execute(f"CREATE TABLE {table.db}.{table.name} ({columns})")

    def model(self, name: str) -> Model:
        """A model by `layer.name`."""
        return self.context.get_model(name, raise_if_missing=True)

    def rows(self, query: str) -> list[tuple]:
        """The answer to a query in DuckDB's dialect."""
        return self.adapter.fetchall(query)

    def insert(self, table: str, rows: pa.Table) -> None:
        """Put rows into a table, by the names of their columns."""
        connection = self.adapter.cursor
        connection.register("arriving", rows)
        self.adapter.execute(f"INSERT INTO {table} BY NAME SELECT * FROM arriving")
        connection.unregister("arriving")

    def compute(self, wanted: Iterable[str]) -> list[str]:
        """Compute models and all that they read; raw tables are as they were filled. Returns their names, in order."""
        fqns = {self.model(name).fqn for name in wanted}
        fqns |= {parent for fqn in fqns for parent in self.context.dag.upstream(fqn)}
        computed = []
        for fqn in self.context.dag.sorted:
            model = self.context.models.get(fqn)
            if fqn in fqns and model is not None and not model.kind.is_external:
                self._fill(model)
                computed.append(model.name)
        return computed

    def _fill(self, model: Model) -> None:
        table = exp.to_table(model.fqn)
        if model.kind.is_seed:
            for batch in model.render_seed():
                self.insert(f"{table.db}.{table.name}", pa.Table.from_pandas(batch, preserve_index=False))
            return
        query = model.render_query_or_raise(start="2000-01-01", end=TODAY, execution_time=TODAY, engine_adapter=self.adapter)
        self.adapter.execute(f"INSERT INTO {table.db}.{table.name} BY NAME {query.sql('duckdb')}")

    def findings(self, model: Model, audit: str, arguments: Mapping[str, str] | None = None) -> int:
        """Rows that an audit of a model finds: the first of its name with these arguments."""
        attached, given = next(
            (attached, given)
            for attached, given in model.audits_with_args
            if attached.name == audit and all(given[name].sql("trino") == value for name, value in (arguments or {}).items())
        )
        query = model.render_audit_query(attached, execution_time=TODAY, engine_adapter=self.adapter, **given)
        return len(self.rows(query.sql("duckdb")))

    @contextmanager
    def filled(self, tables: Mapping[str, str]) -> Iterator[None]:
        """Tables with the rows of a SELECT, as long as it lasts."""
        self.adapter.execute("BEGIN")
        try:
            for table, select in tables.items():
                self.adapter.execute(f"INSERT INTO {table} BY NAME {select}")
            yield
        finally:
            self.adapter.execute("ROLLBACK")
