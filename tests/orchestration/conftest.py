"""What tests of the objectives start from."""

import pytest

from tests.orchestration.shop import load, run


@pytest.fixture
def loaded(instance):
    """Both tables of the shop were loaded."""
    run(instance, load(["shop", "things"]), load(["shop", "prices"]))
