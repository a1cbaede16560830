"""The API keys of the settings' world, in a file beside its other stores."""

from __future__ import annotations

from oso_dagster.serving.access.keys import Keys
from oso_dagster.settings import Settings


def keys_of(settings: Settings) -> Keys:
    """Open the keys, and make their file if there is none."""
    return Keys(f"sqlite:///{settings.world_dir / 'serving.db'}")
