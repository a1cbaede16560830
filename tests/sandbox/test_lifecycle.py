"""Up and down: one server, found again, never somebody else's process, nothing left behind; and the commands for it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest

from oso_dagster.sandbox import lifecycle, process
from oso_dagster.sandbox.process import Server
from oso_dagster.settings import Settings, World, read_settings
from oso_dagster.sources import catalogue

pytestmark = pytest.mark.server


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    made = Settings(home=tmp_path / "home", world=World.SANDBOX)
    yield made
    lifecycle.down(made)


def _server(settings: Settings) -> Server:
    server = process.remembered(settings.sandbox_dir)
    assert server is not None
    return server


def _traces(settings: Settings) -> set[str]:
    return {path.name for path in settings.sandbox_dir.iterdir()} & {"endpoints.json", "server.json"}


def test_the_endpoints_are_what_the_settings_read(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    addresses = lifecycle.up(settings)
    monkeypatch.setenv("OSO_HOME", str(settings.home))
    monkeypatch.setenv("OSO_WORLD", "sandbox")
    read = read_settings(catalogue())
    for source in catalogue():
        for setting in (setting for setting in source.settings if f"{source.name}_{setting.name}" in addresses):
            assert read.of_source(source)[setting.name] == addresses[f"{source.name}_{setting.name}"]


def test_up_twice_is_one_server_at_the_same_addresses(settings: Settings) -> None:
    first, server = lifecycle.up(settings), _server(settings)
    assert lifecycle.up(settings) == first
    assert _server(settings) == server


def test_many_starters_at_once_share_one_server(settings: Settings) -> None:
    with ThreadPoolExecutor(4) as pool:
        started = list(pool.map(lambda _: (lifecycle.up(settings), _server(settings)), range(4)))
    assert all(each == started[0] for each in started)


def test_down_ends_the_server_and_leaves_only_the_world(settings: Settings) -> None:
    lifecycle.up(settings)
    server = _server(settings)
    assert lifecycle.down(settings)
    assert not psutil.pid_exists(server.pid)
    assert _traces(settings) == set()
    assert lifecycle.status(settings).world is not None
    assert not lifecycle.down(settings)


def test_a_world_keeps_its_addresses_over_a_restart(settings: Settings) -> None:
    first = lifecycle.up(settings)
    lifecycle.down(settings)
    assert lifecycle.up(settings) == first


def test_a_server_asked_to_end_goes_quickly_and_removes_its_traces(settings: Settings) -> None:
    lifecycle.up(settings)
    server = _server(settings)
    os.kill(server.pid, signal.SIGTERM)
    _wait(lambda: not server.alive(), seconds=3)
    assert _traces(settings) == set()
    assert process.last_loss(settings.sandbox_dir) is None


def test_a_killed_server_is_replaced(settings: Settings) -> None:
    lifecycle.up(settings)
    killed = _server(settings)
    os.kill(killed.pid, signal.SIGKILL)
    _wait(lambda: not killed.alive(), seconds=3)
    assert _traces(settings) == {"endpoints.json", "server.json"}
    assert not lifecycle.status(settings).healthy
    lost = process.last_loss(settings.sandbox_dir)
    assert lost is not None
    assert timedelta(0) < datetime.now(UTC) - lost < timedelta(seconds=20), "it is known about when it was killed"
    lifecycle.up(settings)
    assert process.last_loss(settings.sandbox_dir) == lost, "also when the next one is up"
    assert _server(settings).pid != killed.pid
    assert lifecycle.status(settings).healthy


def test_a_process_that_was_given_the_server_s_old_id_is_never_ended(settings: Settings) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as bystander:
        created = psutil.Process(bystander.pid).create_time() - 3600
        process.remember(settings.sandbox_dir, Server(bystander.pid, created, 1))
        assert not lifecycle.down(settings)
        assert bystander.poll() is None
        assert _traces(settings) == set()
        bystander.communicate(b"\n")


def test_a_server_that_does_not_answer_is_replaced(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "STOP_SECONDS", 0.3)
    lifecycle.up(settings)
    stopped = _server(settings)
    os.kill(stopped.pid, signal.SIGSTOP)
    lifecycle.up(settings)
    assert not stopped.alive()
    assert lifecycle.status(settings).healthy


def test_torn_state_is_no_obstacle(settings: Settings) -> None:
    settings.sandbox_dir.mkdir(parents=True)
    (settings.sandbox_dir / "server.json").write_text('{"pid": 1')
    assert lifecycle.status(settings).server is None
    lifecycle.up(settings)
    assert lifecycle.status(settings).healthy


def test_a_folder_that_cannot_be_written_is_told_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(lifecycle.SandboxError, match=r"\A.*Not a directory: free disk space or .*\Z"):
        lifecycle.up(Settings(home=tmp_path / "file" / "home"))


def test_running_ends_what_it_started_also_after_an_error(settings: Settings) -> None:
    seen = []

    def fail_inside() -> None:
        with lifecycle.running(settings):
            seen.append(_server(settings))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_inside()
    assert not seen[0].alive()


def test_running_leaves_a_server_that_was_up_before(settings: Settings) -> None:
    before = lifecycle.up(settings)
    with lifecycle.running(settings) as addresses:
        assert addresses == before
    assert lifecycle.status(settings).healthy


def test_the_server_is_given_no_setting_of_the_platform(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSO_OSS_DIRECTORY_TOKEN", "hush")
    lifecycle.up(settings)
    assert not [name for name in psutil.Process(_server(settings).pid).environ() if name.startswith("OSO_")]


def test_the_server_has_a_session_of_its_own(settings: Settings) -> None:
    lifecycle.up(settings)
    assert os.getsid(_server(settings).pid) == _server(settings).pid


def test_a_reset_changes_the_world_under_a_running_server(settings: Settings) -> None:
    lifecycle.up(settings, seed=1)
    server = _server(settings)
    assert lifecycle.reset(settings, 2).seed == 2
    assert _server(settings) == server
    assert lifecycle.status(settings).healthy


def test_a_taken_port_is_told_in_a_line(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(lifecycle.SandboxError, match=rf"\Aport {port}: Address already in use; choose another, or 0.*\Z"):
            lifecycle.up(settings, port=port)
    assert _traces(settings) == set()


def test_a_taken_usual_port_is_no_obstacle(settings: Settings) -> None:
    usual = lifecycle.up(settings)["oss_funding_url"]
    lifecycle.down(settings)
    with socket.create_server(("127.0.0.1", int(usual.split(":")[2].split("/")[0]))):
        assert lifecycle.up(settings)["oss_funding_url"] != usual


def test_a_server_that_cannot_start_is_told_with_its_last_words(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process.sys, "executable", "/bin/false")
    with pytest.raises(lifecycle.SandboxError, match="did not start: it printed nothing"):
        lifecycle.up(settings)
    assert _traces(settings) == set()


def _wait(condition: object, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
