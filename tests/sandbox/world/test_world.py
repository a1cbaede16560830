"""The generator: same seed, same world; every awkward case in it; the truth equal to what is written."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from dataclasses import fields
from datetime import UTC, datetime, timedelta, timezone

import pytest
import yaml
import yaml_rs

from oso_dagster.sandbox.upstreams import oss_directory as directory
from oso_dagster.sandbox.upstreams import oss_funding as funding
from oso_dagster.sandbox.world.awkward import COLLECTION_CASES, EVERYWHERE, GRANT_CASES, PROJECT_CASES, ProjectCase
from oso_dagster.sandbox.world.entities import Project
from oso_dagster.sandbox.world.world import generate, stream
from oso_dagster.sources import catalogue

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
WORLD = generate(7, NOW)


def test_the_same_seed_gives_the_same_world() -> None:
    assert generate(7, NOW) == WORLD


def test_another_seed_gives_another_world() -> None:
    assert generate(8, NOW).projects != WORLD.projects


def test_another_now_moves_dates_and_nothing_else() -> None:
    later = generate(7, NOW + timedelta(days=10, hours=3))
    assert (later.projects, later.collections) == (WORLD.projects, WORLD.collections)
    assert directory.files(later) == directory.files(WORLD)
    moved = {b.funding_date - a.funding_date for a, b in zip(WORLD.grants, later.grants, strict=True)}
    assert moved == {timedelta(days=10)}
    ages = [[world.now - change.when for change in directory.history(world)] for world in (WORLD, later)]
    assert ages[0] == ages[1]


def test_the_zone_that_now_is_told_in_does_not_matter() -> None:
    assert generate(7, NOW.astimezone(timezone(timedelta(hours=5)))) == WORLD


def test_a_now_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        generate(7, NOW.replace(tzinfo=None))


def test_the_families_draw_from_streams_of_their_own() -> None:
    first, again = stream(7, "projects"), stream(7, "projects")
    stream(7, "grants").random()
    assert first.random() == again.random() != stream(7, "grants").random()


def test_the_world_has_the_size_that_was_promised() -> None:
    assert (len(WORLD.projects), len(WORLD.collections), len(WORLD.grants)) == (300, 12, 400)
    assert len({project.name for project in WORLD.projects}) == 300


@pytest.mark.parametrize("case", PROJECT_CASES, ids=lambda case: case.what)
def test_every_world_holds_the_awkward_project(case: ProjectCase) -> None:
    assert case.project in WORLD.projects
    assert case.project in generate(99, NOW).projects


def test_every_world_holds_the_awkward_collections_and_grants() -> None:
    collections = {collection.name: collection for collection in WORLD.collections}
    for case in COLLECTION_CASES:
        kept = collections[case.collection.name]
        assert (kept.display_name, kept.description) == (case.collection.display_name, case.collection.description)
        assert bool(kept.projects) == bool(case.share)
    copies = Counter((grant.to_project_name, grant.amount, json.dumps(grant.metadata)) for grant in WORLD.grants)
    for case in GRANT_CASES:
        assert copies[case.to_project_name, case.amount, json.dumps(case.metadata)] == case.copies


def test_one_project_is_in_every_collection_that_has_members_and_no_membership_dangles() -> None:
    names = {project.name for project in WORLD.projects}
    assert {member for _, member in WORLD.memberships()} <= names
    assert {c for c, member in WORLD.memberships() if member == EVERYWHERE} == {c.name for c in WORLD.collections if c.projects}


def test_the_counts_name_every_landed_table_of_the_sources_they_cover() -> None:
    landed = {f"{source.name}.{name}" for source in catalogue() for table in source.tables for name in table.physical}
    covered = {table.split(".")[0] for table in WORLD.counts()}
    assert set(WORLD.counts()) == {table for table in landed if table.split(".")[0] in covered}
    assert min(WORLD.counts().values()) > 0


def test_the_counts_are_those_of_the_files() -> None:
    documents = [yaml_rs.loads(content.decode()) for path, content in directory.files(WORLD).items() if _is_project(path)]
    counted = Counter(key for document in documents for key, value in document.items() if isinstance(value, list) for _ in value)
    counted["social"] = sum(len(urls) for document in documents for urls in document.get("social", {}).values())
    nested = {table.split("__")[1]: rows for table, rows in WORLD.counts().items() if "__" in table}
    assert nested == {suffix: counted[suffix] for suffix in nested}


def test_every_file_reads_as_its_project_with_both_parsers() -> None:
    files = directory.files(WORLD)
    for project in WORLD.projects:
        text = files[directory.project_path(project.name)].decode()
        assert yaml_rs.loads(text) == yaml.load(text, yaml.CSafeLoader) == directory.project_document(project)
    for collection in WORLD.collections:
        text = files[directory.collection_path(collection.name)].decode()
        assert yaml_rs.loads(text) == yaml.load(text, yaml.CSafeLoader) == directory.collection_document(collection)


def test_a_project_with_an_unknown_list_cannot_be_built() -> None:
    with pytest.raises(ValueError, match="no such list: gitlab"):
        Project("x", links={"gitlab": ()})


def test_the_funding_file_reads_back_as_the_grants() -> None:
    rows = list(csv.DictReader(io.StringIO(funding.render(WORLD.grants).decode(), newline="")))
    assert tuple(rows[0]) == funding.HEADER == tuple(field.name for field in fields(WORLD.grants[0]))
    read = [(r["to_project_name"], float(r["amount"]), r["funding_date"], json.loads(r["metadata"])) for r in rows]
    assert read == [(g.to_project_name, g.amount, g.funding_date.isoformat(), g.metadata) for g in WORLD.grants]


def test_no_grant_is_of_the_future_and_many_have_no_project() -> None:
    assert max(grant.funding_date for grant in WORLD.grants) <= NOW.date()
    assert 40 < sum(not grant.to_project_name for grant in WORLD.grants) < 120


def test_there_is_no_email_address_in_the_world() -> None:
    everything = b"\n".join([*directory.files(WORLD).values(), funding.render(WORLD.grants)]).decode()
    assert re.findall(r"[\w.+-]+@[\w-]+\.[a-z]{2,}", everything) == []


def _is_project(path: str) -> bool:
    return path.startswith("data/projects/") and path.endswith(".yaml")
