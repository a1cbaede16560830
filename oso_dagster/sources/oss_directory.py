"""OSS Directory: the registry of projects and collections, kept as YAML files in a git repository."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from oso_dagster.domain.catalogue.loading import UNKNOWN_FIELDS, Extract, ExtractRequest, RefusedError, Unchanged
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
from oso_dagster.domain.catalogue.truth import ITEMS_ASKED, SET_ASIDE, refuse_set_aside
from oso_dagster.domain.garbage_collector import no_collections
from oso_dagster.sources._second_counts.oss_directory import files_of

if TYPE_CHECKING:
    from oso_dagster.connectors.git import Snapshot

_ORIGIN = (
    Column("schema_version", ColumnType.BIGINT, "Version of the directory's schema that the file follows"),
    Column("file_path", ColumnType.VARCHAR, "File of the repository that the row was read from", nullable=False),
    Column("commit_sha", ColumnType.VARCHAR, "Commit that was read", nullable=False),
    Column("committed_at", ColumnType.TIMESTAMP, "When that commit was made", nullable=False),
)
_PROJECT_NAME = Column("project_name", ColumnType.VARCHAR, "Project that the entry belongs to", nullable=False)
_POSITION = Column("position", ColumnType.BIGINT, "Place in the list, from 0", nullable=False)
_URL = Column("url", ColumnType.VARCHAR, "Address, as it stands in the file")


def _urls(suffix: str, what: str) -> Child:
    columns = (_PROJECT_NAME, _POSITION, _URL)
    return Child(suffix, f"{what} of projects, one row per entry", columns, ("project_name", "position"), "project_name")


_Document = tuple[str, dict[str, Any]]
_Rows = dict[str, dict[str, list[Any]]]
_FOLDERS = ("data/projects", "data/collections")
_URL_LISTS = ("websites", "github", "npm", "crates", "pypi", "go", "open_collective", "defillama")
_NESTED = (*_URL_LISTS, "blockchain")
_TEXTS = ("name", "display_name", "description", "token_coingecko_api_id")
_KNOWN_FIELDS = {"version", "social", "blockchain", "comments", "projects", *_TEXTS, *_URL_LISTS}
_MOST = 2**63
_SET_ASIDE_SHARE = 0.02
"""Of the files of a folder. Of the 918 states to 2026-08 171 have a bad file; 4 have more of them, none since 2024-05."""
_ADDRESS_FIELDS = {"address", "tags", "networks", "name"}
_PROJECTS = (
    Column("name", ColumnType.VARCHAR, "Name of the project, unique in the directory", nullable=False),
    Column("display_name", ColumnType.VARCHAR, "Name for people"),
    Column("description", ColumnType.VARCHAR, "What the project is"),
    Column("comments", ColumnType.VARCHARS, "Remarks of the directory's curators"),
    Column("token_coingecko_api_id", ColumnType.VARCHAR, "Id of the project's token at CoinGecko"),
    *_ORIGIN,
)
_CHILDREN = (
    _urls("websites", "Websites"),
    _urls("github", "GitHub repositories and organisations"),
    _urls("npm", "npm packages"),
    _urls("crates", "Rust crates"),
    _urls("pypi", "Python packages"),
    _urls("go", "Go modules"),
    _urls("open_collective", "Open Collective accounts"),
    _urls("defillama", "DefiLlama protocols"),
    Child(
        "social",
        "Social accounts of projects, one row per entry",
        (_PROJECT_NAME, Column("platform", ColumnType.VARCHAR, "twitter, farcaster …", nullable=False), _POSITION, _URL),
        ("project_name", "platform", "position"),
        "project_name",
    ),
    Child(
        "blockchain",
        "Addresses of projects on blockchains, one row per entry",
        (
            _PROJECT_NAME,
            _POSITION,
            Column("address", ColumnType.VARCHAR, "Address, as it stands in the file"),
            Column("name", ColumnType.VARCHAR, "Name of the address"),
            Column("tags", ColumnType.VARCHARS, "What it is: contract, deployer, eoa, safe …"),
            Column("networks", ColumnType.VARCHARS, "Networks it lives on; any_evm stands for every EVM chain"),
        ),
        ("project_name", "position"),
        "project_name",
    ),
)
_COLLECTIONS = (
    Column("name", ColumnType.VARCHAR, "Name of the collection, unique in the directory", nullable=False),
    Column("display_name", ColumnType.VARCHAR, "Name for people"),
    Column("description", ColumnType.VARCHAR, "What the collection gathers"),
    Column("projects", ColumnType.VARCHARS, "Names of its projects"),
    Column("comments", ColumnType.VARCHARS, "Remarks of the directory's curators"),
    *_ORIGIN,
)


def _extract(request: ExtractRequest) -> Extract | Unchanged:
    """Read the newest commit; one that was loaded before is not fetched again. Each of the two tables is one folder."""
    # Arrow and git load when used, not with the definitions.
    from oso_dagster.connectors import git  # noqa: PLC0415

    remote = git.Remote(request.settings["url"], request.settings.get("token"))
    sha = git.head(remote)
    if request.previous is not None and request.previous.version == sha:
        return Unchanged(sha, request.previous.facts)
    snapshot = git.fetch(remote, request.cache, _FOLDERS, sha)
    with no_collections():  # until the documents are gone again
        return _read(request, snapshot)


def _read(request: ExtractRequest, snapshot: Snapshot) -> Extract:
    from oso_dagster.connectors import git, yaml_files  # noqa: PLC0415
    from oso_dagster.connectors.arrow import table_of  # noqa: PLC0415
    from oso_dagster.connectors.undeclared import Known, beside  # noqa: PLC0415

    documents, bad = yaml_files.parse(git.read(snapshot, f"data/{request.table}", ".yaml"))
    rejected = {file.path: file.reason for file in bad}
    rejected |= {path: reason for path, document in documents if (reason := _misfit(document))}
    rejected |= yaml_files.named_twice((path, document["name"]) for path, document in documents if path not in rejected)
    aside = {yaml_files.stem(path): f"{path}: {reason}" for path, reason in sorted(rejected.items())}
    facts: dict[str, Any] = {ITEMS_ASKED: len(documents) + len(bad)} | ({SET_ASIDE: aside} if aside else {})
    _refuse(request, facts, rejected)
    good = [(path, document) for path, document in documents if path not in rejected]
    table = next(table for table in SOURCE.tables if table.name == request.table)
    rows = _parents(table, good, snapshot.sha, snapshot.committed_at) | _children(table, good)
    batches = {name: table_of(columns, rows[name]) for name, columns in table.physical.items()}
    news = {f"{key}.{name}" for key in _NESTED for name in _entry_fields(good, key)}
    batches[table.name] = beside(batches[table.name], [document for _, document in good], Known.of(_KNOWN_FIELDS), news)
    facts |= {
        "commit_sha": snapshot.sha,
        "committed_at": snapshot.committed_at.isoformat(),
        "files": facts[ITEMS_ASKED],
        "rejected_files": list(aside.values()),
        UNKNOWN_FIELDS: sorted(news),
    }
    return Extract(snapshot.sha, {name: [rows_] for name, rows_ in batches.items()}, facts)


def _entry_fields(documents: list[_Document], key: str) -> set[str]:
    """The fields of a nested list's entries that nobody declared: reported, since each list has a table of its own."""
    known = _ADDRESS_FIELDS if key == "blockchain" else {"url"}
    return {name for _, document in documents for entry in document.get(key) or () for name in entry} - known


