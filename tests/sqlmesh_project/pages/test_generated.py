"""The list of models and the page of metrics are what the project says."""

from __future__ import annotations

import subprocess
import sys

import pytest

from oso_dagster.settings import PROJECT_ROOT

pytestmark = pytest.mark.slow


def test_the_list_of_models_and_the_page_of_metrics_are_what_the_project_says():
    done = subprocess.run(
        [sys.executable, ".ci/model_list.py", "--check"], cwd=PROJECT_ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
