"""Taking secrets out of text before anyone reads it."""

from __future__ import annotations

import re
from collections.abc import Iterable

_USERINFO = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*://)[^/?#\s]+@", re.IGNORECASE)
"""Up to the last @ before the path: a password may hold one."""
_PARAMETER = re.compile(
    r"(?P<name>[?&;][^=&#\s]*(?:key|token|secret|sig|passw|pwd|auth|credential)[^=&#\s]*=)[^&#\s'\"<>]+", re.IGNORECASE
)
_MASK = "***"


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """`text` without the given secrets, without user names and passwords in addresses, and without keys in their parameters.

    >>> redact("cannot open https://me:p@ss@host/x?api_key=k3y&page=2")
    'cannot open https://***@host/x?api_key=***&page=2'
    """
    for secret in sorted((secret for secret in secrets if secret), key=len, reverse=True):
        text = text.replace(secret, _MASK)
    return _PARAMETER.sub(rf"\g<name>{_MASK}", _USERINFO.sub(rf"\g<scheme>{_MASK}@", text))
