"""The server, asked over HTTP and by the real git client."""

from __future__ import annotations

import gzip
import html
import os
import subprocess
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from oso_dagster.sandbox import disk, lifecycle
from oso_dagster.sandbox.protocols import git_http, git_objects
from oso_dagster.sandbox.upstreams import oss_directory as directory
from oso_dagster.sandbox.upstreams import oss_funding as funding
from oso_dagster.sandbox.world.world import SandboxWorld
from oso_dagster.settings import Settings, World

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(home=tmp_path_factory.mktemp("home of spaces"), world=World.SANDBOX)


@pytest.fixture(scope="module")
def endpoints(settings: Settings) -> Iterator[Mapping[str, str]]:
    with lifecycle.running(settings) as addresses:
        yield addresses


@pytest.fixture
def world(settings: Settings, endpoints: Mapping[str, str]) -> SandboxWorld:
    manifest = disk.read(settings.sandbox_files.world)
    assert manifest is not None
    return manifest.world()


def _git(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_TERMINAL_PROMPT": "0"} | variables
    return subprocess.run(["git", *arguments], check=False, capture_output=True, text=True, env=environment)


def _ask(url: str, **headers: str) -> tuple[int, Mapping[str, str], bytes]:
    request = Request(url, headers={name.replace("_", "-"): value for name, value in headers.items()})
    try:
        with urlopen(request, timeout=10) as answer:
            return answer.status, answer.headers, answer.read()
    except HTTPError as error:
        return error.code, error.headers, error.read()


def test_a_clone_holds_exactly_the_truth(endpoints: Mapping[str, str], world: SandboxWorld, tmp_path: Path) -> None:
    assert _git("clone", "-q", endpoints["oss_directory_url"], str(tmp_path / "clone")).returncode == 0
    files = {str(p.relative_to(tmp_path / "clone")): p.read_bytes() for p in (tmp_path / "clone").rglob("*") if p.is_file()}
    assert {name: content for name, content in files.items() if not name.startswith(".git/")} == directory.files(world)


@pytest.mark.parametrize("version", ["0", "1", "2"])
def test_every_version_of_git_s_protocol_is_spoken(endpoints: Mapping[str, str], version: str) -> None:
    traced = _git("-c", f"protocol.version={version}", "ls-remote", endpoints["oss_directory_url"], GIT_TRACE_PACKET="1")
    assert "refs/heads/main" in traced.stdout
    assert ("version 2" in traced.stderr) == (version == "2")


def test_a_shallow_partial_fetch_brings_one_commit_and_no_blobs(endpoints: Mapping[str, str], tmp_path: Path) -> None:
    _git("init", "-q", "--bare", str(tmp_path))
    url = endpoints["oss_directory_url"]
    fetched = _git("-C", str(tmp_path), "fetch", "-q", "--depth", "1", "--filter=blob:none", url, "main")
    assert (fetched.returncode, fetched.stderr) == (0, "")
    assert len(_git("-C", str(tmp_path), "rev-list", "FETCH_HEAD").stdout.split()) == 1
    missing = _git("-C", str(tmp_path), "rev-list", "--objects", "--missing=print", "FETCH_HEAD").stdout
    assert missing.count("\n?") > 300


def test_any_commit_may_be_fetched_by_its_sha(endpoints: Mapping[str, str], settings: Settings, tmp_path: Path) -> None:
    bare = settings.sandbox_files.world / "git" / directory.REPOSITORY
    old = _git("-C", str(bare), "rev-parse", "main~5").stdout.strip()
    _git("init", "-q", "--bare", str(tmp_path))
    fetched = _git("-C", str(tmp_path), "-c", "protocol.version=0", "fetch", "--depth=1", endpoints["oss_directory_url"], old)
    assert fetched.returncode == 0, fetched.stderr


def test_a_gzipped_request_is_understood(endpoints: Mapping[str, str]) -> None:
    body = gzip.compress(b"0014command=ls-refs\n00010000")
    request = Request(f"{endpoints['oss_directory_url']}/git-upload-pack", data=body, method="POST")
    request.add_header("Content-Type", "application/x-git-upload-pack-request")
    request.add_header("Content-Encoding", "gzip")
    request.add_header("Git-Protocol", "version=2")
    with urlopen(request, timeout=10) as answer:
        assert b"refs/heads/main" in answer.read()


def test_nobody_may_push(endpoints: Mapping[str, str], tmp_path: Path) -> None:
    _git("clone", "-q", endpoints["oss_directory_url"], str(tmp_path / "clone"))
    pushed = _git("-C", str(tmp_path / "clone"), "push", "origin", "HEAD:refs/heads/mine")
    assert pushed.returncode != 0
    assert "403" in pushed.stderr


def test_a_repository_that_is_not_there_is_404(endpoints: Mapping[str, str]) -> None:
    url = endpoints["oss_directory_url"].replace("oss-directory", "nothing")
    assert _ask(f"{url}/info/refs?service=git-upload-pack")[0] == 404


def test_a_new_commit_is_served_at_once(endpoints: Mapping[str, str], settings: Settings) -> None:
    bare = settings.sandbox_files.world / "git" / directory.REPOSITORY
    before = git_objects.read_files(bare)
    sha = git_objects.commit_files(bare, {"data/projects/z/zz.yaml": b"{"}, "break it", datetime.now(UTC))
    assert sha in _git("ls-remote", endpoints["oss_directory_url"]).stdout
    git_objects.commit_files(bare, {"data/projects/z/zz.yaml": None}, "correct it", datetime.now(UTC))
    assert git_objects.read_files(bare) == before


def test_the_funding_file_is_served_as_it_is(endpoints: Mapping[str, str], world: SandboxWorld) -> None:
    status, headers, body = _ask(endpoints["oss_funding_url"])
    assert (status, body) == (200, funding.render(world.grants))
    assert parsedate_to_datetime(headers["Last-Modified"]) < world.now


def test_the_funding_file_is_not_sent_twice_to_who_has_it(endpoints: Mapping[str, str]) -> None:
    _, headers, _ = _ask(endpoints["oss_funding_url"])
    assert _ask(endpoints["oss_funding_url"], If_None_Match=headers["ETag"])[::2] == (304, b"")
    assert _ask(endpoints["oss_funding_url"], If_Modified_Since=headers["Last-Modified"])[::2] == (304, b"")
    assert _ask(endpoints["oss_funding_url"], If_None_Match='"another"')[0] == 200


def test_a_changed_funding_file_has_another_etag(endpoints: Mapping[str, str], settings: Settings) -> None:
    path = settings.sandbox_files.world / "oss-funding" / funding.FILE
    content, tag = path.read_bytes(), _ask(endpoints["oss_funding_url"])[1]["ETag"]
    path.write_bytes(content.replace(b"a", b"b"))
    assert _ask(endpoints["oss_funding_url"], If_None_Match=tag)[0] == 200
    path.write_bytes(content)


def test_the_index_page_says_what_the_world_is_and_where(endpoints: Mapping[str, str]) -> None:
    base = endpoints["oss_funding_url"].split("/oss-funding")[0]
    page = _ask(base)[2].decode()
    assert "Everything here is invented" in page
    webhook = endpoints["discord_url"]
    assert [name for name, url in endpoints.items() if url != webhook and html.escape(url) not in page] == []
    assert f"{base}/discord/" in page
    assert webhook not in page  # who has it may speak


@pytest.mark.parametrize(
    "path", ["/git/oss-directory.git/../../manifest.json", "/oss-funding/../manifest.json", "/oss-funding/%2e%2e/x"]
)
def test_nothing_outside_the_served_folders_can_be_read(endpoints: Mapping[str, str], path: str) -> None:
    base = endpoints["oss_funding_url"].split("/oss-funding")[0]
    status, _, body = _ask(base + path)
    assert status >= 400
    assert b"seed" not in body


def test_a_machine_without_git_is_told_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(git_http.GitMissingError, match="git is not installed: install it"):
        git_http.find_backend()


def test_a_git_without_http_backend_is_told_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GIT_EXEC_PATH", str(tmp_path))
    with pytest.raises(git_http.GitMissingError, match="this git has no http-backend"):
        git_http.find_backend()
