"""Writes what is generated of the SQLMesh project: the list of its models with their sources, docs/impact-metrics.md, examples.

The list, a seed behind `models_v0`, says of each model what it reads at the end: SQL cannot know. The page has all metrics. The
examples of the page on which to try a query are the queries of docs/marts.md, which tests run.
`--check` writes nothing and ends with 1 when a file is not what the project says.
"""
# ruff: noqa: INP001 - a script outside any package

from __future__ import annotations

import csv
import io
import json
import re
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from yaml import safe_load

from oso_dagster.domain.catalogue.source import Source, Stability
from oso_dagster.domain.lineage import tainted
from oso_dagster.sources import catalogue
from oso_dagster.sqlmesh_assets.manifest.contents import Manifest
from oso_dagster.sqlmesh_assets.manifest.manifest_store import load_manifest
from oso_dagster.sqlmesh_assets.project import Project

ROOT = Path(__file__).resolve().parent.parent
PROJECT = ROOT / "sqlmesh_project"
SEED = PROJECT / "seeds" / "models.csv"
PAGE = ROOT / "docs" / "impact-metrics.md"
GUIDE = ROOT / "docs" / "marts.md"
EXAMPLES = ROOT / "oso_dagster" / "serving" / "website" / "examples.json"
CUTS = "day, week, month, quarter, biannual, year, all, 28, 90, 180"
HEAD = """# Metrics

Written by `.ci/model_list.py` from `sqlmesh_project/metrics`. A published name is `<SOURCE>_<metric>_<time>`; the source is
`GITHUB`, a chain, a funder or where the numbers come from, and time ends with `daily`, `weekly`, `monthly`, `quarterly`,
`biannually`, `yearly`, `over_all_time`, or a window such as `over_28_day_window`. How complete the numbers are is in
`marts.metric_coverage_v0`, by span; which inputs are measured stands at the end. Inputs in *italics* are of unstable
sources: what comes of them is tainted. Bots are left out where people are counted.
"""


def model_list(manifest: Manifest, sources: Sequence[Source]) -> str:
    """The seed: each model with the raw tables, the sources and the unstable sources that it derives from."""
    upstream = {name: model.upstream for name, model in manifest.models.items()}
    raw = {table: table for parents in upstream.values() for table in parents if table not in upstream}
    unstable = {source.name for source in sources if source.stability is Stability.UNSTABLE}
    ends = tainted(upstream, raw)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["model_name", "kind", "raw_tables", "sources", "unstable_sources"])
    for name in sorted(upstream):
        tables = sorted(ends.get(name, ()))
        of = sorted({table.partition(".")[0] for table in tables} - {"platform"})
        writer.writerow(
            [name, manifest.models[name].kind, ";".join(tables), ";".join(of), ";".join(s for s in of if s in unstable)]
        )
    return text.getvalue()


def page(metrics: Mapping[str, Mapping[str, object]], sources: Sequence[Source]) -> str:
    """docs/impact-metrics.md: all metrics by relation, each with its definition, unit, inputs and SQL."""
    unstable = {source.name for source in sources if source.stability is Stability.UNSTABLE}
    counted = {f"{of.name}.{table.name}" for of in sources for table in of.tables if table.second_count is not None}
    parts = [HEAD]
    for relation in sorted({str(metric["relation"]) for metric in metrics.values()}):
        parts.append(f"## {relation}\n")
        for name, metric in metrics.items():
            if metric["relation"] == relation:
                parts.append(_entry(name, metric, unstable))
    used = {str(given).partition(":")[0] for metric in metrics.values() for given in metric["inputs"]}  # type: ignore[attr-defined]
    parts.append("## Inputs\n\n| input | coverage |\n|---|---|")
    parts += [f"| `{table}` | {'measured' if table in counted else 'not measured'} |" for table in sorted(used)]
    return "\n".join(parts).rstrip() + "\n"


def examples(guide: str) -> str:
    """The queries of docs/marts.md, by mart."""
    queries = re.findall(r"^## (\w+)\n.*?^```sql\n(.+?)^```$", guide, re.MULTILINE | re.DOTALL)
    return json.dumps([{"name": name, "query": query.strip()} for name, query in queries], indent=1, ensure_ascii=False) + "\n"


def _entry(name: str, metric: Mapping[str, object], unstable: set[str]) -> str:
    given: list[str] = metric["inputs"]  # type: ignore[assignment]
    shown = ", ".join(f"*`{table}`*" if table.partition(".")[0] in unstable else f"`{table}`" for table in given)
    below = f" Withheld where less than {float(str(metric['withheld_below'])):.0%} is held." if "withheld_below" in metric else ""
    cuts = ", ".join(map(str, metric["time"])) if "time" in metric else CUTS  # type: ignore[call-overload]
    return (
        f"### {name}\n\n{metric['display_name']}. {str(metric['description']).strip()}{below}\n\n"
        f"- unit: {metric['unit']} ({metric['aggregation']}); time: {cuts}\n- from: {shown}\n"
        f"- defined by: {metric['definition_source']}\n\n```sql\n{str(metric['sql']).strip()}\n```\n"
    )


def main(*, check: bool) -> int:
    """Bring the files up to date, or say that they are not; the exit code."""
    sources = catalogue()
    metrics = {path.stem: safe_load(path.read_text(encoding="utf-8")) for path in sorted((PROJECT / "metrics").glob("*.yaml"))}
    with tempfile.TemporaryDirectory() as cache:
        manifest = load_manifest(Project(PROJECT, gateway="embedded", engine="duckdb", cache=Path(cache)))
    old = False
    queries = examples(GUIDE.read_text(encoding="utf-8"))
    for path, text in ((SEED, model_list(manifest, sources)), (PAGE, page(metrics, sources)), (EXAMPLES, queries)):
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            old = True
            if check:
                print(f"{path.relative_to(ROOT)} is not what the project says: run .venv/bin/python .ci/model_list.py")  # noqa: T201
            else:
                path.write_text(text, encoding="utf-8")
    return int(check and old)


if __name__ == "__main__":
    sys.exit(main(check="--check" in sys.argv))
