"""The status page as files: name → text. Nothing is read but the page's own templates, and nothing is written.

Names and sentences come from third parties and are hostile: everything is escaped, only http(s) addresses become links, and
the page forbids the browser every script, style and request but its own.
"""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from hashlib import sha256

from jinja2 import Environment, PackageLoader, StrictUndefined, Template, select_autoescape

from oso_dagster.domain.status import StatusPage
from oso_dagster.statuspage import words


def render(page: StatusPage) -> dict[str, str]:
    """Make every file of the page; the same page gives the same bytes."""
    html = _template().render(page=page, now=page.generated_at)
    return {"index.html": html.encode(errors="replace").decode()}


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("oso_dagster.statuspage"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style, script = (environment.get_template(name).render() for name in ("page.css", "page.js"))
    environment.globals.update(
        policy=_content_security_policy(style, script),
        verdicts=words.VERDICTS,
        freshnesses=words.FRESHNESS,
        labels=words.LABELS,
    )
    environment.filters.update(
        age=words.age,
        instant=words.instant,
        span=words.span,
        stamp=words.stamp,
        web_address=words.web_address,
    )
    return environment.get_template("index.html")


def _content_security_policy(style: str, script: str) -> str:
    """Allow these two texts, by their hashes, and the icon, which is in the page itself."""
    allowed = "; ".join(f"{kind}-src '{_hash(text)}'" for kind, text in (("style", style), ("script", script)))
    return f"default-src 'none'; {allowed}; img-src data:; base-uri 'none'; form-action 'none'"


def _hash(text: str) -> str:
    return "sha256-" + b64encode(sha256(text.encode()).digest()).decode()
