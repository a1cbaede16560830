"""`oso probe` as a person uses it."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from typer.testing import CliRunner

from oso_dagster.cli import app
from oso_dagster.domain.probes.heartbeat import HEARTBEAT
from oso_dagster.reliability.store import Store
from tests.support.web import body, serving

pytestmark = pytest.mark.server


@pytest.fixture
def declared(make_settings, tmp_path):
    """Settings with one probe of a real server, and that server."""
    with serving() as web:
        web.says(body(b"all is well"))
        file = tmp_path / "probes.yaml"
        file.write_text(
            "probes: [{kind: http, name: website, objective: public_applications.availability, slice: website, "
            f"url: '{web.url}/', body: well}}]"
        )
        yield make_settings(OSO_PROBES_FILE=str(file)), web


def oso(*arguments):
    return CliRunner().invoke(app, ["probe", *arguments])


def test_a_check_shows_what_it_saw_and_ends_with_1_when_it_fails(declared):
    _, web = declared
    good = oso("check", "website", "--json")
    assert (good.exit_code, json.loads(good.stdout)["status"]) == (0, "200")
    web.says(body(b"sold out"))
    bad = oso("check", "website")
    assert bad.exit_code == 1
    assert "nothing that matches 'well'" in bad.stdout


def test_a_list_shows_what_is_declared_before_anything_was_checked(declared):
    [listed] = json.loads(oso("list", "--json").stdout)
    assert (listed["probe"], listed["objective"], listed["newest"]) == ("website", "public_applications.availability", None)
    assert "never checked" in oso("list").stdout


def test_what_is_not_there_is_refused_by_name(declared, make_settings, tmp_path):
    assert oso("check", "webside").exit_code == 2
    (tmp_path / "wrong.yaml").write_text("probes: [{kind: http, name: a, objective: public_applications.availability, url: ''}]")
    make_settings(OSO_PROBES_FILE=str(tmp_path / "wrong.yaml"))
    assert oso("run").exit_code == 2


def test_without_a_file_the_live_world_has_no_probe_and_says_how_to_declare_one(settings):
    result = oso("list")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "no probe is declared: set OSO_PROBES_FILE" in result.stdout
    for_programs = oso("list", "--json")
    assert (for_programs.exit_code, json.loads(for_programs.stdout)) == (0, [])
    assert "OSO_PROBES_FILE" in for_programs.stderr
    for needing in (("run",), ("check", "website")):
        refused = oso(*needing)
        assert refused.exit_code == 2
        assert "OSO_PROBES_FILE" in refused.stderr


def started(*options):
    command = [sys.executable, "-c", "from oso_dagster.cli import main; main()", "probe", "run", *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_the_process_runs_once_in_a_world_and_a_signal_ends_it_with_a_last_report(declared):
    settings, _ = declared
    with started() as process:
        assert "1 probes: website" in process.stdout.readline()
        with started() as second:
            assert "runs already" in second.communicate()[0]
        assert second.returncode == 2
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    with Store.open(settings.reliability_store_url, settings.world.value) as store:
        assert [heartbeat.name for heartbeat in store.heartbeats.all()] == [HEARTBEAT]


def test_a_process_that_runs_with_its_parent_ends_when_that_is_killed(declared):
    code = (
        "import os, subprocess, sys; p = subprocess.Popen([sys.executable, '-c', 'from oso_dagster.cli import main; main()', "
        "'probe', 'run', '--parent', str(os.getpid())], stdout=subprocess.PIPE, text=True); p.stdout.readline(); "
        "print(p.pid, flush=True); p.wait()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        pid = int(parent.stdout.readline())
        parent.kill()
    for _ in range(200):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    pytest.fail("it runs on")
