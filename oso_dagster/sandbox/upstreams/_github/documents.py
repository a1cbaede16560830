"""What GitHub's REST API says of repositories and their owners in the sandbox, field by field as its schemas require.

Written from @octokit/openapi 23.0.2 (npm): `full-repository`, `minimal-repository`, `simple-user`, `public-user`,
`organization-full`. tests/sandbox/upstreams/test_github_schemas.py holds the answers to them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from oso_dagster.sandbox.world.forge import Forge, Repository

API = "https://api.sbx.example"
"""The address that documents have for GitHub's API; nothing answers there."""
_WEB = "https://github.com"
_PARTS = {
    "archive": "{archive_format}{/ref}",
    "assignees": "assignees{/user}",
    "blobs": "git/blobs{/sha}",
    "branches": "branches{/branch}",
    "collaborators": "collaborators{/collaborator}",
    "comments": "comments{/number}",
    "commits": "commits{/sha}",
    "compare": "compare/{base}...{head}",
    "contents": "contents/{+path}",
    "contributors": "contributors",
    "deployments": "deployments",
    "downloads": "downloads",
    "events": "events",
    "forks": "forks",
    "git_commits": "git/commits{/sha}",
    "git_refs": "git/refs{/sha}",
    "git_tags": "git/tags{/sha}",
    "hooks": "hooks",
    "issue_comment": "issues/comments{/number}",
    "issue_events": "issues/events{/number}",
    "issues": "issues{/number}",
    "keys": "keys{/key_id}",
    "labels": "labels{/name}",
    "languages": "languages",
    "merges": "merges",
    "milestones": "milestones{/number}",
    "notifications": "notifications{?since,all,participating}",
    "pulls": "pulls{/number}",
    "releases": "releases{/id}",
    "stargazers": "stargazers",
    "statuses": "statuses/{sha}",
    "subscribers": "subscribers",
    "subscription": "subscription",
    "tags": "tags",
    "teams": "teams",
    "trees": "git/trees{/sha}",
}
"""The parts of a repository that have an address, and its template."""
_OF_ACCOUNT = {
    "followers": "followers",
    "following": "following{/other_user}",
    "gists": "gists{/gist_id}",
    "starred": "starred{/owner}{/repo}",
    "subscriptions": "subscriptions",
    "organizations": "orgs",
    "repos": "repos",
    "events": "events{/privacy}",
    "received_events": "received_events",
}
_ALONE = ("network_count", "subscribers_count")
"""What the answer about one repository has and a listing does not."""


def repository(forge: Forge, of: Repository) -> dict[str, Any]:
    """What the API says of a repository that is asked for by itself."""
    address = f"{API}/repos/{of.full_name}"
    counts = {"forks": of.forks, "open_issues": 3, "stargazers": of.stars, "watchers": of.stars}
    started = _text(forge.start)
    return {
        **{f"{part}_url": f"{address}/{path}" for part, path in _PARTS.items()},
        "id": of.id,
        "node_id": of.node_id,
        "name": of.name,
        "full_name": of.full_name,
        "owner": account(of.owner, "User" if of.owner in forge.users else "Organization"),
        "private": False,
        "html_url": f"{_WEB}/{of.full_name}",
        "url": address,
        "description": None,
        "homepage": None,
        "fork": of.fork,
        "archived": False,
        "disabled": False,
        "default_branch": "main",
        **{f"{name}_count": count for name, count in counts.items()},
        **{name: count for name, count in counts.items() if name != "stargazers"},
        "size": 108,
        "language": of.language,
        "license": _licence(of.licence),
        "mirror_url": None,
        "git_url": f"git://github.com/{of.full_name}.git",
        "ssh_url": f"git@github.com:{of.full_name}.git",
        "clone_url": f"{_WEB}/{of.full_name}.git",
        "svn_url": f"{_WEB}/{of.full_name}",
        **dict.fromkeys(("has_issues", "has_projects", "has_wiki"), True),
        **dict.fromkeys(("has_pages", "has_discussions"), False),
        "created_at": _text(of.created_at),
        "updated_at": started,
        "pushed_at": started,
        **dict.fromkeys(_ALONE, of.forks),
    }


def listed(forge: Forge, of: Repository) -> dict[str, Any]:
    """What a listing says of it."""
    return {name: value for name, value in repository(forge, of).items() if name not in _ALONE}


def account(login: str, kind: str, number: int | None = None) -> dict[str, Any]:
    """A user, a bot or an organisation, as it stands in other documents."""
    address = f"{API}/users/{login}"
    return {
        "login": login,
        "id": number or 400_000_000 + sum(map(ord, login)),
        "node_id": f"U_{login}",
        "avatar_url": f"https://avatars.sbx.example/{login}",
        "gravatar_id": "",
        "url": address,
        "html_url": f"{_WEB}/{login}",
        **{f"{part}_url": f"{address}/{path}" for part, path in _OF_ACCOUNT.items()},
        "type": kind,
        "site_admin": False,
    }


def owner(forge: Forge, name: str, kind: str, repositories: Iterable[Repository]) -> dict[str, Any]:
    """An owner that is asked for by name, as `users` or among `orgs`."""
    begun = _text(forge.start)
    about = {
        "public_repos": len(list(repositories)), "public_gists": 0, "followers": 1, "following": 0, "created_at": begun,
        "updated_at": begun,
    }  # fmt: skip
    if kind == "users":
        unknown = ("name", "company", "blog", "location", "email", "hireable", "bio")
        return account(name, "User" if name in forge.users else "Organization") | dict.fromkeys(unknown) | about
    address = f"{API}/orgs/{name}"
    plain = {
        key: value for key, value in account(name, "Organization").items() if key in {"login", "id", "node_id", "avatar_url"}
    }
    links = {f"{part}_url": f"{address}/{part}" for part in ("repos", "events", "hooks", "issues")}
    members = {f"{part}_url": f"{address}/{part}{{/member}}" for part in ("members", "public_members")}
    switches = {"has_organization_projects": True, "has_repository_projects": True}
    named = {"url": address, "html_url": f"{_WEB}/{name}", "description": None, "type": "Organization", "archived_at": None}
    return plain | links | members | switches | named | about


def _licence(licence: tuple[str, str] | None) -> dict[str, Any] | None:
    if licence is None:
        return None
    spdx, name = licence
    key = "other" if spdx == "NOASSERTION" else spdx.lower()
    url = None if spdx == "NOASSERTION" else f"{API}/licenses/{key}"
    return {"key": key, "name": name, "spdx_id": spdx, "url": url, "node_id": f"L_{key}"}


def _text(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")