def _refuse(request: ExtractRequest, facts: dict[str, Any], reasons: dict[str, str]) -> None:
    """Refuse a folder with no files, or with a larger share of bad ones than is allowed; every bad file is named."""
    where = request.where
    if not facts[ITEMS_ASKED]:
        raise RefusedError(f"{where}: the repository has no file data/{request.table}/**/*.yaml; is this the right repository?")
    if refuse_set_aside(facts, float(request.settings["max_bad_share"])):
        named = "\n".join(f"  {path}: {reason}" for path, reason in sorted(reasons.items()))
        raise RefusedError(
            f"{where}: {len(reasons):,} of {facts[ITEMS_ASKED]:,} files cannot be used:\n{named}\n"
            "Correct them upstream. OSO_OSS_DIRECTORY_MAX_BAD_SHARE is the allowed share; the old rows stay."
        )


def _misfit(document: dict[str, Any]) -> str | None:
    """Why a document is not one of the directory, or None."""
    if not document.get("name"):
        return "it has no name"
    version = document.get("version")
    if version is not None and (type(version) is not int or not -_MOST < version < _MOST):
        return f"version must be a whole number, not {version!r}"
    for key in _TEXTS:
        if not isinstance(document.get(key, ""), str):
            return f"{key} must be text, not {document[key]!r}"
    for key in ("projects", "comments"):
        if not _is_texts(document.get(key) or []):
            return f"{key} must be a list of texts"
    social = document.get("social") or {}
    if not isinstance(social, dict):
        return "social must be a mapping of platforms"
    lists = {key: document[key] for key in _NESTED if key in document} | {f"social.{key}": social[key] for key in social}
    return next((reason for key, entries in lists.items() if entries and (reason := _misfit_entries(key, entries))), None)


