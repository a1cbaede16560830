"""A project of this folder twice: wrapped as Dagster assets, and with SQLMesh alone; each has a warehouse of its own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
from sqlmesh.core.context import Context

from oso_dagster.sqlmesh_assets import Project, sqlmesh_definitions

HERE = Path(__file__).parent
Rows = list[tuple[Any, ...]]


@dataclass
class Result:
    """What Dagster's log holds of one run."""

    success: bool
    error: str
    materialized: set[str] = field(default_factory=set)
    states: dict[str, str] = field(default_factory=dict)
    outcomes: dict[str, str] = field(default_factory=dict)
    checks: dict[tuple[str, str], bool] = field(default_factory=dict)
    severities: dict[tuple[str, str], str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)


@dataclass
class Comparison:
    """The copies of one project: `wrapped` and `plain`."""

    root: Path
    instance: dg.DagsterInstance
    gateway: str = "local"
    recompute_whole: bool = False
    folders: tuple[str, ...] = (".",)

    @property
    def project(self) -> Project:
        """The wrapped copy."""
        copy = self.root / "wrapped"
        first, *others = (copy / "project" / folder for folder in self.folders)
        options = {"recompute_whole": self.recompute_whole, "repositories": tuple(others)}
        return Project(first, self.gateway, "duckdb", copy / "cache", **options)

    def materialize(self, *models: str) -> Result:
        """Materialize the models, or all, as a Dagster run."""
        with self._inside("wrapped"):
            job = sqlmesh_definitions(self.project).resolve_implicit_global_asset_job_def()
            keys = [dg.AssetKey(model.split(".")) for model in models] or None
            return self._result(job.execute_in_process(instance=self.instance, asset_selection=keys, raise_on_error=False))

    def launch(self, job: str, **options: Any) -> Result:
        """Run one of the project's jobs."""
        with self._inside("wrapped"):
            definition = sqlmesh_definitions(self.project).resolve_job_def(job)
            return self._result(definition.execute_in_process(instance=self.instance, raise_on_error=False, **options))

    def plan(self, **options: Any) -> None:
        """`sqlmesh plan` on the plain copy."""
        with self._context() as context:
            context.plan("prod", no_prompts=True, auto_apply=True, **options)

    def run(self) -> Any:
        """`sqlmesh run` on the plain copy."""
        with self._context() as context:
            return context.run("prod")

    def sql(self, statement: str, *copies: str) -> Rows:
        """Run a statement on the warehouses (both, unless named); what they answer must be the same."""
        answers = []
        for copy in copies or ("wrapped", "plain"):
            with duckdb.connect(str(self.root / copy / "warehouse.duckdb")) as connection:
                answers.append(connection.execute(statement).fetchall())
        assert all(answer == answers[0] for answer in answers), dict(zip(copies or ("wrapped", "plain"), answers, strict=True))
        return answers[0]

    def write(self, file: str, text: str) -> None:
        """Write a file of the project, in both copies."""
        for copy in ("wrapped", "plain"):
            path = self.root / copy / "project" / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def replace(self, file: str, old: str, new: str) -> None:
        """Change a file of the project, in both copies."""
        text = (self.root / "wrapped" / "project" / file).read_text()
        assert old in text
        self.write(file, text.replace(old, new))

    @contextmanager
    def _context(self) -> Iterator[Context]:
        with self._inside("plain"):
            context = Context(paths=[f"project/{folder}" for folder in self.folders], gateway=self.gateway)
            try:
                yield context
            finally:
                context.close()

    @contextmanager
    def _inside(self, copy: str) -> Iterator[None]:
        before = Path.cwd()
        os.chdir(self.root / copy)
        try:
            yield
        finally:
            os.chdir(before)

    def _result(self, done: dg.ExecuteInProcessResult) -> Result:
        failures = [event for event in done.all_events if event.is_step_failure]
        error = str(failures[0].step_failure_data.error) if failures else ""
        if failures and failures[0].step_failure_data.user_failure_data:
            error += str(failures[0].step_failure_data.user_failure_data.description)
        result = Result(done.success, error)
        for entry in self.instance.all_logs(done.run_id):
            result.lines.append(entry.message)
            event = entry.dagster_event
            if event is None:
                continue
            if event.event_type is dg.DagsterEventType.ASSET_MATERIALIZATION:
                result.materialized.add(".".join(event.asset_key.path))
                self._attempt(result, event.step_materialization_data.materialization)
            elif event.event_type is dg.DagsterEventType.ASSET_OBSERVATION:
                self._attempt(result, event.asset_observation_data.asset_observation)
            elif event.event_type is dg.DagsterEventType.ASSET_CHECK_EVALUATION:
                check = event.asset_check_evaluation_data
                key = (".".join(check.asset_key.path), check.check_name)
                result.checks[key] = check.passed
                result.severities[key] = check.severity.value
        return result

    @staticmethod
    def _attempt(result: Result, event: dg.AssetMaterialization | dg.AssetObservation) -> None:
        name = ".".join(event.asset_key.path)
        facts = {key: value.value for key, value in event.metadata.items()}
        if "sqlmesh/state" in facts:
            result.states[name] = str(facts["sqlmesh/state"])
        if "attempt_outcome" in facts:
            assert name not in result.outcomes, name
            result.outcomes[name] = str(facts["attempt_outcome"])


@contextmanager
def compared(name: str, root: Path, **options: Any) -> Iterator[Comparison]:
    """The project of that name, twice in the folder."""
    for copy in ("wrapped", "plain"):
        shutil.copytree(HERE / name, root / copy / "project")
    with dg.DagsterInstance.ephemeral() as instance:
        yield Comparison(root, instance, **options)
