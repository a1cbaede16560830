"""How GitHub's API behaves in the sandbox, where that has changed or differs by repository: switched by a file of the family.

Faults of one repository: an organisation's policy hides it (see `connectors.github.absence_rules` for where such messages were
read), or its answer takes longer than GitHub allows: 500 by the old call for bills of materials (@octokit/openapi 23.0.2), 502 by
GraphQL (docs.github.com, "Rate limits and query limits"), and alike elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from oso_dagster.sandbox.protocols.source_faults import fault_of
from oso_dagster.sandbox.world.forge import Forge, Repository, read

_FILE = "behaviour.json"
POLICY = "The `sbx` organization has an IP allow list enabled, and your IP address is not permitted to access this resource."
"""What GitHub says where an organisation's policy hides something."""


@dataclass(frozen=True)
class Behaviour:
    """How GitHub behaves. `old_call`: the status of the old call for bills of materials, 200 where it still answers.

    `reports` can be ordered; one is not ready `polls` times, which is said by `not_ready`; its document stands below `sbom` where
    it is `wrapped`. `moved` are names, by id, of repositories that are elsewhere now, without a redirect from where they were.
    `deleted` are names (`owner/name`) of repositories that are no more, `remade` the ids of others that have their names since,
    `refused` messages, by name, of those that are answered with 403 and no header that asks for a pause.
    """

    old_call: int = 404
    reports: bool = True
    polls: int = 0
    not_ready: int = 202
    wrapped: bool = True
    moved: Mapping[str, str] = field(default_factory=dict)
    deleted: Collection[str] = ()
    remade: Mapping[str, int] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)


def behave(folder: Path, behaviour: Behaviour) -> None:
    """From now on GitHub behaves so."""
    (folder / _FILE).write_text(json.dumps(asdict(behaviour)))


def behaviour_of(folder: Path) -> Behaviour:
    """How GitHub behaves now."""
    path = folder / _FILE
    return Behaviour(**json.loads(path.read_text())) if path.exists() else Behaviour()


def forge_now(folder: Path) -> Forge:
    """The forge, with what has moved where it is now, and without what is deleted."""
    forge, behaviour = read(folder), behaviour_of(folder)
    if not behaviour.moved and not behaviour.deleted and not behaviour.remade:
        return forge

    gone = {*behaviour.deleted, *behaviour.remade}

    def placed(repository: Repository) -> Repository:
        owner, _, name = behaviour.moved.get(str(repository.id), repository.full_name).partition("/")
        deleted = repository.deleted or repository.full_name in gone
        return replace(repository, owner=owner, name=name, deleted=deleted)

    remade = (replace(r, id=behaviour.remade[r.full_name]) for r in forge.repositories if r.full_name in behaviour.remade)
    return replace(forge, repositories=(*map(placed, forge.repositories), *remade))


def refusal(folder: Path, request: Request) -> Response | None:
    """The 403 for the repository that a request names, if it is refused."""
    return refusal_of(folder, f"{request.path_params['owner']}/{request.path_params['name']}")


_OF_ONE = {"policy_403": (403, POLICY), "one_bad_item": (500, "Request timed out")}


def first_of(request: Request, refused: set[str]) -> Response | None:
    """The refusal of the first repository that was asked for since a fault of one repository was set."""
    name = f"{request.path_params['owner']}/{request.path_params['name']}"
    kind = fault_of(request.scope)
    if not is_first(kind, name, refused):
        return None
    status, message = _OF_ONE[str(kind)]
    return JSONResponse({"message": message}, status)


def is_first(kind: str | None, name: str, refused: set[str]) -> bool:
    """Whether a repository is the first that was asked for (kept in `refused`) since the fault was set, if it is one of these."""
    if kind not in _OF_ONE:
        refused.clear()
        return False
    if not refused:
        refused.add(name.lower())
    return name.lower() in refused


def refusal_of(folder: Path, name: str) -> Response | None:
    """The 403 for a repository, if it is refused."""
    message = behaviour_of(folder).refused.get(name.lower())
    return None if message is None else JSONResponse({"message": message}, 403)