def _misfit_entries(key: str, entries: Any) -> str | None:
    if not isinstance(entries, list):
        return f"{key} must be a list"
    required = "address" if key == "blockchain" else "url"
    for position, entry in enumerate(entries):
        if type(entry) is not dict or type(entry.get(required)) is not str:
            return f"{key}[{position}] has no {required}"
    return _misfit_addresses(entries) if key == "blockchain" else None


def _misfit_addresses(entries: list[dict[str, Any]]) -> str | None:
    for position, entry in enumerate(entries):
        if not (_is_texts(entry.get("tags") or []) and _is_texts(entry.get("networks") or [])):
            return f"blockchain[{position}]: tags and networks must be lists of texts"
        if type(entry.get("name", "")) is not str:
            return f"blockchain[{position}].name must be text"
    return None


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and set(map(type, value)) <= {str}


def _parents(table: Table, documents: list[_Document], sha: str, committed_at: datetime) -> _Rows:
    count = len(documents)
    origin: dict[str, list[Any]] = {
        "schema_version": [document.get("version") for _, document in documents],
        "file_path": [path for path, _ in documents],
        "commit_sha": [sha] * count,
        "committed_at": [committed_at] * count,
    }
    names = [column.name for column in table.columns if column.name not in origin]
    own: dict[str, list[Any]] = {name: [document.get(name) for _, document in documents] for name in names}
    return {table.name: own | origin}


def _children(table: Table, documents: list[_Document]) -> _Rows:
    """One row per entry of each nested list, keyed by its project and its place in the list."""
    rows: _Rows = {f"{table.name}__{child.suffix}": {c.name: [] for c in child.columns} for child in table.children}
    for _, document in documents if rows else ():
        for key in _NESTED:
            if entries := document.get(key):
                _append(rows[f"projects__{key}"], document["name"], entries)
        for platform, entries in (document.get("social") or {}).items():
            _append(rows["projects__social"], document["name"], entries or [], platform)
    return rows


def _append(columns: dict[str, list[Any]], project: str, entries: list[dict[str, Any]], platform: str | None = None) -> None:
    columns["project_name"] += [project] * len(entries)
    columns["position"] += range(len(entries))
    if platform is not None:
        columns["platform"] += [platform] * len(entries)
    for name in columns.keys() - {"project_name", "position", "platform"}:
        columns[name] += [entry.get(name) for entry in entries]


def _table(name: str, description: str, columns: tuple[Column, ...], size: int) -> Table:
    return Table(
        name=name,
        description=description,
        columns=columns,
        children=_CHILDREN if name == "projects" else (),
        primary_key=("name",),
        disposition=Disposition.REPLACE,
        extract=_extract,
        schedule=Schedule("0 2 * * *"),
        cost=Cost(calls=3, bytes=size),
        second_count=files_of(_FOLDERS),
        why_not={"bands": "Files that people write, neither a feed nor amounts; they are counted in git as well"},
        fresh_within=timedelta(hours=36),
        item_column="name",
        set_aside_share=_SET_ASIDE_SHARE,
        not_compared=("commit_sha", "committed_at"),
    )


SOURCE = Source(
    name="oss_directory",
    title="OSS Directory",
    homepage="https://github.com/opensource-observer/oss-directory",
    licence="MIT",
    owner="team:data",
    stability=Stability.CORE,
    settings=(
        Setting(
            "url",
            SettingKind.URL,
            "Git repository: https://…, ssh://…, git@host:path or file://…",
            default="https://github.com/opensource-observer/oss-directory.git",
            endpoint=True,
        ),
        Setting("token", SettingKind.SECRET, "Token for a private repository over https; sent as a header"),
        Setting(
            "max_bad_share",
            SettingKind.RATIO,
            "Share of files that may be bad before the load is refused; up to 2 %, and one of two or more unless it is 0",
            default=str(_SET_ASIDE_SHARE),
        ),
    ),
    tables=(
        _table(
            "projects", "One row per project of the directory; its lists of addresses are child tables.", _PROJECTS, 3_000_000
        ),
        _table("collections", "One row per collection of the directory, with the names of its projects.", _COLLECTIONS, 100_000),
    ),
)
