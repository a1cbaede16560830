"""Reading a repository over the transports that git speaks."""

from __future__ import annotations

import os
import time
from pathlib import Path

import psutil
import pytest

from oso_dagster.connectors import git
from tests.support.repository import Repository, empty_repository
from tests.support.web import body, serving

FOLDERS = ("data/projects", "data/collections")


def test_the_newest_commit_is_read_with_its_time_and_only_wanted_files(repository: Repository, tmp_path: Path) -> None:
    remote = git.Remote(repository.url)
    sha = git.head(remote)
    snapshot = git.fetch(remote, tmp_path / "cache", FOLDERS, sha)
    files = list(git.read(snapshot, "data/projects", ".yaml"))
    assert snapshot.sha == sha == repository.git("rev-parse", "HEAD")
    assert snapshot.committed_at.timestamp() == int(repository.git("show", "--no-patch", "--format=%ct"))
    assert [file.path for file in files] == [f"data/projects/{name[0]}/{name}.yaml" for name in ("alpha", "beta", "gamma")]
    assert files[0].content.decode() == (repository.path / "data/projects/a/alpha.yaml").read_text()


def test_a_server_that_filters_sends_only_the_wanted_blobs(repository: Repository, tmp_path: Path) -> None:
    repository.git("config", "uploadpack.allowFilter", "true")
    repository.git("config", "uploadpack.allowAnySHA1InWant", "true")
    repository.commit({"data/other/large.yaml": "x" * 100_000})
    remote = git.Remote(repository.url)
    snapshot = git.fetch(remote, tmp_path / "cache", FOLDERS, git.head(remote))
    unwanted = repository.git("rev-parse", "HEAD:data/other/large.yaml")
    local = Repository(snapshot.path).git("rev-list", "--objects", "--missing=print", snapshot.sha)
    assert f"?{unwanted}" in local
    assert len(list(git.read(snapshot, "data/collections", ".yaml"))) == 2


def test_a_commit_that_is_already_there_is_not_fetched_again(repository: Repository, tmp_path: Path) -> None:
    remote = git.Remote(repository.url)
    sha = git.head(remote)
    git.fetch(remote, tmp_path / "cache", FOLDERS, sha)
    repository.path.rename(tmp_path / "gone")
    assert git.fetch(remote, tmp_path / "cache", FOLDERS, sha).sha == sha


def test_a_bare_repository_is_read_like_any_other(repository: Repository, tmp_path: Path) -> None:
    bare = tmp_path / "bare.git"
    repository.git("clone", "--quiet", "--bare", str(repository.path), str(bare))
    remote = git.Remote(bare.as_uri())
    snapshot = git.fetch(remote, tmp_path / "c", FOLDERS, git.head(remote))
    assert len(list(git.read(snapshot, "data/projects", ".yaml"))) == 3


def test_a_damaged_clone_is_made_anew(repository: Repository, tmp_path: Path) -> None:
    remote = git.Remote(repository.url)
    snapshot = git.fetch(remote, tmp_path / "cache", FOLDERS, git.head(remote))
    (snapshot.path / "config").write_text("[core\nbroken")
    sha = repository.commit({"data/projects/d/delta.yaml": "name: delta\n"})
    again = git.fetch(remote, tmp_path / "cache", FOLDERS, sha)
    assert len(list(git.read(again, "data/projects", ".yaml"))) == 4


def test_an_unreachable_repository_is_named_with_gits_own_words(tmp_path: Path) -> None:
    with pytest.raises(git.GitError, match=r"nowhere.*does not appear to be a git repository.*Check the address"):
        git.head(git.Remote((tmp_path / "nowhere").as_uri()))


def test_an_empty_repository_is_an_error_not_an_empty_table(tmp_path: Path) -> None:
    with pytest.raises(git.GitError, match="is empty: it has no commit"):
        git.head(git.Remote(empty_repository(tmp_path / "void").url))


def test_no_credential_shows_in_an_error_or_a_repr() -> None:
    remote = git.Remote("https://someone:hunter2@127.0.0.1:9/x.git", token="t0ken")
    with pytest.raises(git.GitError) as caught:
        git.head(remote)
    assert "hunter2" not in str(caught.value)
    assert "t0ken" not in str(caught.value) + repr(remote)


def test_a_blob_that_is_gone_is_an_error_not_a_missing_file(repository: Repository, tmp_path: Path) -> None:
    remote = git.Remote(repository.url)
    snapshot = git.fetch(remote, tmp_path / "cache", FOLDERS, git.head(remote))
    Repository(snapshot.path).git("remote", "remove", "origin")
    for pack in (snapshot.path / "objects" / "pack").iterdir():
        pack.rename(tmp_path / pack.name)
    Repository(snapshot.path).git("init", "--quiet", "--bare")
    with pytest.raises(git.GitError):
        list(git.read(snapshot, "data/projects", ".yaml"))


def test_what_git_starts_ends_with_it_at_the_deadline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    marker = tmp_path / "child"
    (tmp_path / "git-remote-slow").write_text(f"#!/bin/sh\necho $$ > {marker}\nexec sleep 600\n")
    (tmp_path / "git-remote-slow").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(git, "TIMEOUT_SECONDS", 1.0)
    began = time.monotonic()
    with pytest.raises(git.GitError, match="git ls-remote took more than 1 s"):
        git.head(git.Remote("slow::address"))
    assert time.monotonic() - began < 30
    child = int(marker.read_text())
    deadline = time.monotonic() + 10
    while psutil.pid_exists(child) and psutil.Process(child).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.05)


ADVERTISED = b"001e# service=git-upload-pack\n0000000eversion 2\n0013ls-refs=unborn\n0000"


@pytest.mark.server
@pytest.mark.parametrize("token", ["t0ken", None])
def test_a_token_does_not_follow_to_another_host(token: str | None) -> None:
    with serving() as first, serving() as other:
        place = f"{other.url}/x.git/info/refs?service=git-upload-pack"
        first.says(body(b"", 301, Location=place))
        other.says(body(ADVERTISED, Content_Type="application/x-git-upload-pack-advertisement"), body(b"", 404))
        with pytest.raises(git.GitError) as refused:
            git.head(git.Remote(f"{first.url}/x.git", token=token))
        asked = [(method, headers.get("Authorization")) for method, _, headers, _ in other.asked]
    assert ("Authorization" in first.asked[0][2]) == (token is not None)
    assert [authorization for _, authorization in asked if authorization] == []
    if token is None:
        assert ("POST", None) in asked, "without a token git goes where it is sent to"
    else:
        assert asked == []
        assert "redirect" in str(refused.value)
