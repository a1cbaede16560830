"""Folders of tests that need servers which no test starts: run by who names them, and by nobody else."""

from __future__ import annotations

from pathlib import Path

import pytest


def left_out(folder: Path, path: Path, config: pytest.Config) -> bool | None:
    """Of `pytest_ignore_collect`: whether `path` is to be left out, since it is below `folder` and nobody has named that."""
    name = f"tests/{folder.name}"
    named = any(name in str(argument) for argument in config.invocation_params.args)
    return None if named or not path.is_relative_to(folder) else True


def mark(folder: Path, items: list[pytest.Item], *markers: pytest.MarkDecorator) -> None:
    """Of `pytest_collection_modifyitems`: give every test below `folder` these markers."""
    for item in items:
        if item.path.is_relative_to(folder):
            for marker in markers:
                item.add_marker(marker)
