"""Taking secrets out of text before anyone reads it."""

from __future__ import annotations

import re
from collections.abc import Iterable

_USERINFO = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*://)[^/@\s]+@", re.IGNORECASE)
_MASK = "***"


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """`text` without the given secrets and without user names and passwords in addresses.

    >>> redact("cannot open https://me:pw@host/x")
    'cannot open https://***@host/x'
    """
    for secret in sorted((secret for secret in secrets if secret), key=len, reverse=True):
        text = text.replace(secret, _MASK)
    return _USERINFO.sub(rf"\g<scheme>{_MASK}@", text)
