"""The shop, a SQLMesh project of four models, in a folder of the test's own."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import metadata
from pathlib import Path

import dagster as dg
import duckdb
import pytest

SHOP = Path(__file__).parent / "shop"


def readme_blocks() -> list[str]:
    """The Python blocks of the README, as the installed wheel holds it."""
    text = str(metadata("dagster-sqlmesh-assets").json["description"])
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


@dataclass
class Shop:
    """The project, and the Dagster instance it runs on."""

    root: Path
    instance: dg.DagsterInstance

    def definitions(self) -> dg.Definitions:
        """What the README's quickstart makes of the folder as it is now."""
        names: dict[str, object] = {}
        exec(readme_blocks()[0], names)
        definitions = names["defs"]
        assert isinstance(definitions, dg.Definitions)
        return definitions

    def materialize(self, *models: str) -> dg.ExecuteInProcessResult:
        """Materialize the models, or all."""
        job = self.definitions().resolve_implicit_global_asset_job_def()
        keys = [dg.AssetKey(model.split(".")) for model in models] or None
        return job.execute_in_process(instance=self.instance, asset_selection=keys, raise_on_error=False)

    def launch(self, job: str, **options: object) -> dg.ExecuteInProcessResult:
        """Run a job by name."""
        return self.definitions().resolve_job_def(job).execute_in_process(instance=self.instance, **options)

    def rows(self, query: str) -> list[tuple[object, ...]]:
        """What readers see."""
        with duckdb.connect("shop.duckdb") as connection:
            return connection.execute(query).fetchall()

    def replace(self, file: str, old: str, new: str) -> None:
        """Change a file of the project."""
        path = self.root / "shop" / file
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """The shop, with the folder around it as the working directory."""
    shutil.copytree(SHOP, tmp_path / "shop")
    monkeypatch.chdir(tmp_path)
    with dg.DagsterInstance.ephemeral() as instance:
        yield Shop(tmp_path, instance)
