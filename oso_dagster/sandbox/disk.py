"""The world on disk: one folder with what each family wrote and a manifest of how it was made; replaced whole, or not at all."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from oso_dagster.sandbox.families import truth
from oso_dagster.sandbox.json_files import write_json
from oso_dagster.sandbox.upstreams import families
from oso_dagster.sandbox.world.world import DEFAULT_SEED, SandboxWorld, generate
from oso_dagster.settings import MANIFEST


@dataclass(frozen=True)
class WorldManifest:
    """How a world on disk was made, enough to make it again; `counts` are rows by table, `recipe` names the generator."""

    seed: int
    now: datetime
    recipe: str
    counts: Mapping[str, int]

    def world(self) -> SandboxWorld:
        """The world itself, generated again: the truth to compare with."""
        return generate(self.seed, self.now)

    def fits(self, now: datetime) -> bool:
        """Whether this world may still be served: of the same day (UTC), and made by the generator of this code.

        At midnight a new day falls due, which an older world does not have: its data would look late.
        """
        return self.now.date() == now.date() and self.recipe == _recipe()


def ensure(folder: Path, seed: int | None, now: datetime) -> WorldManifest:
    """The world in `folder`, made (again) when there is none that fits, or another seed is asked for."""
    manifest = read(folder)
    if manifest is not None and manifest.fits(now) and seed in {None, manifest.seed}:
        return manifest
    return make(folder, generate(seed if seed is not None else manifest.seed if manifest else DEFAULT_SEED, now))


def make(folder: Path, world: SandboxWorld) -> WorldManifest:
    """Write `world` as `folder`, in the place of what was there."""
    fresh, old = folder.with_suffix(".new"), folder.with_suffix(".old")
    for leftover in (fresh, old):
        shutil.rmtree(leftover, ignore_errors=True)
    for family in families():
        part = fresh / family.name
        part.mkdir(parents=True)
        family.write(world, part)
    counts = dict(world.counts()) | {name: len(rows) for name, rows in truth(world).items()}
    manifest = WorldManifest(world.seed, world.now, _recipe(), counts)
    write_json(fresh / MANIFEST, asdict(manifest) | {"now": world.now.isoformat()})
    if folder.exists():
        folder.rename(old)
    fresh.rename(folder)
    shutil.rmtree(old, ignore_errors=True)
    return manifest


def read(folder: Path) -> WorldManifest | None:
    """The manifest of the world in `folder`, or None when there is no world."""
    try:
        values = json.loads((folder / MANIFEST).read_text())
    except FileNotFoundError:
        return None
    return WorldManifest(**values | {"now": datetime.fromisoformat(values["now"])})


def _recipe() -> str:
    """Names the generator by its source code: a world made by another version of it is not served."""
    digest = hashlib.sha256()
    for module in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(module.read_bytes())
    return digest.hexdigest()[:16]
