"""No row of OSS Directory and OSS Funding is lost without being counted: read by the sources, computed by the models.

The directory is the sandbox's, or a real one: a folder with `oss-directory.tgz` (its files) and `oss-funding.csv.gz`, never part
of this repository. `OSO_TEST_DIRECTORY=<folder> pytest -n 0 -s` this file prints what became of its rows.
"""

from __future__ import annotations

import csv
import gzip
import io
import os
import tarfile
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from oso_dagster.domain.catalogue.loading import Extract, ExtractRequest
from oso_dagster.domain.catalogue.truth import SET_ASIDE
from oso_dagster.sandbox.protocols import git_objects
from oso_dagster.sandbox.upstreams import oss_directory as directory_family
from oso_dagster.sandbox.upstreams import oss_funding as funding_family
from oso_dagster.sandbox.world.world import generate
from oso_dagster.sources import catalogue
from tests.sqlmesh_project.quality.small_engine import SmallEngine

LISTS = ("websites", "github", "npm", "crates", "pypi", "go", "open_collective", "defillama", "blockchain")
MODELS = (
    "marts.projects_v1",
    "marts.collections_v1",
    "marts.artifacts_by_project_v1",
    "marts.projects_by_collection_v1",
    "intermediate.int_claims_reconciled",
    "intermediate.int_events_daily__funding",
    "intermediate.int_events_reconciled",
)
WARNINGS = {"networks_known", "grants_name_known_projects"}
"""Audits that name what upstream should put right; what they find is counted, and lost nowhere."""


class Upstream:
    """The files as they are, and how many rows they hold by an own reading."""

    def __init__(self, files: dict[str, bytes], grants: bytes) -> None:
        self.files, self.grants = files, grants
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        self.documents = {
            folder: {
                path: yaml.load(content, Loader=loader)
                for path, content in files.items()
                if path.startswith(f"data/{folder}/") and path.endswith(".yaml")
            }
            for folder in ("projects", "collections")
        }
        csv.field_size_limit(2**24)
        self.grant_rows = list(csv.DictReader(io.StringIO(grants.decode("utf-8"), newline="")))

    def entries(self, without: set[str]) -> Counter[str]:
        """Entries of the lists of all projects, by list; those of some files left out."""
        counted: Counter[str] = Counter()
        for path, document in self.documents["projects"].items():
            if path not in without:
                counted.update({key: len(document.get(key) or ()) for key in LISTS})
                counted["social"] += sum(len(accounts or ()) for accounts in (document.get("social") or {}).values())
        return counted


def of_folder(folder: Path) -> Upstream:
    with tarfile.open(folder / "oss-directory.tgz") as archive:
        members = [member for member in archive if member.isfile()]
        files = {member.name.removeprefix("./"): archive.extractfile(member).read() for member in members}
    return Upstream(files, gzip.decompress((folder / "oss-funding.csv.gz").read_bytes()))


def of_sandbox() -> Upstream:
    world = generate(7, datetime(2026, 11, 30, tzinfo=UTC))
    return Upstream(directory_family.files(world), funding_family.render(world.grants))


@pytest.fixture(scope="module")
def upstream():
    folder = os.environ.get("OSO_TEST_DIRECTORY")
    return of_folder(Path(folder)) if folder else of_sandbox()


class Loaded:
    """What the sources made of it, in an engine on which the models are computed."""

    def __init__(self, upstream: Upstream, folder: Path) -> None:
        git_objects.create(folder / "directory.git")
        git_objects.commit_files(folder / "directory.git", upstream.files, "all", datetime(2026, 11, 30, tzinfo=UTC))
        (folder / "grants.csv").write_bytes(upstream.grants)
        places = {"oss_directory": f"file://{folder / 'directory.git'}", "oss_funding": f"file://{folder / 'grants.csv'}"}
        self.engine = SmallEngine(folder / "cache")
        self.set_aside: dict[str, dict[str, str]] = {}
        for source in catalogue():
            for table in source.tables if source.name in places else ():
                settings = {setting.name: setting.default for setting in source.settings if setting.default is not None}
                request = ExtractRequest(
                    source.name, table.name, datetime.now(UTC), folder, settings | {"url": places[source.name]}
                )
                extract = table.extract(request)
                assert isinstance(extract, Extract)
                self.set_aside[table.name] = dict(extract.facts.get(SET_ASIDE, {}))
                for name, batches in extract.batches.items():
                    for batch in batches:
                        self.engine.insert(f"{source.name}.{name}", batch)
        self.computed = self.engine.compute(MODELS)

    def count(self, table: str, where: str = "TRUE") -> int:
        return self.engine.rows(f"SELECT count(*) FROM {table} WHERE {where}")[0][0]


