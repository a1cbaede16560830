"""One reader of the environment: typed, strict, and silent about secrets."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest

from oso_dagster.settings import Profile, Settings, SettingsError, World, read_platform_settings, read_settings
from oso_dagster.sources import catalogue

DIRECTORY = next(source for source in catalogue() if source.name == "oss_directory")


def test_the_defaults_are_one_machine_and_the_live_world() -> None:
    settings = read_settings(catalogue())
    assert (settings.profile, settings.world) == (Profile.EMBEDDED, World.LIVE)
    assert settings.of_source(DIRECTORY)["url"] == "https://github.com/opensource-observer/oss-directory.git"


def test_an_unknown_variable_is_an_error_that_guesses_what_was_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSO_OSS_DIRECTORY_ULR", "https://example.org")
    with pytest.raises(SettingsError, match="OSO_OSS_DIRECTORY_ULR: no such setting; did you mean OSO_OSS_DIRECTORY_URL"):
        read_settings(catalogue())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OSO_WORLD", "mars"),
        ("OSO_PROFILE", "cloud"),
        ("OSO_WEBSERVER_PORT", "70000"),
        ("OSO_LOCK_TIMEOUT_SECONDS", "soon"),
        ("OSO_OSS_DIRECTORY_URL", "not an address"),
        ("OSO_OSS_DIRECTORY_URL", "https://me:hunter2@example.org/x.git"),
        ("OSO_OSS_DIRECTORY_MAX_BAD_SHARE", "1.5"),
        ("OSO_SQLMESH_STATE_URL", "mysql://me:hunter2@db/state"),
        ("OSO_SQLMESH_STATE_URL", "postgresql://me:hunter2@db"),
        ("OSO_DISCORD_URL", "http://discord.com/api/webhooks/1/hunter2"),
        ("OSO_DISCORD_CHANNELS", "hunter2"),
        ("OSO_ALERT_ZONE", "Mars/North"),
    ],
)
def test_a_malformed_value_is_an_error_that_names_the_variable_and_not_the_value(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=f"^{name}: ") as caught:
        read_settings(catalogue())
    assert "hunter2" not in str(caught.value)
    assert not re.search("Value error|Input should", str(caught.value))


def test_a_command_that_needs_no_source_names_a_misspelt_variable_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSO_WROLD", "sandbox")
    monkeypatch.setenv("OSO_OSS_DIRECTORY_ULR", "https://example.org")  # only who reads the sources knows better
    with pytest.raises(SettingsError, match=r"^OSO_WROLD: no such setting; did you mean OSO_WORLD\?$"):
        read_platform_settings(["oss_directory"])
    monkeypatch.delenv("OSO_WROLD")
    assert read_platform_settings(["oss_directory"]).world is World.LIVE


def test_all_bad_variables_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSO_WORLD", "mars")
    monkeypatch.setenv("OSO_NONSENSE", "1")
    with pytest.raises(SettingsError) as caught:
        read_settings(catalogue())
    assert [line.split(":")[0] for line in str(caught.value).splitlines()] == ["OSO_NONSENSE", "OSO_WORLD"]


def test_a_secret_is_given_to_its_source_and_printed_nowhere(make_settings: Callable[..., Settings]) -> None:
    settings = make_settings(OSO_OSS_DIRECTORY_TOKEN="t0ps3cret")
    assert settings.of_source(DIRECTORY)["token"] == "t0ps3cret"
    assert settings.secrets() == ["t0ps3cret"]
    assert "t0ps3cret" not in repr(settings) + str(settings) + settings.model_dump_json()


def test_ssh_and_scp_addresses_are_accepted(make_settings: Callable[..., Settings]) -> None:
    for url in ("git@github.com:opensource-observer/oss-directory.git", "ssh://git@github.com/x/y", "file:///srv/x.git"):
        assert make_settings(OSO_OSS_DIRECTORY_URL=url).of_source(DIRECTORY)["url"] == url


def test_the_sandbox_never_falls_back_to_the_internet(
    monkeypatch: pytest.MonkeyPatch, make_settings: Callable[..., Settings]
) -> None:
    settings = make_settings(OSO_WORLD="sandbox")
    monkeypatch.delenv("OSO_OSS_DIRECTORY_URL")
    settings = read_settings(catalogue())
    with pytest.raises(SettingsError, match="oso sandbox up"):
        settings.of_source(DIRECTORY)
    settings.sandbox_dir.mkdir(parents=True)
    settings.sandbox_files.endpoints.write_text(json.dumps({"oss_directory_url": "http://127.0.0.1:1/x.git"}))
    assert settings.of_source(DIRECTORY)["url"] == "http://127.0.0.1:1/x.git"
