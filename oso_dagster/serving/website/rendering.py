"""The templates, and the headers that every page has."""

from __future__ import annotations

import re
from base64 import b64encode
from functools import cache
from hashlib import sha256

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup
from starlette.responses import Response

from oso_dagster.serving.website import charts

_NO_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML has no place for, not even escaped: a picture with it is not shown at all. HTML takes it."""


@cache
def templates() -> Environment:
    """Autoescaping, strict about what is undefined."""
    made = Environment(
        loader=PackageLoader("oso_dagster.serving.website"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["style"] = Markup(made.get_template("page.css").render())  # noqa: S704  (our own file)
    made.filters["number"] = charts.number
    made.filters["swatch"] = charts.swatch
    made.tests["web"] = lambda address: address.startswith(("https://", "http://"))
    return made


@cache
def safe_headers() -> dict[str, str]:
    """The page may load nothing, run nothing, and send its forms to itself alone; its one style is allowed by its hash."""
    style = b64encode(sha256(str(templates().globals["style"]).encode()).digest()).decode()
    allowed = f"style-src 'sha256-{style}'; img-src data:; form-action 'self'"
    policy = f"default-src 'none'; {allowed}; base-uri 'none'; frame-ancestors 'none'"
    return {"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}


def picture(svg: str) -> Response:
    """A drawing for other people's pages; it loads and runs nothing."""
    policy = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
    headers = safe_headers() | policy | {"Cache-Control": "public, max-age=300"}
    return Response(_NO_XML.sub("\ufffd", svg), media_type="image/svg+xml", headers=headers)
