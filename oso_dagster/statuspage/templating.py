"""The templates of the page, and what they may call.

Names and sentences come from third parties and are hostile: everything is escaped, only http(s) addresses become links, and
the page forbids the browser every script, style and request but its own.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable
from functools import cache
from hashlib import sha256
from itertools import groupby

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from oso_dagster.domain.status.public_incidents import PublicIncident
from oso_dagster.statuspage import addresses, words


@cache
def environment() -> Environment:
    """Autoescaping, strict about what is undefined, with the filters and words of the page."""
    made = Environment(
        loader=PackageLoader("oso_dagster.statuspage"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style, script = _squeezed(made.get_template("page.css").render()), made.get_template("page.js").render()
    made.globals.update(
        style=Markup(style),  # noqa: S704  (our own file, and no names of others in it)
        script=Markup(script),  # noqa: S704
        policy=_content_security_policy(style, script),
        verdicts=words.VERDICTS,
        states=words.STATES,
        labels=words.LABELS,
        phases=words.PHASES,
        works=words.WORKS,
    )
    filters = (
        words.age,
        words.capital,
        words.day_text,
        words.exactly,
        words.instant,
        words.lasted,
        words.minutes,
        words.promised,
        words.span,
    )
    made.filters.update({function.__name__: function for function in (*filters, words.stamp, words.until, words.web_address)})
    made.filters.update(
        anchor=addresses.anchor,
        by_month=_by_month,
        data_path=addresses.data_set,
        date=words.date_text,
        group_path=addresses.group,
        service_path=addresses.service,
        slug=addresses.slug,
    )
    return made


def _by_month(incidents: Iterable[PublicIncident]) -> list[tuple[str, list[PublicIncident]]]:
    return [(month, list(those)) for month, those in groupby(incidents, key=lambda incident: words.month_text(incident.since))]


def _squeezed(style: str) -> str:
    """The style sheet without the blanks that are for its authors: every page carries it."""
    return re.sub(r"\s+(?=[{}])|(?<=[{};:,])\s+", "", style).strip()


def _content_security_policy(style: str, script: str) -> str:
    """Allow these two texts, by their hashes, and the icon, which is in the page itself."""
    allowed = "; ".join(f"{kind}-src '{_hash(text)}'" for kind, text in (("style", style), ("script", script)))
    return f"default-src 'none'; {allowed}; img-src data:; base-uri 'none'; form-action 'none'"


def _hash(text: str) -> str:
    return "sha256-" + b64encode(sha256(text.encode()).digest()).decode()
