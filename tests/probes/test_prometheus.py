"""The prometheus probe against a real Prometheus, whose history is made of samples that the test knows."""

import asyncio
import os
import shutil
import socket
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest
import yaml
from typer.testing import CliRunner

from oso_dagster.cli import app
from oso_dagster.domain.probes.declaration import PrometheusProbe
from oso_dagster.probes.process import CountError
from oso_dagster.probes.prometheus import PrometheusCounter

pytestmark = [pytest.mark.server, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
UNPACKED = ROOT / ".cache" / "prometheus" / "usr" / "bin"
MINUTE = timedelta(minutes=1)
END = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(hours=3)
"""The last minute of the history."""
BEGIN = END - 60 * MINUTE
RESET, GAP = range(30, 60), range(40, 47)
"""Minutes: the process starts anew at the first of `RESET`, and is not scraped in `GAP`."""


def binary(name):
    path = shutil.which(name) or shutil.which(name, path=str(UNPACKED))
    if path is None:
        missing = f"{name} is missing; .ci/run unpacks Debian's package prometheus in .cache/prometheus"
        pytest.fail(missing) if os.environ.get("CI") == "true" else pytest.skip(missing)
    return path


def requests(minute):
    """Of a minute: how many requests, and how many of them failed."""
    return 60 + minute, minute % 7 if minute >= 10 else 0


def history():
    """A scrape every 15 s; the series of failures appears with the first failure, in minute 11."""
    good, bad, lines = 1000, 0, []
    for step in range(-20, 4 * 60 + 1):
        minute = max(0, (step - 1) // 4)
        if step > 0 and (step - 1) % 4 == 0:
            if minute == RESET[0]:
                good, bad = 0, 0
            all_, failed = requests(minute)
            good, bad = good + all_ - failed, bad + failed
        if minute in GAP and step > 0:
            continue
        at = (BEGIN + timedelta(seconds=15 * step)).timestamp()
        lines.append((at, f'http_requests_total{{job="api",instance="a:1",code="200"}} {good} {at}'))
        if bad or minute > RESET[0]:
            lines.append((at, f'http_requests_total{{job="api",instance="a:1",code="500"}} {bad} {at}'))
    series = sorted(lines, key=lambda line: ("500" in line[1].partition("}")[0], line[0]))
    return "\n".join(["# TYPE http_requests counter", *(text for _, text in series), "# EOF", ""])


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prometheus")
    (folder / "history").write_text(history())
    made = [binary("promtool"), "tsdb", "create-blocks-from", "openmetrics", folder / "history", folder / "data"]
    subprocess.run(made, check=True, capture_output=True)
    (folder / "prometheus.yml").write_text("global: {scrape_interval: 15s}\n")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command = [binary("prometheus"), f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}"]
    command += [f"--web.listen-address={address}", "--storage.tsdb.retention.time=30d"]
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            for _ in range(200):
                try:
                    urlopen(f"http://{address}/-/ready", timeout=1).close()
                    break
                except (URLError, OSError):
                    time.sleep(0.1)
            yield f"http://{address}"
        finally:
            process.terminate()


def counted(url, begin, end, **declared):
    selectors = {"good": 'http_requests_total{job="api",code!~"5.."}', "valid": 'http_requests_total{job="api"}'}
    probe = PrometheusProbe(name="api", objective="public_applications.requests", slice="api", url=url, **(selectors | declared))
    samples = asyncio.run(PrometheusCounter(probe).count(begin, end))
    return {(sample.count.at - BEGIN) // MINUTE - 1: (sample.count.good, sample.count.valid) for sample in samples}


def expected(minute):
    all_, failed = requests(minute)
    return all_ - failed, all_


def test_every_minute_is_counted_once_over_a_reset_a_new_series_and_a_gap(prometheus):
    whole = counted(prometheus, BEGIN, END)
    assert whole.keys() == set(range(60)) - set(GAP)  # nobody knows of the gap: missing, not good
    # The first sample after the gap is too far from the one before: what it adds is not known either.
    known = {minute: expected(minute) for minute in whole if minute != GAP[-1] + 1}
    assert {minute: whole[minute] for minute in known} == known
    halves = counted(prometheus, BEGIN, BEGIN + 27 * MINUTE), counted(prometheus, BEGIN + 27 * MINUTE, END)
    assert halves[0] | halves[1] == whole
    assert not halves[0].keys() & halves[1].keys()


def test_sloth_makes_rules_that_prometheus_accepts_from_the_exported_objectives(tmp_path):
    sloth = shutil.which("sloth") or shutil.which("sloth", path=str(ROOT / ".cache" / "bin"))
    if sloth is None:
        missing = "sloth is missing: GOBIN=$PWD/.cache/bin go install github.com/slok/sloth/cmd/sloth@v0.16.0, some minutes"
        # .ci/run builds it wherever there is a Go toolchain; on a machine without one nothing can.
        pytest.fail(missing) if os.environ.get("CI") == "true" and shutil.which("go") else pytest.skip(missing)
    (tmp_path / "objectives.yaml").write_text(CliRunner().invoke(app, ["slo", "export", "--sloth"]).stdout)
    subprocess.run([sloth, "generate", "-i", tmp_path / "objectives.yaml", "-o", tmp_path / "rules.yaml"], check=True)
    documents = [each for each in yaml.safe_load_all((tmp_path / "rules.yaml").read_text()) if each]
    assert len(documents) == 6  # Prometheus reads the first document of a file only
    for number, document in enumerate(documents):
        (tmp_path / f"{number}.yaml").write_text(yaml.safe_dump(document))
        subprocess.run([binary("promtool"), "check", "rules", tmp_path / f"{number}.yaml"], capture_output=True, check=True)
    assert 'oso_samples_total{objective="consumer_trino.queries"}[5m]' in (tmp_path / "rules.yaml").read_text()


def test_series_that_are_not_there_are_missing(prometheus):
    assert counted(prometheus, BEGIN, END, valid='http_requests_total{job="nobody"}') == {}
    assert counted(prometheus, BEGIN - 60 * MINUTE, BEGIN - 10 * MINUTE) == {}


def test_a_query_that_prometheus_refuses_or_a_prometheus_that_is_away_is_an_error_and_no_zero(prometheus):
    with pytest.raises(CountError, match="parse error"):
        counted(prometheus, BEGIN, END, valid="http_requests_total{job=api}")
    with pytest.raises(CountError, match="no part of valid's"):
        counted(prometheus, BEGIN, END, valid='http_requests_total{code="500"}')
    with pytest.raises(CountError, match="connection"):
        counted("http://127.0.0.1:1", BEGIN, END)
