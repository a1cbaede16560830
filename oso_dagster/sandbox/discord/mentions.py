"""Whom a message would disturb: the mentions in its content that its `allowed_mentions` let through. Embeds disturb nobody.

https://discord.com/developers/docs/resources/message#allowed-mentions-object
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_EVERYONE = re.compile(r"(?<!\\)@(?:everyone|here)\b")
_USER = re.compile(r"<@!?(\d+)>")
_ROLE = re.compile(r"<@&(\d+)>")


def mentioned(body: Mapping[str, Any]) -> dict[str, Any]:
    """The three values of a message about mentions. Without `allowed_mentions` everything in the content counts."""
    content = body.get("content") or ""
    allowed = body.get("allowed_mentions")
    kinds = {"everyone", "users", "roles"} if allowed is None else set(allowed.get("parse") or ())
    named = allowed or {}
    return {
        "mention_everyone": "everyone" in kinds and bool(_EVERYONE.search(content)),
        "mentions": [{"id": user} for user in _USER.findall(content) if "users" in kinds or user in (named.get("users") or ())],
        "mention_roles": [role for role in _ROLE.findall(content) if "roles" in kinds or role in (named.get("roles") or ())],
    }
