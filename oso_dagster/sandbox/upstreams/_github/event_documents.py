"""An event as the feed of a repository shows it in the sandbox: that of its GH Archive, with all that GitHub's schema requires.

Written from @octokit/openapi 23.0.2 (npm), schema `event` and those of its payloads (`push-event`, `issues-event` …), of which a
pull request is `pull-request-minimal`. tests/sandbox/upstreams/test_github_schemas.py holds the answers to them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from oso_dagster.sandbox.upstreams._github.documents import API, account

_Document = dict[str, Any]


def complete(event: Mapping[str, Any]) -> _Document:
    """The event with everything that the schema requires of it."""
    actor = _person(event["actor"])
    whole = dict(event) | {"actor": actor, "repo": dict(event["repo"]) | {"url": _address(event)}}
    if "org" in event:
        whole["org"] = _person(event["org"])
    return whole | {"payload": dict(event["payload"]) | _MORE.get(event["type"], _nothing)(event)}


def _nothing(_event: Mapping[str, Any]) -> _Document:
    return {}


def _address(event: Mapping[str, Any]) -> str:
    return f"{API}/repos/{event['repo']['name']}"


def _person(actor: Mapping[str, Any]) -> _Document:
    login = actor["login"]
    return dict(actor) | {"url": f"{API}/users/{login}", "avatar_url": f"https://avatars.sbx.example/{login}"}


def _user(event: Mapping[str, Any]) -> _Document:
    login = event["actor"]["login"]
    return account(login, "Bot" if login.endswith("[bot]") else "User", event["actor"]["id"])


def _issue(event: Mapping[str, Any]) -> _Document:
    issue, repository = event["payload"]["issue"], _address(event)
    address = f"{repository}/issues/{issue['number']}"
    links: _Document = {f"{part}_url": f"{address}/{part}" for part in ("comments", "events")}
    if "pull_request" in issue:
        parts = ("url", "html_url", "diff_url", "patch_url")
        links |= {"pull_request": dict.fromkeys(parts, f"{repository}/pulls/{issue['number']}")}
    return {
        **issue, **links,
        "url": address, "html_url": address, "repository_url": repository, "labels_url": f"{address}/labels{{/name}}",
        "node_id": f"I_{issue['id']}", "user": _user(event), "assignee": None, "milestone": None, "labels": [], "comments": 0,
        "state": "closed" if issue["closed_at"] else "open", "locked": False, "updated_at": event["created_at"],
    }  # fmt: skip


def _of_comment(event: Mapping[str, Any]) -> _Document:
    comment, issue = event["payload"]["comment"], _issue(event)
    address = f"{_address(event)}/issues/comments/{comment['id']}"
    return {"issue": issue, "comment": comment | _written(event, f"IC_{comment['id']}", address) | {"issue_url": issue["url"]}}


def _written(event: Mapping[str, Any], node: str, address: str) -> _Document:
    times = dict.fromkeys(("created_at", "updated_at"), event["created_at"])
    return {"node_id": node, "url": address, "html_url": address, "user": _user(event)} | times


def _pull(event: Mapping[str, Any]) -> _Document:
    pull, address = event["payload"]["pull_request"], _address(event)
    repository = {"id": event["repo"]["id"], "url": address, "name": event["repo"]["name"].split("/")[1]}
    ends = {end: {"ref": ref, "sha": f"{event['repo']['id']:040x}", "repo": repository} for end, ref in _ENDS.items()}
    return {"id": pull["id"], "number": pull["number"], "url": f"{address}/pulls/{pull['number']}"} | ends


_ENDS = {"head": "work", "base": "main"}


def _of_review_comment(event: Mapping[str, Any]) -> _Document:
    pull, comment, sha = _pull(event), event["payload"]["comment"], f"{event['repo']['id']:040x}"
    address = f"{_address(event)}/pulls/comments/{comment['id']}"
    reactions = dict.fromkeys(("total_count", "+1", "-1", "laugh", "confused", "heart", "hooray", "eyes", "rocket"), 0)
    links = {"html": {"href": address}, "pull_request": {"href": pull["url"]}, "self": {"href": address}}
    return {"pull_request": pull, "comment": comment | _written(event, f"PRRC_{comment['id']}", address) | {
        "pull_request_review_id": None, "pull_request_url": pull["url"], "diff_hunk": "@@ -1 +1 @@", "path": "README.md",
        "position": 1, "original_position": 1, "commit_id": sha, "original_commit_id": sha, "body": "Why?", "_links": links,
        "reactions": reactions | {"url": f"{address}/reactions"},
    }}  # fmt: skip


def _of_release(event: Mapping[str, Any]) -> _Document:
    release = event["payload"]["release"]
    address = f"{_address(event)}/releases/{release['id']}"
    times = dict.fromkeys(("created_at", "published_at"), event["created_at"])
    return {"release": release | times | {
        "url": address, "html_url": address, "assets_url": f"{address}/assets", "upload_url": f"{address}/assets{{?name,label}}",
        "tarball_url": None, "zipball_url": None, "node_id": f"RE_{release['id']}", "author": _user(event), "name": None,
        "draft": False, "prerelease": False, "target_commitish": "main", "assets": [],
    }}  # fmt: skip


_MORE: Mapping[str, Callable[[Mapping[str, Any]], _Document]] = {
    "CreateEvent": lambda event: {"full_ref": f"refs/heads/{event['payload']['ref']}"},
    "ForkEvent": lambda _: {"action": "forked"},
    "IssuesEvent": lambda event: {"issue": _issue(event)},
    "IssueCommentEvent": _of_comment,
    "PullRequestEvent": lambda event: {"pull_request": _pull(event)},
    "PullRequestReviewEvent": lambda event: {"pull_request": _pull(event)},
    "PullRequestReviewCommentEvent": _of_review_comment,
    "ReleaseEvent": _of_release,
}
"""What a payload of each type has beside what GH Archive of the sandbox has."""