@pytest.fixture(scope="module")
def loaded(upstream, tmp_path_factory):
    return Loaded(upstream, tmp_path_factory.mktemp("whole"))


def test_every_file_is_a_row_or_set_aside_by_name(upstream, loaded):
    for folder, table in (("projects", "projects"), ("collections", "collections")):
        rows, aside = loaded.count(f"oss_directory.{table}"), loaded.set_aside[table]
        print(f"{folder}: {len(upstream.documents[folder])} files, {rows} rows, set aside {aside}")
        assert rows + len(aside) == len(upstream.documents[folder])


def test_every_entry_of_every_list_is_a_raw_row(upstream, loaded):
    aside = {reason.partition(":")[0] for reason in loaded.set_aside["projects"].values()}
    expected = upstream.entries(aside)
    landed = {key: loaded.count(f"oss_directory.projects__{key}") for key in expected}
    print("entries:", landed)
    assert landed == dict(expected)


def test_every_entry_is_an_artifact_an_organisation_or_rejected_with_a_reason(loaded):
    accounts = loaded.engine.rows("SELECT * FROM intermediate.int_claims_reconciled ORDER BY kind")
    for kind, entries, claims, artifacts, organizations, rejected in accounts:
        print(f"{kind}: {entries} entries, {claims} claims: {artifacts} artifacts, {organizations} owners, {rejected} rejected")
        assert claims == artifacts + organizations + rejected
    raw = sum(loaded.count(f"oss_directory.projects__{key}") for key in (*LISTS, "social"))
    assert sum(account[1] for account in accounts) == raw
    print(
        loaded.engine.rows("SELECT kind, reason, count(*) FROM intermediate.int_rejected_artifacts GROUP BY ALL ORDER BY 3 DESC")
    )


def test_every_membership_is_published_or_names_a_project_that_is_not_there(loaded):
    members = "(SELECT DISTINCT name, unnest(projects) AS project FROM oss_directory.collections)"
    known = loaded.count(members, "project IN (SELECT name FROM oss_directory.projects)")
    dangling = loaded.count(members) - known
    print(f"memberships: {known + dangling}, of which {dangling} name no project")
    published = loaded.count("marts.projects_by_collection_v1", "collection_source = 'OSS_DIRECTORY'")
    assert published == known + dangling


def test_every_grant_is_an_event_with_its_amount(upstream, loaded):
    grants, aside = loaded.count("oss_funding.funding_data"), loaded.set_aside["funding_data"]
    without = loaded.count("intermediate.int_grant_events", "to_artifact_id IS NULL")
    blank = sum(1 for row in upstream.grant_rows if not row["to_project_name"].strip())
    amount = loaded.engine.rows("SELECT sum(amount) FROM intermediate.int_events_daily__funding")[0][0]
    print(f"grants: {len(upstream.grant_rows)} in the file, {grants} raw, set aside {aside}, {without} to nobody, {amount} USD")
    assert aside or grants == len(upstream.grant_rows)
    assert loaded.count("intermediate.int_grant_events") == grants
    assert aside or without == blank
    assert aside or amount == pytest.approx(sum(float(row["amount"]) for row in upstream.grant_rows))
    account = loaded.engine.rows(
        "SELECT held_rows, event_rows FROM intermediate.int_events_reconciled WHERE raw_table LIKE 'oss_f%'"
    )
    assert account == [(grants, grants)]


def test_no_audit_of_these_models_finds_more_than_upstream_should_put_right(loaded):
    findings: Counter[str] = Counter()
    for name in loaded.computed:
        model = loaded.engine.model(name)
        for audit, given in model.audits_with_args:
            arguments = {key: value.sql("trino") for key, value in given.items()}
            findings[audit.name] += loaded.engine.findings(model, audit.name, arguments)
    print("audits:", len(findings), {name: count for name, count in findings.items() if count})
    assert {name for name, count in findings.items() if count} <= WARNINGS
