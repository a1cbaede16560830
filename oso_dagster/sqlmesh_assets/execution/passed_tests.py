"""Which unit tests passed with the very same test, model and upstream models: run again they say the same. Imports SQLMesh.

A test runs on rows of its own, so what it finds hangs on the text of the test, on its model and all models above it (the types of
what it reads, SQL that is embedded), on the connection of tests, and on the versions of what computes and compares. Each pass is
kept as a checksum of these, in the project's cache: where that is empty all tests run. Not kept is what hangs on more: a test
that reads a file, and one whose model may read the clock while the test does not say the time.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

_COMPUTED_BY = ("sqlmesh", "sqlglot", "duckdb", "pandas", "numpy")
_CLOCK = re.compile(
    r"execution_|start_d|end_d|start_t|end_t|start_e|end_e|latest_|current_|currentd|currentt|\bnow\b|today|localtime|random|uuid",
    re.IGNORECASE,
)


class PassedTests:
    """The passes that are kept of the tests of one gateway; `path` is their file."""

    def __init__(self, context: Any) -> None:
        self.path = Path(context.cache_dir) / f"passed_unit_tests-{context.selected_gateway}.json"
        self._context = context
        self._kept: frozenset[str] = _read(self.path)
        about = (sys.version, *map(version, _COMPUTED_BY), context.default_catalog, repr(context.test_connection_config))
        self._about = "\0".join(map(str, about))
        self._keys = {test.fully_qualified_test_name: self._key(test) for test in context.select_tests()}

    def stand(self, name: str) -> bool:
        """Whether this test, by the name with which SQLMesh tells all of them apart, passed as it is."""
        return self._keys.get(name) in self._kept

    def keep(self, passed: Iterable[str]) -> None:
        """Keep that these passed, and no other: what failed, or is gone, is forgotten."""
        keys = sorted({key for name in passed if (key := self._keys.get(name))})
        self.path.parent.mkdir(parents=True, exist_ok=True)
        written = self.path.with_suffix(".written")
        written.write_text(json.dumps(keys), encoding="utf-8")
        written.replace(self.path)

    def _key(self, test: Any) -> str | None:
        """None where a pass says nothing of the next time."""
        model = self._context.get_model(test.model_name) if test.model_name else None
        if model is None or _reads_files(test.body) or (_reads_clock(model) and not _says_time(test.body)):
            return None
        digest = hashlib.sha256(self._about.encode())
        digest.update(f"\0{test.test_name}\0{json.dumps(test.body, default=repr)}".encode())
        for each in self._upstream(model):
            digest.update(f"\0{each.fqn}\0{each.data_hash}\0{each.columns_to_types}".encode())
        return digest.hexdigest()

    def _upstream(self, model: Any) -> Iterator[Any]:
        """The model and all above it, in one order."""
        models, waiting, seen = self._context.models, [model.fqn], {model.fqn}
        while waiting:
            new = {name for name in models[waiting.pop()].depends_on if name in models} - seen
            seen |= new
            waiting += new
        return (models[name] for name in sorted(seen))


def _read(path: Path) -> frozenset[str]:
    """Nothing is kept where the file is not whole: then all tests run."""
    try:
        keys = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return frozenset()
    return frozenset(keys) if isinstance(keys, list) else frozenset()


def _reads_files(body: object) -> bool:
    if isinstance(body, Mapping):
        return "path" in body or any(_reads_files(value) for value in body.values())
    return isinstance(body, list) and any(_reads_files(value) for value in body)


def _says_time(body: Mapping[str, Any]) -> bool:
    return "execution_time" in (body.get("vars") or {})


def _reads_clock(model: Any) -> bool:
    query = getattr(model, "query", None)
    if query is None:  # a model in Python may read anything
        return True
    return any(_CLOCK.search(text) for text in (query.sql(), *(code.payload for code in model.python_env.values())))
