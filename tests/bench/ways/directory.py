"""Three ways to bring OSS Directory's projects into DuckDB: ours, the fastest imaginable, and the usual one."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from oso_dagster.connectors import git
from oso_dagster.connectors.yaml_fallback import load_with_pyyaml
from oso_dagster.domain.catalogue.loading import ExtractRequest
from oso_dagster.domain.garbage_collector import no_collections
from oso_dagster.sandbox.protocols import git_objects
from oso_dagster.sandbox.upstreams.oss_directory import files
from oso_dagster.sandbox.world.world import DEFAULT_SEED, generate
from oso_dagster.sources.oss_directory import SOURCE
from oso_dagster.warehouse.embedded.warehouse import DuckDBWarehouse
from tests.support.clock import clock

PROJECTS = 7_000
FOLDERS = ("data/projects", "data/collections")
LISTS = ("websites", "github", "npm", "crates", "pypi", "go", "open_collective", "defillama")


def invented(path: Path, now: datetime) -> str:
    """A bare repository of about 7,000 projects: the sandbox's, again and again under other names."""
    originals = {name: text for name, text in files(generate(DEFAULT_SEED, now)).items() if name.endswith(".yaml")}
    made: dict[str, bytes | None] = {}
    for copy in range(PROJECTS // 300 + 1):
        for name, text in originals.items():
            stem = Path(name).stem
            renamed = text.replace(f"name: {stem}\n".encode(), f"name: {stem}-{copy}\n".encode(), 1)
            if renamed != text and name.startswith("data/projects/"):
                made[name.replace(f"{stem}.yaml", f"{stem}-{copy}.yaml")] = renamed
    git_objects.create(path)
    git_objects.commit_files(path, made, "Everything", now)
    return path.as_uri()


def fetched(url: str, cache: Path) -> git.Snapshot:
    """The repository's newest commit on this disk: fetching is the network's time, not ours."""
    remote = git.Remote(url)
    return git.fetch(remote, cache, FOLDERS, git.head(remote))


def ours(url: str, cache: Path, folder: Path) -> int:
    """The real thing, from asking the repository for its commit to published tables."""
    table = SOURCE.tables[0]
    warehouse = DuckDBWarehouse(folder / "w.duckdb", world="live", cache=folder, lock_timeout_seconds=60, clock=clock)
    extract = table.extract(ExtractRequest(SOURCE.name, table.name, datetime.now(UTC), cache, {"url": url, "max_bad_share": "0"}))
    return warehouse.load(SOURCE, table, extract, fingerprint="bench").record.row_count  # type: ignore[arg-type]


def floor(snapshot: git.Snapshot, folder: Path) -> int:
    """The fastest parser and one plain transaction: no checks, no types beyond what Arrow guesses, nothing atomic to others."""
    from yaml_rs import loads

    with no_collections():
        documents = [loads(file.content.decode()) for file in git.read(snapshot, "data/projects", ".yaml")]
        count, tables = len(documents), {name: _arrow(rows) for name, rows in _tables(documents).items()}
        del documents
    connection = duckdb.connect(str(folder / "w.duckdb"))
    connection.begin()
    for name, table in tables.items():
        connection.register("arrived", table)
        connection.execute(f"CREATE TABLE {name} AS FROM arrived")
    connection.commit()
    connection.close()
    return count


def with_dicts(snapshot: git.Snapshot, folder: Path) -> int:
    """What a first version usually is."""
    import dlt

    documents = [load_with_pyyaml(file.content.decode()) for file in git.read(snapshot, "data/projects", ".yaml")]
    dlt.config["runtime.dlthub_telemetry"] = False
    destination = dlt.destinations.duckdb(str(folder / "w.duckdb"))
    pipeline = dlt.pipeline("dicts", pipelines_dir=str(folder / "dlt"), destination=destination, dataset_name="oss_directory")
    pipeline.run(documents, table_name="projects", write_disposition="replace")
    shutil.rmtree(folder / "dlt")
    return len(documents)


def _arrow(rows: list[tuple[Any, ...]]) -> pa.Table:
    columns = [pa.array(list(column)) for column in zip(*rows, strict=True)]
    return pa.Table.from_arrays(columns, names=[f"c{n}" for n in range(len(columns))])


def _tables(documents: list[dict[str, Any]]) -> dict[str, list[tuple[Any, ...]]]:
    tables = {"projects": [(d["name"], d.get("display_name"), d.get("description")) for d in documents]}
    for key in LISTS:
        tables[key] = [(d["name"], n, e["url"]) for d in documents for n, e in enumerate(d.get(key) or ())]
    social = ((d["name"], p, e["url"]) for d in documents for p, all_ in (d.get("social") or {}).items() for e in all_ or ())
    tables["social"] = list(social)
    tables["blockchain"] = [
        (d["name"], e["address"], e.get("name"), e.get("tags"), e.get("networks"))
        for d in documents
        for e in d.get("blockchain") or ()
    ]
    return {name: rows for name, rows in tables.items() if rows}
