"""Upstreams that changed can be switched to what they were before: their sources read that as well."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from oso_dagster.domain.catalogue.loading import UNKNOWN_FIELDS, Loaded
from oso_dagster.sandbox.upstreams import deps_dev, families, gharchive, growthepie, l2beat, open_collective
from oso_dagster.sandbox.world import forge
from oso_dagster.sources.deps_dev import SOURCE as DEPS_DEV
from oso_dagster.sources.growthepie import SOURCE as GROWTHEPIE
from oso_dagster.sources.l2beat import SOURCE as L2BEAT
from oso_dagster.sources.open_collective import SOURCE as OPEN_COLLECTIVE
from tests.support.landing import NOW, WORLD, landing, named, spoil

pytestmark = pytest.mark.server


def test_these_can_be_switched() -> None:
    """The old call for bills of materials is asked in test_github_schemas, Giveth's older API in tests/sources/test_giveth.py."""
    switched = {family.name for family in families() if "former" in family.faults}
    assert switched == {"deps-dev", "gharchive", "github-api", "giveth", "growthepie", "l2beat", "op-atlas", "open-collective"}


def test_l2beat_told_who_is_upcoming_and_named_one_provider(tmp_path: Path) -> None:
    with landing(L2BEAT, tmp_path, {}) as there:
        spoil(there, "former")
        there.load("projects")
        rows = {row["slug"]: row for row in there.rows("projects")}
        assert {slug for slug, row in rows.items() if row["is_upcoming"]} == {l2beat.UPCOMING}
        plain = {row["slug"]: row["providers"] or None for row in there.truth("projects")}
        assert {slug: row["providers"] for slug, row in rows.items()} == plain


def test_deps_dev_said_of_no_version_whether_it_is_deprecated(tmp_path: Path) -> None:
    inputs = {f"oss_directory.projects__{kind}.url": named(WORLD, kind) for kind in ("npm", "crates", "pypi", "go")}
    known = deps_dev.document(WORLD)
    assert "isDeprecated" in str(known)
    with landing(DEPS_DEV, tmp_path, inputs | {"github.sbom__packages.purl": []}) as there:
        there.settings = {"packages_per_run": "25000"}
        spoil(there, "former")
        loaded = there.load("packages")
        assert isinstance(loaded, Loaded)
        assert not loaded.record.facts.get(UNKNOWN_FIELDS)
        asked = {f"{row['system']}/{row['name']}" for row in there.rows("packages")}
        true = [row for row in there.truth("packages") if f"{row['system']}/{row['name']}" in asked]
        assert [{name: row[name] for name in true[0]} for row in there.rows("packages")] == true


def test_open_collective_had_nine_fields_less(tmp_path: Path) -> None:
    with landing(
        OPEN_COLLECTIVE, tmp_path, {"oss_directory.projects__open_collective.url": named(WORLD, "open_collective")}
    ) as there:
        spoil(there, "former")
        loaded = there.load("accounts")
        assert isinstance(loaded, Loaded)
        assert not loaded.record.facts.get(UNKNOWN_FIELDS)
        assert there.rows("accounts") == there.truth("accounts")
    added = open_collective._SCHEMA.count(":") - open_collective.former_schema().count(":")
    assert added == 9 + 3, "three of them take an argument"


def test_growthepie_had_one_file_of_all(tmp_path: Path) -> None:
    with landing(GROWTHEPIE, tmp_path, {}) as there:
        there.settings["url"] = f"{there.url}/fundamentals_full.json"
        spoil(there, "former")
        there.load("fundamentals")
        assert there.rows("fundamentals") == there.truth("fundamentals")
        assert {row["metric_key"] for row in there.rows("fundamentals")} == set(growthepie.METRICS)


def test_gh_archive_had_the_commits_of_a_push_and_whole_pull_requests() -> None:
    hour = NOW.replace(minute=0, second=0, microsecond=0) - timedelta(days=1)
    made = forge.forge_of(WORLD)
    before, now = (gharchive.file_lines(made, hour, fault) for fault in ("former", None))
    assert {line["id"] for line in before} == {line["id"] for line in now}
    pushes = [[line["payload"] for line in lines if line["type"] == "PushEvent"] for lines in (before, now)]
    assert all(payload["commits"] for payload in pushes[0])
    assert not any("commits" in payload for payload in pushes[1])
