"""Builds the manifest of a project by loading it in SQLMesh. Imports SQLMesh: import this module only where it is used."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from sqlglot.errors import SqlglotError
from sqlmesh.core.context import Context
from sqlmesh.core.lineage import column_dependencies
from sqlmesh.utils.date import to_datetime
from sqlmesh.utils.errors import SQLMeshError

from ..context import goes_on, open_context, short_name
from ..event_console import EventConsole, as_sqlmesh_console
from ..project import Project
from .audit_names import check_names, checked_model_of
from .contents import Audit, Column, Manifest, Model, UnloadableProjectError
from .model_parts import ModelParts, part_keys
from .unit_test_names import unit_test_checks


class SameNameError(Exception):
    """Two models differ in their catalogue only, which asset keys leave out."""


def build_manifest(project: Project, parts: ModelParts | None = None) -> Manifest:
    """Load the project without its warehouse and describe what it holds; `parts` are models that were described before.

    Raises SameNameError, UnloadableProjectError.
    """
    console = EventConsole(lambda _: None)
    with as_sqlmesh_console(console):
        try:
            context = open_context(project, connected=False, console=console)
        except (SQLMeshError, SqlglotError) as error:
            raise UnloadableProjectError("\n".join([str(error), *console.errors])) from error
    try:
        ordered = [name for name in context.dag.sorted if name in context.models]
        own = [context.models[name] for name in ordered if not context.models[name].kind.is_symbolic]
        _refuse_same_names([model.fqn for model in own])
        standalone = _standalone_audits(context, {short_name(model.fqn) for model in own})
        tested = _unit_tests(context)
        parts = ModelParts() if parts is None else parts
        keys = part_keys(project, context.models)
        models = [parts.of(keys[model.fqn], partial(_model, context, model, project.path)) for model in own]
        outside = [model for model in context.models.values() if model.kind.is_external and model.audits]
        return Manifest(
            {
                model.name: replace(model, audits=(*model.audits, *standalone.get(model.name, ()), *tested.get(model.name, ())))
                for model in models
            },
            {short_name(model.fqn): _audits(model) for model in outside},
        )
    finally:
        context.close()


def audits_of(model: Any) -> list[tuple[str, Any, Mapping[str, str]]]:
    """The audits on a SQLMesh model: check name, audit and plain arguments."""
    plain = [(audit, plain_arguments(arguments)) for audit, arguments in model.audits_with_args]
    names = check_names([(audit.name, partial(dict, arguments)) for audit, arguments in plain])
    return [(name, audit, arguments) for name, (audit, arguments) in zip(names, plain, strict=True)]


def plain_arguments(arguments: Mapping[Any, Any]) -> dict[str, str]:
    """The arguments of an audit as text. `blocking` is left out: it changes what a failure means, not what is queried."""
    texts = {str(name): value.sql(comments=False) if hasattr(value, "sql") else str(value) for name, value in arguments.items()}
    return {name: text for name, text in texts.items() if name != "blocking"}


def is_blocking(audit: Any, arguments: Mapping[Any, Any]) -> bool:
    """Whether the audit stops what comes after; the model may override the audit."""
    override = arguments.get("blocking")
    return bool(audit.blocking) if override is None else str(override).lower() == "true"


def query_of(model: Any) -> str:
    """The query of a SQLMesh model, rendered; empty for what has none, and for one that only its engine can render.

    Every name is quoted: SQLMesh quotes all of them or none, not the same at each load without its cache.
    """
    query = None if model.is_seed or model.is_python else model.render_query()
    return "" if query is None else str(query.sql(dialect=model.dialect, pretty=True, identify=True))


def _refuse_same_names(names: Sequence[str]) -> None:
    for short, count in Counter(map(short_name, names)).items():
        if count > 1:
            same = ", ".join(name for name in names if short_name(name) == short)
            raise SameNameError(f"{same} would all be the asset {short}: give each another schema or name")


def _model(context: Context, model: Any, root: Path) -> Model:
    return Model(
        name=short_name(model.fqn),
        kind=str(model.kind.name.value),
        description=model.description or "",
        owner=model.owner or "",
        tags=tuple(model.tags),
        columns=_columns(context, model),
        grain=tuple(column.sql() for grain in model.grains for column in (grain.expressions or [grain])),
        upstream=tuple(sorted(short_name(name) for name in _reads(context, model))),
        audits=_audits(model),
        path=Path(os.path.relpath(model._path, root)).as_posix(),  # noqa: SLF001  (the only place where a model keeps it)
        sql=query_of(model),
        incremental=bool(model.kind.is_incremental_by_time_range),
        interval_unit=str(model.interval_unit.value),
        start=to_datetime(model.start).isoformat() if model.start else "",
        goes_on=goes_on(model),
    )


def _reads(context: Context, model: Any) -> set[str]:
    """What the model reads; in place of an embedded model, which is no table, what that one reads."""
    tables: set[str] = set()
    for name in model.depends_on:
        parent = context.models.get(name)
        tables |= _reads(context, parent) if parent is not None and parent.kind.is_embedded else {name}
    return tables


def _standalone_audits(context: Context, models: Collection[str]) -> dict[str, tuple[Audit, ...]]:
    """The audits that belong to no model, by the model whose check each becomes; they never block."""
    checks: dict[str, tuple[Audit, ...]] = {}
    for name, audit in sorted(context.standalone_audits.items()):
        model = checked_model_of((short_name(table) for table in audit.depends_on), models)
        if model and not audit.skip:
            check = Audit(
                check_names([(name, dict)])[0], name, {}, blocking=False, description=audit.description or f"{name}, standalone"
            )
            checks[model] = (*checks.get(model, ()), check)
    return checks


def _unit_tests(context: Context) -> dict[str, tuple[Audit, ...]]:
    """The unit tests, by the model whose checks they become; one that fails stops the deployment of its model."""
    tests: dict[str, tuple[Audit, ...]] = {}
    for each in unit_test_checks(context).values():
        if each.of_asset:
            check = Audit(each.check, each.test, {}, blocking=True, description=f"unit test {each.test}", unit_test=True)
            tests[each.model] = (*tests.get(each.model, ()), check)
    return tests


def _audits(model: Any) -> tuple[Audit, ...]:
    raw = [arguments for _, arguments in model.audits_with_args]
    named = zip(audits_of(model), raw, strict=True)
    return tuple(
        Audit(check, audit.name, plain, is_blocking(audit, arguments), _call_text(audit, plain))
        for (check, audit, plain), arguments in named
    )


def _call_text(audit: Any, arguments: Mapping[str, str]) -> str:
    text = ", ".join(f"{name} := {value}" for name, value in arguments.items())
    return f"{audit.name}({text})" if text else str(audit.name)


def _columns(context: Context, model: Any) -> tuple[Column, ...]:
    """None of a model that selects all of a table whose columns the project does not declare."""
    tables = {short_name(table) for table in _reads(context, model)}
    return tuple(
        Column(
            name,
            kind.sql(dialect=model.dialect).lower(),
            model.column_descriptions.get(name, ""),
            _lineage(context, model, name, tables),
        )
        for name, kind in (model.columns_to_types or {}).items()
    )


def _lineage(context: Context, model: Any, column: str, tables: Collection[str]) -> tuple[str, ...]:
    """Columns of the tables that the model reads; columns made by a function (`UNNEST`, `range`) have none."""
    if model.is_seed or model.is_python:
        return ()
    sources = column_dependencies(context, model.fqn, column)
    named = {short_name(table): names for table, names in sources.items()}
    return tuple(sorted(f"{table}.{name}" for table in named.keys() & tables for name in named[table]))
