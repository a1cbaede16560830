"""GitHub: what happens in all public repositories (GH Archive); what the directory's repositories are and depend on (REST)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from oso_dagster.connectors.http.rest import Client, pace_setting
from oso_dagster.connectors.undeclared import Known
from oso_dagster.domain.catalogue.loading import UNKNOWN_FIELDS, Extract, ExtractRequest, Unchanged
from oso_dagster.domain.catalogue.source import (
    Child,
    Column,
    ColumnType,
    Cost,
    Disposition,
    Schedule,
    Setting,
    SettingKind,
    Source,
    Stability,
    Table,
)
from oso_dagster.domain.catalogue.truth import ITEMS_ASKED, RENAMED
from oso_dagster.sources._github import archived_events
from oso_dagster.sources._github.columns import number, text, time
from oso_dagster.sources._github.repositories import repository_tables
from oso_dagster.sources._second_counts.github import STARS_AND_FORKS

_URLS, _NAMES = "oss_directory.projects__github.url", "github.repositories.name_with_owner"
_API = "https://api.github.com"


_REPOSITORIES = (
    text("key", "GitHub's id as text; name:owner/name where GitHub knows no such repository", nullable=False),
    number("id", "GitHub's id, which a repository keeps when it is renamed; null where it was never found"),
    text("node_id", "Id in GitHub's GraphQL API"),
    text("owner", "Login of the owner", nullable=False),
    text("name", "Name; * where a whole owner was not found", nullable=False),
    text("name_with_owner", "owner/name as it is now, or was last", nullable=False),
    text("url", "Address for people"),
    Column("is_fork", ColumnType.BOOLEAN, "Whether it is a fork"),
    Column("is_archived", ColumnType.BOOLEAN, "Whether its owner has archived it"),
    text("branch", "Default branch"),
    number("fork_count", "Forks"),
    number("star_count", "Stars"),
    number("watcher_count", "Accounts that watch it; null where it came with the listing of its owner"),
    text("license_spdx_id", "Licence, by its SPDX id; NOASSERTION where GitHub does not recognise it"),
    text("license_name", "Licence, for people"),
    text("language", "Main language"),
    time("created_at", "When it was created"),
    time("updated_at", "When its settings changed last"),
    time("pushed_at", "When it was pushed to last"),
    text(
        "status",
        "found; renamed (a requested name is not its name any more); gone (deleted, private or never there)",
        nullable=False,
    ),
    Column("requested_names", ColumnType.VARCHARS, "owner/name, in lower case, under which it was asked for or listed"),
    time("checked_at", "When GitHub last said something new of it", nullable=False),
)
_SBOM = (
    text("repository", "owner/name, in lower case", nullable=False),
    text("status", "found, or absent: no dependency graph, or no such repository", nullable=False),
    number("package_count", "Packages that the document names", nullable=False),
    time("created_at", "When GitHub made the document"),
    time("checked_at", "When it was asked for", nullable=False),
)
_PACKAGES = (
    text("repository", "owner/name, in lower case", nullable=False),
    number("position", "Place in the document, from 0; the first is usually the repository itself", nullable=False),
    text("spdx_id", "Id in the document", nullable=False),
    text("purl", "Package URL, as it stands in the document"),
    text("system", "Package system, by the type of its package URL: npm, cargo, pypi, golang, maven, github …"),
    text("name", "Name of the package, with its namespace", nullable=False),
    text("version", "Version, or the range that the manifest allows"),
    text("license", "Licence, as SPDX writes it"),
)


_REPOSITORY = Known.of(
    ["id", "node_id", "full_name", "name", "owner", "html_url", "fork", "archived", "default_branch", "forks_count",
     "stargazers_count", "subscribers_count", "license", "language", "created_at", "updated_at", "pushed_at"],
    pattern=r"url|.*_url|allow_.*|has_.*|.*_commit_(title|message)|.*_as_default|private|visibility|disabled|is_template|size|"
    r"description|homepage|watchers|watchers_count|forks|open_issues|open_issues_count|network_count|permissions|role_name|"
    r"temp_clone_token|template_repository|parent|source|organization|security_and_analysis|custom_properties|topics|"
    r"code_of_conduct|delete_branch_on_merge|web_commit_signoff_required|anonymous_access_enabled|master_branch|"
    r"pull_request_creation_policy|score|starred_at",
)  # fmt: skip
"""What GitHub has of a repository: what a row is made of, and what nobody needs, templates of addresses above all."""

_BILL = Known.of(
    ["packages", "creationInfo"],
    pattern="SPDXID|spdxVersion|dataLicense|name|document.*|externalDocumentRefs|relationships|comment",
)
_PACKAGE = Known.of(
    ["SPDXID", "name", "versionInfo", "licenseConcluded", "licenseDeclared", "externalRefs"],
    pattern="annotations|attributionTexts|.*Date|checksums|comment|copyrightText|description|downloadLocation|filesAnalyzed|"
    "hasFiles|homepage|licenseComments|licenseInfoFromFiles|originator|packageFileName|packageVerificationCode|"
    "primaryPackagePurpose|sourceInfo|summary|supplier",
)
"""The same of a bill of materials and of a package in it: the other fields of SPDX 2.3 are left out."""


def _asking(request: ExtractRequest) -> Client:
    from oso_dagster.connectors.github import rest_api  # noqa: PLC0415  (Arrow loads when used)

    settings = request.settings
    return rest_api.client(settings.get("token"), float(settings["requests_per_second"]), request.notes)


def _repositories(request: ExtractRequest) -> Extract:
    """All repositories and owners of OSS Directory, as far as the rate limit allows; the next run goes on. Raises RestError."""
    from oso_dagster.connectors import rounds, undeclared  # noqa: PLC0415  (Arrow loads when used)
    from oso_dagster.connectors.github import repository_rounds, rest_api  # noqa: PLC0415
    from oso_dagster.connectors.items import Items  # noqa: PLC0415

    named, declared = rest_api.addresses(request.inputs[_URLS]), [column.name for column in _REPOSITORIES]
    round_name, folder = f"{request.now:%Y-%m-%d}", request.cache / "github" / request.table
    this_round = rounds.Round.of(round_name, [*named.owners, *named.repositories], request.previous)
    memory = repository_rounds.Memory.of(folder, request.previous)
    run = repository_rounds.Repositories(_asking(request), request.settings["api_url"], memory, _REPOSITORY, request.now)
    facts: dict[str, Any] = {"asked": len(this_round.names), "unusable_urls": len(named.unusable)}
    run.run(this_round, facts, Items.of(request, len(this_round.names), run.names_there()))
    facts |= {"unchanged": run.unchanged, "changed": len(run.rows), "memory": memory.keep(folder)}
    repositories = [dict.fromkeys(declared) | row for row in run.rows.values()]
    rows, _ = undeclared.table_with_news(_REPOSITORIES, repositories)  # rows carry what is new already
    facts[UNKNOWN_FIELDS] = [name for name in run.undeclared(declared) if name not in rows.column_names]
    return Extract(f"{round_name}/{facts['memory']}", {request.table: [rows]}, facts)


def _sbom(request: ExtractRequest) -> Extract | Unchanged:
    """The bills of materials of all known repositories, once a week each, as far as the rate limit allows. Raises RestError."""
    from oso_dagster.connectors import undeclared  # noqa: PLC0415  (Arrow loads when used)
    from oso_dagster.connectors.github import bills  # noqa: PLC0415
    from oso_dagster.connectors.github.core.present_names import PresentNames, follow  # noqa: PLC0415
    from oso_dagster.connectors.items import Items  # noqa: PLC0415
    from oso_dagster.connectors.kept_state import MARK, KeptState  # noqa: PLC0415
    from oso_dagster.connectors.rounds import left_over, round_of  # noqa: PLC0415

    week, previous = f"{request.now:%G-W%V}", request.previous
    known = {name.lower() for name in request.inputs[_NAMES] if not name.endswith("/*")}
    this_round = round_of(week, known, previous)
    if this_round is None:
        return Unchanged(previous.version, previous.facts) if previous else Unchanged(week)
    state = KeptState.of(request)
    facts: dict[str, Any] = {"week": week, "asked": len(this_round.names)}
    asking, api = _asking(request), request.settings["api_url"]
    present = PresentNames()
    if request.settings.get("token"):  # GraphQL answers nobody without one
        held = {name: kept.get("repo_id") for name, kept in state.by_name.items()}
        present = follow(asking, api, this_round.names, held)
    renamed = {before: now for before, now in present.renamed.items() if before not in known}
    run = bills.Bills(asking, api, request.now, _BILL, _PACKAGE)
    documents, packages = [], []
    items = Items.of(request, len(known), (state.by_name.keys() - renamed.keys()) | set(renamed.values()))
    for rows, parts in run.run(this_round, facts, items, left_over(week, previous)):  # rows carry what is new already
        documents.append(undeclared.table_with_news(_SBOM, rows)[0])
        packages.append(undeclared.table_with_news(_PACKAGES, parts)[0])
    kept_names = (items.known - items.gone.keys()) | set(run.found)
    state.by_name = {name: {"repo_id": present.ids[name]} if name in present.ids else {} for name in kept_names}
    facts |= {RENAMED: renamed} if renamed else {}
    facts |= {"found": len(run.found), MARK: state.keep(), ITEMS_ASKED: len(known), UNKNOWN_FIELDS: sorted(run.unknown)}
    batches = {request.table: documents, f"{request.table}__packages": packages}
    return Extract(f"{week}/{len(this_round.names)}", batches, facts)


SOURCE = Source(
    name="github",
    title="GitHub and GH Archive",
    homepage="https://www.gharchive.org",
    licence="GitHub's terms of service; GH Archive's own work is MIT",
    owner="team:data",
    stability=Stability.CORE,
    settings=(
        *archived_events.SETTINGS,
        Setting("api_url", SettingKind.URL, "Base address of GitHub's REST API", default=_API, endpoint=True),
        Setting("token", SettingKind.SECRET, "Token for GitHub's REST API; without one it answers 60 requests an hour"),
        pace_setting(12),
    ),
    tables=(
        archived_events.TABLE,
        Table(
            name="repositories",
            description="One row per repository that OSS Directory names, itself or by its owner; renamed and deleted ones stay.",
            columns=_REPOSITORIES,
            primary_key=("key",),
            disposition=Disposition.MERGE,
            identity="`key`, GitHub's id of the repository",
            why_not={"bands": "A load brings the repositories of which GitHub says something new"},
            second_count=STARS_AND_FORKS,
            keeps_deleted="Repositories that are gone stay, marked as such",
            item_column="name_with_owner",
            set_aside_share=0.02,
            vanish_share=0.05,
            not_compared=("checked_at",),
            extract=_repositories,
            schedule=Schedule("30 3 * * *"),
            cost=Cost(calls=25_000, bytes=150_000_000, duration=timedelta(minutes=20)),
            fresh_within=timedelta(hours=48),
            resumable=True,
            needs=(_URLS,),
        ),
        Table(
            name="sbom",
            description="One row per repository whose software bill of materials (SPDX) was asked for, once a week.",
            columns=_SBOM,
            children=(Child("packages", "Packages that the bills of materials name", _PACKAGES, ("repository", "position")),),
            primary_key=("repository",),
            disposition=Disposition.MERGE,
            identity="GitHub's id of the repository, asked once of each name with a token; its bill moves to the name of now",
            follows_renames=True,
            why_not={
                "bands": "A load is a part of a week's round over repositories",
                "second_count": "GitHub has no count of bills; a round that finds none is refused",
            },
            keeps_deleted="A repository that is no longer named keeps its last bill of materials",
            item_column="repository",
            set_aside_share=0.05,
            vanish_share=0.05,
            not_compared=("checked_at",),
            extract=_sbom,
            schedule=Schedule("0 5,11,17,23 * * *"),
            cost=Cost(calls=75_000, bytes=2_000_000_000, duration=timedelta(minutes=20)),
            fresh_within=timedelta(days=8),
            resumable=True,
            needs=(_NAMES,),
        ),
        *repository_tables(archived_events.COLUMNS),
    ),
)
