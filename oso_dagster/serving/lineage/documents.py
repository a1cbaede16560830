"""Whether a GraphQL document may be asked, and what its answer looks like to everyone. Nothing is sent from here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    parse,
)

from oso_dagster.serving.lineage.reviewed import FIELDS, HIDDEN, LET_THROUGH

_MOST_TOKENS = 12_000
_MOST_DEPTH = 60
_MOST_ROOTS = 20
_MOST_ALIASES = 50
_LISTS = frozenset((
    "allTopLevelResourceDetails", "assetGroups", "assetMaterializations", "assetNodes", "assetObservations", "assets",
    "partitionSets", "pipelines", "repositories", "runs", "schedules", "sensors",
))  # fmt: skip
"""Fields that come back as long lists: one within itself, or below the repository of each of many, multiplies."""
_PLACES = re.compile(r"(?:file://|(?<![\w.:/-])/(?:home|root|tmp|work|usr|var|opt|etc|app|srv|mnt|Users)/)[^\s'\"<>)]*")
"""Where things lie on the machine: metadata may say it in any text."""


class NotAllowedError(Exception):
    """The document asks for something that is not for everyone; the message names it."""


@dataclass(frozen=True)
class Decision:
    """What was found about a document that may be asked: under which names hidden fields come back."""

    hidden: frozenset[str]


@lru_cache(maxsize=1_000)
def decided(text: str) -> Decision:
    """The decision about a document, kept: the pages ask the same ones over and over. Raises NotAllowedError."""
    try:
        document = parse(text, no_location=True, max_tokens=_MOST_TOKENS)
    except (GraphQLError, RecursionError):
        raise NotAllowedError("this is no GraphQL document that can be read") from None
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if len(fragments) + len(operations) != len(document.definitions):
        raise NotAllowedError("only queries and their fragments are answered")
    if not operations or any(node.operation is not OperationType.QUERY for node in operations):
        raise NotAllowedError("only queries are answered: no mutation, no subscription")
    for operation in operations:
        _require_known_roots(list(_roots(operation.selection_set, fragments, set())))
    fields = [field for node in (*operations, *fragments.values()) for field in _fields(node.selection_set, 0)]
    if sum(field.alias is not None for field in fields) > _MOST_ALIASES:
        raise NotAllowedError("too many aliases")
    for field in fields:
        if field.name.value not in FIELDS and field.name.value not in HIDDEN:
            raise NotAllowedError(f"the field {field.name.value} is not for everyone")
    below: dict[str, frozenset[str] | None] = {}
    for operation in operations:
        _below(operation.selection_set, fragments, below)
    return Decision(frozenset((field.alias or field.name).value for field in fields if field.name.value in HIDDEN))


def _require_known_roots(names: list[str]) -> None:
    if len(names) > _MOST_ROOTS:
        raise NotAllowedError("too many questions in one document")
    for name in names:
        if name not in LET_THROUGH and name != "__typename":
            raise NotAllowedError(f"{name} is not for everyone")


def for_everyone(answer: Any, decision: Decision) -> dict[str, Any]:
    """An answer of Dagster's without what is hidden, without places on the machine, and with errors that say nothing."""
    if not isinstance(answer, dict):
        return {"errors": [{"message": "no answer"}]}
    shown: dict[str, Any] = {"data": _shown(answer.get("data"), decision.hidden)}
    if answer.get("errors"):
        shown["errors"] = [{"message": "this could not be answered"}]
    return shown


def _shown(value: Any, hidden: frozenset[str]) -> Any:
    if isinstance(value, dict):
        return {key: _emptied(part) if key in hidden else _shown(part, hidden) for key, part in value.items()}
    if isinstance(value, list):
        return [_shown(part, hidden) for part in value]
    return _PLACES.sub("…", value) if isinstance(value, str) else value


def _emptied(value: Any) -> Any:
    if isinstance(value, str):
        return ""
    if isinstance(value, list):
        return []
    if isinstance(value, dict):
        return {key: _emptied(part) for key, part in value.items()}
    return False if isinstance(value, bool) else None


def _roots(selected: SelectionSetNode, fragments: dict[str, FragmentDefinitionNode], seen: set[str]) -> Iterator[str]:
    """The names of the fields that a document asks the root for, also through fragments."""
    for node in selected.selections:
        if isinstance(node, FieldNode):
            yield node.name.value
        elif isinstance(node, InlineFragmentNode):
            yield from _roots(node.selection_set, fragments, seen)
        elif isinstance(node, FragmentSpreadNode) and node.name.value not in seen:
            seen.add(node.name.value)
            if node.name.value not in fragments:
                raise NotAllowedError(f"there is no fragment {node.name.value}")
            yield from _roots(fragments[node.name.value].selection_set, fragments, seen)


def _below(
    selected: SelectionSetNode | None, fragments: dict[str, FragmentDefinitionNode], known: dict[str, frozenset[str] | None]
) -> frozenset[str]:
    """The long lists that a selection asks for, at any depth. Raises NotAllowedError for those that multiply."""
    names: set[str] = set()
    for node in selected.selections if selected is not None else ():
        if isinstance(node, FragmentSpreadNode):
            spread = node.name.value
            if spread not in known:
                if spread not in fragments:
                    raise NotAllowedError(f"there is no fragment {spread}")
                known[spread] = None
                known[spread] = _below(fragments[spread].selection_set, fragments, known)
            inner = known[spread]
            if inner is None:
                raise NotAllowedError(f"the fragment {spread} asks for itself")
            names |= inner
            continue
        inner = _below(node.selection_set, fragments, known) if isinstance(node, FieldNode | InlineFragmentNode) else frozenset()
        name = node.name.value if isinstance(node, FieldNode) else ""
        if inner and (name == "repository" or name in inner):
            raise NotAllowedError(f"{name} is asked for with the lists below it, which multiplies: {', '.join(sorted(inner))}")
        names |= inner | ({name} & _LISTS)
    return frozenset(names)


def _fields(selected: SelectionSetNode | None, depth: int) -> Iterator[FieldNode]:
    if depth > _MOST_DEPTH:
        raise NotAllowedError("the document is nested too deeply")
    for node in selected.selections if selected is not None else ():
        if isinstance(node, FieldNode):
            yield node
        if isinstance(node, FieldNode | InlineFragmentNode):
            yield from _fields(node.selection_set, depth + 1)
