"""Addresses on the web, taken apart, and the accounts of platforms that they name: the same for every registry.

Belongs here: what an address is in itself. Which entries a registry may give, and the reason where one is wrong, is its models'.
"""

from sqlglot import exp, parse_one
from sqlmesh import macro
from sqlmesh.core.macros import MacroEvaluator

ACCOUNT_NAME = r"""
CASE
  WHEN platform = 'TWITTER' AND host IN ('twitter.com', 'x.com', 'mobile.twitter.com')
    THEN LOWER(NULLIF(REGEXP_EXTRACT(path, '^@?([A-Za-z0-9_]+)', 1), ''))
  WHEN platform = 'FARCASTER' AND host IN ('warpcast.com', 'farcaster.xyz')
    THEN LOWER(NULLIF(REGEXP_EXTRACT(path, '^(?:~/channel/)?([A-Za-z0-9._-]+)', 1), ''))
  WHEN platform = 'TELEGRAM' AND host IN ('t.me', 'telegram.me') AND REGEXP_LIKE(path, '^([+]|joinchat/)')
    THEN '+' || NULLIF(REGEXP_EXTRACT(path, '^(?:[+]|joinchat/)([A-Za-z0-9_-]+)', 1), '')
  WHEN platform = 'TELEGRAM' AND host IN ('t.me', 'telegram.me')
    THEN LOWER(NULLIF(REGEXP_EXTRACT(path, '^(?:s/)?([A-Za-z0-9_]+)', 1), ''))
  WHEN platform = 'MIRROR' AND host = 'mirror.xyz' THEN LOWER(NULLIF(REGEXP_EXTRACT(path, '^([^/]+)', 1), ''))
  WHEN platform = 'MIRROR' THEN NULLIF(REGEXP_EXTRACT(host, '^([^.]+)[.]mirror[.]xyz\z', 1), '')
  WHEN platform = 'MEDIUM' AND host = 'medium.com' THEN LOWER(NULLIF(REGEXP_EXTRACT(path, '^(@?[^/]+)', 1), ''))
  WHEN platform = 'MEDIUM' THEN NULLIF(REGEXP_EXTRACT(host, '^([^.]+)[.]medium[.]com\z', 1), '')
END
"""
ACCOUNT_URL = """
CASE platform
  WHEN 'TWITTER' THEN 'https://x.com/' || name
  WHEN 'FARCASTER' THEN 'https://farcaster.xyz/' || CASE namespace WHEN 'channel' THEN '~/channel/' ELSE '' END || name
  WHEN 'TELEGRAM' THEN 'https://t.me/' || name
  WHEN 'MIRROR' THEN 'https://mirror.xyz/' || name
  WHEN 'MEDIUM' THEN 'https://medium.com/' || name
END
"""


@macro()
def web_address(evaluator: MacroEvaluator, text: exp.Expression) -> exp.Expression:  # noqa: ARG001  (SQLMesh passes it)
    """What follows http:// or https://, without white space at its ends; NULL when this is no such address."""
    return _put(
        r"NULLIF(REGEXP_EXTRACT(REGEXP_REPLACE(text, '^\s+|\s+\z', ''), '^[hH][tT][tT][pP][sS]?://([^/?#\s][^\s]*)\z', 1), '')",
        text=text,
    )


@macro()
def web_host(evaluator: MacroEvaluator, address: exp.Expression) -> exp.Expression:  # noqa: ARG001
    """The host of a `web_address`, in lower case without www, whatever it looks like: `is_web_host` says whether it is one."""
    return _put(r"REGEXP_REPLACE(LOWER(NULLIF(REGEXP_EXTRACT(address, '^([^/?#]+)', 1), '')), '^www[.]', '')", address=address)


@macro()
def is_web_host(evaluator: MacroEvaluator, host: exp.Expression) -> exp.Expression:  # noqa: ARG001
    """Whether it is a name with a dot, and perhaps a port."""
    return _put(r"REGEXP_LIKE(host, '^[^/:@]+[.][^/:@.]{2,}(:[0-9]+)?\z')", host=host)


@macro()
def web_path(evaluator: MacroEvaluator, address: exp.Expression) -> exp.Expression:  # noqa: ARG001
    """The path of a `web_address`, without slashes at its ends; NULL where it has none."""
    return _put(
        r"NULLIF(REGEXP_REPLACE(REGEXP_REPLACE(NULLIF(REGEXP_EXTRACT(address, '^[^/?#]+([^?#]*)', 1), ''), '/+', '/'), "
        r"'^/|/\z', ''), "
        "'')",
        address=address,
    )


@macro()
def web_query(evaluator: MacroEvaluator, address: exp.Expression) -> exp.Expression:  # noqa: ARG001
    """What follows the question mark of a `web_address`; NULL where it has none."""
    return _put(r"NULLIF(REGEXP_EXTRACT(address, '^[^?#]+[?]([^#]+)', 1), '')", address=address)


@macro()
def account_name(
    evaluator: MacroEvaluator,  # noqa: ARG001
    platform: exp.Expression,
    host: exp.Expression,
    path: exp.Expression,
) -> exp.Expression:
    """The account that an address names on a platform (TWITTER, FARCASTER …), in lower case; NULL where it names none."""
    return _put(ACCOUNT_NAME, platform=platform, host=host, path=path)


@macro()
def account_namespace(evaluator: MacroEvaluator, platform: exp.Expression, path: exp.Expression) -> exp.Expression:  # noqa: ARG001
    """`channel` for a channel of Farcaster, else empty text."""
    channel = "CASE WHEN platform = 'FARCASTER' AND path LIKE '~/channel/%' THEN 'channel' ELSE '' END"
    return _put(channel, platform=platform, path=path)


@macro()
def account_url(
    evaluator: MacroEvaluator,  # noqa: ARG001
    platform: exp.Expression,
    namespace: exp.Expression,
    name: exp.Expression,
) -> exp.Expression:
    """The address under which a platform shows an account now."""
    return _put(ACCOUNT_URL, platform=platform, namespace=namespace, name=name)


@macro()
def is_page_of_platform(evaluator: MacroEvaluator, platform: exp.Expression, name: exp.Expression) -> exp.Expression:  # noqa: ARG001
    """Whether what looks like an account is a page of the platform itself."""
    pages = "platform = 'TWITTER' AND name IN ('hashtag', 'home', 'i', 'intent', 'search', 'share')"
    return _put(pages, platform=platform, name=name)


def _put(template: str, /, **given: exp.Expression) -> exp.Expression:
    """The SQL with an expression in the place of each name."""
    return parse_one(template, read="trino").transform(
        lambda node: given[node.name].copy() if isinstance(node, exp.Column) and node.name in given else node
    )
