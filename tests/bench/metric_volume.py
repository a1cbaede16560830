"""Metrics of GitHub's activity at 1, 4 and 16 times the events: a full build, and one day more.

Events are invented by SQL: as many each day, of as many repositories and people, so that more events are more days. Each step
is a process of its own; what counts is its processor time and its peak memory. `BENCH_TIMES="1 4 16"` for the sizes (1 4 where
it is not set; 16 is 20 million events). The baseline is `ways/activity.sql`, written by hand, whose result has to be equal.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
from datetime import date, timedelta
from pathlib import Path

import duckdb
from rich.console import Console
from rich.table import Table

from oso_dagster.settings import PROJECT_ROOT
from tests.sqlmesh_project.increments.relations_alone import TABLES, Relations

TIMES = tuple(int(times) for times in os.environ.get("BENCH_TIMES", "1 4").split())
MODEL = "int_metrics__github_activity"
DAYS, REPOSITORIES, CONTRIBUTORS = 200, 600, 40
EVENTS_A_DAY = int(os.environ.get("BENCH_EVENTS_A_DAY", "6250"))
TODAY = date(2026, 11, 18)
SETTINGS = {"memory_limit": "1200MB", "threads": 2, "preserve_insertion_order": False}
MOST_BY_HAND, MOST_GROWTH, MOST_MEMORY = 1.3, 1.2, 2048
"""A full build ÷ the script at 1×; the increment at most times ÷ at 1×; MiB."""
_ENTITIES = f"""
INSERT INTO intermediate.int_entities_by_artifact
  SELECT 'repository ' || n, kind, CASE kind WHEN 'artifact' THEN 'repository ' || n
    WHEN 'project' THEN 'project ' || n // 5 ELSE 'collection ' || n % 6 END
  FROM range({REPOSITORIES}) AS numbers(n), (VALUES ('artifact'), ('project'), ('collection')) AS kinds(kind);
"""
_EVENTS = """
INSERT INTO intermediate.int_events_daily__github
  SELECT day, repository, person, 'GITHUB', type, sum(amount), count(*), person, person LIKE '%7' FROM (
    SELECT day, 'repository ' || repository AS repository, 1 AS amount, type,
      'person ' || (repository * 7 + CAST(floor({contributors} * pow(random(), 3)) AS INTEGER)) AS person FROM (
      SELECT DATE '{since}' + CAST(n // {a_day} AS INTEGER) AS day,
        CAST(floor({repositories} * pow(random(), 3)) AS INTEGER) AS repository,
        (['COMMIT_CODE', 'COMMIT_CODE', 'COMMIT_CODE', 'STARRED', 'FORKED', 'ISSUE_OPENED', 'ISSUE_CLOSED', 'ISSUE_COMMENT',
          'PULL_REQUEST_OPENED', 'PULL_REQUEST_MERGED', 'PULL_REQUEST_CLOSED', 'RELEASE_PUBLISHED'])[
          CAST(1 + floor(12 * random()) AS INTEGER)] AS type
      FROM range(CAST({a_day} AS BIGINT) * {days}) AS numbers(n)
    )
  ) GROUP BY day, repository, person, type ORDER BY day;
"""


def bench(console: Console) -> list[str]:
    """Print the table; the goals that were missed, in words."""
    table = Table("", "events", "full build, s", "MiB", "one day more, s", "MiB", "by hand, s")
    missed, increments = [], {}
    for times in TIMES:
        with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_FOLDER")) as folder:
            steps = {step: _measured(step, folder, times) for step in ("invent", "build", *(["by_hand"] if times == 1 else []))}
            increments[times] = steps["day"] = _measured("day", folder, times)
        build, day, by_hand = steps["build"], steps["day"], steps.get("by_hand")
        row = (build["seconds"], build["memory"], day["seconds"], day["memory"])
        events = f"{DAYS * EVENTS_A_DAY * times:,}"
        table.add_row(f"{times}×", events, *(f"{figure:,.1f}" for figure in row), f"{by_hand['seconds']:.1f}" if by_hand else "")
        if by_hand and build["seconds"] > MOST_BY_HAND * by_hand["seconds"]:
            missed.append(f"a full build takes {build['seconds'] / by_hand['seconds']:.2f} times the script, not {MOST_BY_HAND}")
        if (memory := max(build["memory"], day["memory"])) > MOST_MEMORY:
            missed.append(f"at {times}× {memory:,.0f} MiB are in use, not {MOST_MEMORY}")
    growth = increments[max(TIMES)]["seconds"] / increments[min(TIMES)]["seconds"]
    console.print(table)
    console.print(f"One day more at {max(TIMES)}× costs {growth:.2f} times that at {min(TIMES)}×.")
    if growth > MOST_GROWTH:
        missed.append(f"one day more at {max(TIMES)}× costs {growth:.2f} times that at {min(TIMES)}×, not {MOST_GROWTH}")
    return missed


def _measured(step: str, folder: str, times: int) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.bench.metric_volume", step, folder, str(times)]
    done = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{step} at {times}× failed: {done.stderr[-2000:]}")
    return {name: float(figure) for name, figure in json.loads(done.stdout.splitlines()[-1]).items()}


def work(step: str, folder: Path, times: int) -> None:
    """One step, in its own process; the last line that it prints is what it used."""
    settings = json.dumps(SETTINGS | {"temp_directory": str(folder / "spilled")})
    relations = Relations(folder, (MODEL,), settings) if step in {"build", "day"} else None
    with duckdb.connect(str(folder / "alone.duckdb"), config=json.loads(settings)) as connection:
        if step == "invent":
            connection.execute("SELECT setseed(0.5)")
            connection.execute(TABLES + _ENTITIES + _events(TODAY - timedelta(days=DAYS * times), DAYS * times))
        elif step == "day":
            connection.execute("SELECT setseed(0.7)")
            connection.execute(_events(TODAY, 1))
    start = _used()
    if relations:
        relations.compute(TODAY if step == "build" else TODAY + timedelta(days=1))
    elif step == "by_hand":
        script = Path(__file__).parent / "ways" / "activity.sql"
        with duckdb.connect(str(folder / "alone.duckdb"), config=json.loads(settings)) as connection:
            connection.execute(script.read_text(encoding="utf-8").format(today=TODAY))
    used = _used() - start
    if step == "by_hand":
        _compare(folder)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": used, "memory": memory}))


def _events(since: date, days: int) -> str:
    return _EVENTS.format(since=since, days=days, a_day=EVENTS_A_DAY, repositories=REPOSITORIES, contributors=CONTRIBUTORS)


def _used() -> float:
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def _compare(folder: Path) -> None:
    """Both have the same samples. Raises where they differ."""
    columns = "metric, entity_type, entity_id, grain, sample_date, is_latest, round(amount, 9)"
    models = f"SELECT {columns} FROM intermediate.{MODEL} WHERE grain <> 'mark'"
    with duckdb.connect(str(folder / "alone.duckdb")) as connection:
        count = connection.execute(f"SELECT count(*) FROM ({models})").fetchall()[0][0]
        for left, right in ((models, f"SELECT {columns} FROM by_hand"), (f"SELECT {columns} FROM by_hand", models)):
            if different := connection.execute(f"{left} EXCEPT {right} LIMIT 5").fetchall():
                raise RuntimeError(f"of {count} samples these differ: {different}")


if __name__ == "__main__":
    work(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
