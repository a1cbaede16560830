"""The wheel as it is installed: its metadata, and what it needs."""

from __future__ import annotations

import importlib
import pkgutil
import re
import subprocess
import sys
from importlib.metadata import files, metadata, requires
from importlib.util import find_spec

import dagster_sqlmesh_assets as package

NAME = "dagster-sqlmesh-assets"


def test_it_needs_dagster_sqlmesh_msgspec_and_filelock_only():
    needed = {re.split(r"[<>=!~ ;\[]", line)[0] for line in requires(NAME) or [] if "extra ==" not in line}
    assert needed == {"dagster", "filelock", "msgspec", "sqlmesh"}


def test_the_platform_that_it_was_built_from_is_not_here():
    assert find_spec("oso_dagster") is None
    assert "site-packages" in str(package.__file__)


def test_every_module_of_it_can_be_imported():
    modules = [module.name for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]
    assert len(modules) > 25
    assert all(importlib.import_module(name) for name in modules)


def test_it_is_typed_and_licensed():
    names = {str(path) for path in files(NAME) or []}
    assert "dagster_sqlmesh_assets/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert metadata(NAME)["License-Expression"] == "Apache-2.0"


def test_all_public_names_exist():
    assert all(hasattr(package, name) for name in package.__all__)
    assert {"Project", "sqlmesh_definitions"} <= set(package.__all__)


def test_importing_it_does_not_load_sqlmesh():
    check = "import sys, dagster_sqlmesh_assets; assert 'sqlmesh' not in sys.modules"
    subprocess.run([sys.executable, "-c", check], check=True)
