"""GitHub: what happens in all public repositories (GH Archive); what the directory's repositories are and depend on (REST)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from oso_dagster.connectors.http.rest import Client, pace_setting
from oso_dagster.connectors.undeclared import Known
from oso_dagster.domain.catalogue.loading import UNKNOWN_FIELDS, Extract, ExtractRequest, RefusedError, Unchanged
from oso_dagster.domain.catalogue.partitions import PartitionKind, Partitions
from oso_dagster.domain.catalogue.source import (
    Child,
    Column,
    ColumnType,
    Cost,
    Disposition,
    Retries,
    Schedule,
    SchemaContract,
    Setting,
    SettingKind,
    Source,
    Stability,
    Table,
)
from oso_dagster.sources._github_repositories import repository_tables

_URLS, _NAMES = "oss_directory.projects__github.url", "github.repositories.name_with_owner"
_ARCHIVE, _API = "https://data.gharchive.org", "https://api.github.com"
_LEAST_PER_DAY = 1_000_000
"""Events that a day of the public archive has at least, in the years that are loaded here; usual are three to five million."""
_KNOWN_SHORT = frozenset(date(2025, 10, day) for day in range(9, 14))
"""Days that are nearly empty at the archive itself (its issue 312)."""


def _text(name: str, description: str, *, nullable: bool = True) -> Column:
    return Column(name, ColumnType.VARCHAR, description, nullable)


def _number(name: str, description: str, *, nullable: bool = True) -> Column:
    return Column(name, ColumnType.BIGINT, description, nullable)


def _time(name: str, description: str, *, nullable: bool = True) -> Column:
    return Column(name, ColumnType.TIMESTAMP, description, nullable)


_EVENTS = (
    _text("id", "Id of the event, unique on GitHub", nullable=False),
    _text("type", "Type of the event, as GitHub names it: PushEvent, IssuesEvent …", nullable=False),
    _number("actor_id", "Id of the account that did it", nullable=False),
    _text("actor_login", "Its name then", nullable=False),
    _number("repo_id", "Id of the repository", nullable=False),
    _text("repo_name", "Its owner/name then", nullable=False),
    _number("org_id", "Id of the organisation that owns the repository, if one does"),
    _text("org_login", "Its name then"),
    _time("created_at", "When it happened", nullable=False),
    _text("action", "What was done: opened, closed, reopened, merged, created, published, started …"),
    _number("number", "Number of the issue or pull request in its repository"),
    _text("ref", "Branch or tag that was pushed, created or deleted"),
    _text("ref_type", "What was created or deleted: branch, tag, repository"),
    _number("push_id", "Id of the push"),
    _text("push_head", "Commit that the branch points at after the push"),
    _text("push_before", "Commit that it pointed at before"),
    _number("push_size", "Commits of the push; null since 2025-10-07"),
    _number("push_distinct_size", "Commits of the push that are new to the repository; null since 2025-10-07"),
    _text("push_regime", "with_commits: the push tells how many; head_only (since 2025-10-07): it counts as one commit"),
    _number("issue_id", "Id of the issue, or of the issue side of a pull request that is commented on"),
    _time("issue_created_at", "When the issue was opened"),
    _time("issue_closed_at", "When the issue was closed"),
    _text("issue_author_login", "Who opened the issue"),
    Column("issue_is_pull_request", ColumnType.BOOLEAN, "Whether the issue is the issue side of a pull request"),
    _number("pull_request_id", "Id of the pull request"),
    _time("pull_request_created_at", "When the pull request was opened; null since 2025-10-07"),
    _time("pull_request_closed_at", "When it was closed; null since 2025-10-07"),
    _time("pull_request_merged_at", "When it was merged; null since 2025-10-07"),
    _text("pull_request_author_login", "Who opened it; null since 2025-10-07"),
    Column("pull_request_is_merged", ColumnType.BOOLEAN, "Whether it is merged; null where the event does not tell"),
    _number("comment_id", "Id of the comment"),
    _number("review_id", "Id of the review"),
    _text("review_state", "Verdict of the review: approved, changes_requested, commented …"),
    _number("release_id", "Id of the release"),
    _text("release_tag_name", "Tag of the release"),
    _number("forkee_id", "Id of the repository that the fork made"),
    _text("forkee_full_name", "Its owner/name"),
)


def _events(request: ExtractRequest) -> Extract:
    """One day of events. Nothing is fetched before the rows are drawn; raises ArchiveError then."""
    from oso_dagster.connectors.github import archive  # noqa: PLC0415  (Arrow loads when used)

    if request.window is None or request.window.start is None:
        raise RefusedError(f"{request.where}: a day is needed; start the load with a partition")
    url, start = request.settings["archive_url"], request.window.start
    day = archive.Day(
        url,
        start,
        least_events=_LEAST_PER_DAY if url == _ARCHIVE else 1,
        known_short=start.date() in _KNOWN_SHORT,
    )
    facts: dict[str, Any] = {}
    folder = request.cache / "gharchive" / request.window.key
    return Extract(f"gharchive/{request.window.key}", {request.table: archive.read(day, _EVENTS, folder, facts)}, facts)


_REPOSITORIES = (
    _text("key", "GitHub's id as text; name:owner/name where GitHub knows no such repository", nullable=False),
    _number("id", "GitHub's id, which a repository keeps when it is renamed; null where it was never found"),
    _text("node_id", "Id in GitHub's GraphQL API"),
    _text("owner", "Login of the owner", nullable=False),
    _text("name", "Name; * where a whole owner was not found", nullable=False),
    _text("name_with_owner", "owner/name as it is now, or was last", nullable=False),
    _text("url", "Address for people"),
    Column("is_fork", ColumnType.BOOLEAN, "Whether it is a fork"),
    Column("is_archived", ColumnType.BOOLEAN, "Whether its owner has archived it"),
    _text("branch", "Default branch"),
    _number("fork_count", "Forks"),
    _number("star_count", "Stars"),
    _number("watcher_count", "Accounts that watch it; null where it came with the listing of its owner"),
    _text("license_spdx_id", "Licence, by its SPDX id; NOASSERTION where GitHub does not recognise it"),
    _text("license_name", "Licence, for people"),
    _text("language", "Main language"),
    _time("created_at", "When it was created"),
    _time("updated_at", "When its settings changed last"),
    _time("pushed_at", "When it was pushed to last"),
    _text(
        "status",
        "found; renamed (a requested name is not its name any more); gone (deleted, private or never there)",
        nullable=False,
    ),
    Column("requested_names", ColumnType.VARCHARS, "owner/name, in lower case, under which it was asked for or listed"),
    _time("checked_at", "When GitHub last said something new of it", nullable=False),
)
_SBOM = (
    _text("repository", "owner/name, in lower case", nullable=False),
    _text("status", "found, or absent: no dependency graph, or no such repository", nullable=False),
    _number("package_count", "Packages that the document names", nullable=False),
    _time("created_at", "When GitHub made the document"),
    _time("checked_at", "When it was asked for", nullable=False),
)
_PACKAGES = (
    _text("repository", "owner/name, in lower case", nullable=False),
    _number("position", "Place in the document, from 0; the first is usually the repository itself", nullable=False),
    _text("spdx_id", "Id in the document", nullable=False),
    _text("purl", "Package URL, as it stands in the document"),
    _text("system", "Package system, by the type of its package URL: npm, cargo, pypi, golang, maven, github …"),
    _text("name", "Name of the package, with its namespace", nullable=False),
    _text("version", "Version, or the range that the manifest allows"),
    _text("license", "Licence, as SPDX writes it"),
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
"""What GitHub tells of a repository: what a row is made of, and what nobody needs, templates of addresses above all."""

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
    return rest_api.client(settings.get("token"), float(settings["requests_per_second"]))


def _repositories(request: ExtractRequest) -> Extract:
    """All repositories and owners of OSS Directory, as far as the rate limit allows; the next run goes on. Raises RestError."""
    from oso_dagster.connectors import rounds, undeclared  # noqa: PLC0415  (Arrow loads when used)
    from oso_dagster.connectors.github import repository_rounds, rest_api  # noqa: PLC0415

    named, declared = rest_api.addresses(request.inputs[_URLS]), [column.name for column in _REPOSITORIES]
    round_name, folder = f"{request.now:%Y-%m-%d}", request.cache / "github" / request.table
    this_round = rounds.Round.of(round_name, [*named.owners, *named.repositories], request.previous)
    memory = repository_rounds.Memory.of(folder, request.previous)
    run = repository_rounds.Repositories(_asking(request), request.settings["api_url"], memory, _REPOSITORY, request.now)
    facts: dict[str, Any] = {"asked": len(this_round.names), "unusable_urls": len(named.unusable)}
    run.run(this_round, facts)
    facts |= {"unchanged": run.unchanged, "changed": len(run.rows), "memory": memory.keep(folder)}
    repositories = [dict.fromkeys(declared) | row for row in run.rows.values()]
    rows, _ = undeclared.table_with_news(_REPOSITORIES, repositories)  # rows carry what is new already
    facts[UNKNOWN_FIELDS] = [name for name in run.undeclared(declared) if name not in rows.column_names]
    return Extract(f"{round_name}/{facts['memory']}", {request.table: [rows]}, facts)


def _sbom(request: ExtractRequest) -> Extract | Unchanged:
    """The bills of materials of all known repositories, once a week each, as far as the rate limit allows. Raises RestError."""
    from oso_dagster.connectors import rounds, undeclared  # noqa: PLC0415  (Arrow loads when used)
    from oso_dagster.connectors.github import bills  # noqa: PLC0415

    week, previous = f"{request.now:%G-W%V}", request.previous
    if previous is not None and previous.facts.get("week") == week and not previous.cut_short:
        return Unchanged(previous.version, previous.facts)
    known = {name.lower() for name in request.inputs[_NAMES] if not name.endswith("/*")}
    this_round = rounds.Round.of(week, known, previous)
    facts: dict[str, Any] = {"week": week, "asked": len(this_round.names)}
    run = bills.Bills(_asking(request), request.settings["api_url"], request.now, _BILL, _PACKAGE)
    documents, packages = [], []
    for rows, parts in run.run(this_round, facts):  # rows carry what is new already
        documents.append(undeclared.table_with_news(_SBOM, rows)[0])
        packages.append(undeclared.table_with_news(_PACKAGES, parts)[0])
    facts |= {"found": run.found, UNKNOWN_FIELDS: sorted(run.unknown)}
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
        Setting("archive_url", SettingKind.URL, "Where GH Archive's hourly files are", default=_ARCHIVE, endpoint=True),
        Setting("api_url", SettingKind.URL, "Base address of GitHub's REST API", default=_API, endpoint=True),
        Setting("token", SettingKind.SECRET, "Token for GitHub's REST API; without one it answers 60 requests an hour"),
        pace_setting(20),
    ),
    tables=(
        Table(
            name="events",
            description="One row per public event of GitHub: pushes, issues, pull requests, stars, forks, releases.",
            columns=_EVENTS,
            primary_key=("id",),
            disposition=Disposition.REPLACE_PARTITION,
            extract=_events,
            schedule=Schedule("0 4 * * *"),
            cost=Cost(calls=24, bytes=2_200_000_000, duration=timedelta(minutes=30)),
            event_time="created_at",
            mix_by=("type",),
            events_within=timedelta(hours=48),
            partitions=Partitions(
                PartitionKind.DAILY,
                datetime(2025, 1, 1, tzinfo=UTC),
                available_after=timedelta(hours=3),
                due_after=timedelta(hours=8),
            ),
            range_in_one_run=True,
            retries=Retries(limit=3, delay=timedelta(minutes=5)),
            contract=SchemaContract.REPORT,  # only what models need is read
        ),
        Table(
            name="repositories",
            description="One row per repository that OSS Directory names, itself or by its owner; renamed and deleted ones stay.",
            columns=_REPOSITORIES,
            primary_key=("key",),
            disposition=Disposition.MERGE,
            keeps_deleted="Repositories that are gone stay, marked as such",
            item_column="name_with_owner",
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
            keeps_deleted="A repository that is no longer named keeps its last bill of materials",
            item_column="repository",
            vanish_share=0.05,
            not_compared=("checked_at",),
            extract=_sbom,
            schedule=Schedule("0 5 * * *"),
            cost=Cost(calls=25_000, bytes=2_000_000_000, duration=timedelta(minutes=20)),
            fresh_within=timedelta(days=8),
            resumable=True,
            needs=(_NAMES,),
        ),
        *repository_tables(_EVENTS),
    ),
)
