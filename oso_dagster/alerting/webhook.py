"""Keeping the addresses of webhooks out of sight: whoever has one may write.

What an address is made of is in `domain.alerts.channel`.
"""

from __future__ import annotations

import logging
import re

_SECRET = re.compile(r"(?<=/webhooks/)[^\s?\"']+")


def redacted(text: str) -> str:
    """`text` with every address of a webhook masked.

    >>> redacted("POST https://discord.com/api/webhooks/1/abc?wait=true")
    'POST https://discord.com/api/webhooks/***?wait=true'
    """
    return _SECRET.sub("***", text)


class _Hush(logging.Filter):
    """Masks the addresses that the HTTP library writes into its own log."""

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        if "/webhooks/" in message:
            record.msg, record.args = redacted(message), ()
        return True


_HUSH = _Hush()


def hush() -> None:
    """Keep addresses out of the HTTP library's log, at every level. Doing it twice changes nothing."""
    for name in ("urllib3.connectionpool", "urllib3.util.retry", "requests.packages.urllib3.connectionpool"):
        logging.getLogger(name).addFilter(_HUSH)
