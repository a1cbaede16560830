"""The names of the sandbox world's files that two rooms share: the sandbox writes them, the settings read them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

MANIFEST = "manifest.json"
"""In a world's folder: how that world was made, and when."""


@dataclass(frozen=True)
class SandboxFiles:
    """The files of the sandbox world under its folder, `<home>/sandbox-world`."""

    folder: Path

    @property
    def world(self) -> Path:
        """The folder of the generated world: one folder a family, and its manifest."""
        return self.folder / "world"

    @property
    def manifest(self) -> Path:
        """How the world on disk was made; missing before the first one is."""
        return self.world / MANIFEST

    @property
    def endpoints(self) -> Path:
        """Where the world is served, by setting; there while a server runs."""
        return self.folder / "endpoints.json"
