"""Real servers that speak the protocols of object stores, on loopback: Google's and Amazon's.

Use: `from tests.support.object_stores import bucket` in a test module, and take `bucket`: its address, and how to read an object.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import quote
from urllib.request import Request, urlopen

import fsspec
import pytest


@dataclass(frozen=True)
class Bucket:
    """`url` is what the platform is told; `environment` what its drivers need; `get` reads an object: its text and headers."""

    url: str
    environment: dict[str, str]
    get: Callable[[str], tuple[str, dict[str, str]]]

    def kinds_of(self, kind: str) -> set[str]:
        """What the server makes of a content type: Google's stand-in forgets its parameters."""
        return {kind.partition(";")[0]} if self.url.startswith("gs:") else {kind}

    def names(self) -> set[str]:
        """The objects below `url`."""
        store, base = fsspec.core.url_to_fs(self.url)
        store.invalidate_cache()
        return {name.removeprefix(f"{base}/") for name in store.find(base)}


def _fetch(url: str) -> tuple[str, dict[str, str]]:
    with urlopen(url) as answer:
        return answer.read().decode(), {name.title(): value for name, value in answer.headers.items()}


@pytest.fixture(params=["gs", "s3"])
def bucket(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """An empty bucket of each kind of server."""
    yield from (_google if request.param == "gs" else _amazon)(monkeypatch)
    fsspec.get_filesystem_class(request.param).clear_instance_cache()


def _google(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    from gcp_storage_emulator.server import create_server

    server = create_server("127.0.0.1", 0, in_memory=True, default_bucket="public")
    server.start()
    port = server._api._httpd.server_port
    origin = f"http://127.0.0.1:{port}"
    # Without the second, each first access asks for a service that the server does not have, and waits a minute.
    environment = {"STORAGE_EMULATOR_HOST": origin, "GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false", "FSSPEC_GS_TOKEN": "anon"}
    _apply(monkeypatch, environment, "gs", {"token": "anon", "endpoint_url": origin})

    def get(name: str) -> tuple[str, dict[str, str]]:
        where = f"{origin}/storage/v1/b/public/o/{quote(f'status/{name}', safe='')}"
        text, _ = _fetch(f"{where}?alt=media")
        about = json.loads(_fetch(where)[0])
        return text, {"Content-Type": about["contentType"], "Cache-Control": about.get("cacheControl", "")}

    yield Bucket("gs://public/status", environment, get)
    server.stop()


def _amazon(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    origin = f"http://127.0.0.1:{server.get_host_and_port()[1]}"
    environment = {
        "AWS_ENDPOINT_URL_S3": origin,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    _apply(monkeypatch, environment, "s3", {})
    store = fsspec.filesystem("s3")
    store.mkdir("public", acl="public-read")

    def get(name: str) -> tuple[str, dict[str, str]]:
        return _fetch(f"{origin}/public/status/{quote(name)}")

    yield Bucket("s3://public/status", environment, get)
    urlopen(Request(f"{origin}/moto-api/reset", method="POST")).close()  # its state outlives its server
    server.stop()


def _apply(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], scheme: str, options: dict[str, str]) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setitem(fsspec.config.conf, scheme, options)
    fsspec.get_filesystem_class(scheme).clear_instance_cache()
