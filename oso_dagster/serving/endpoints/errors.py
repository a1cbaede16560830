"""A refusal as an HTTP answer: JSON whose `error` is a sentence, since `pyoso` shows just that, with its class beside it."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from oso_dagster.serving.failures import RefusedError


def refusal(refused: RefusedError) -> Response:
    """`{"error", "class"}` with the status, and when to try again."""
    body = {"error": refused.message, "class": refused.outcome.value}
    return JSONResponse(body, status_code=refused.status, headers=headers_of(refused))


def headers_of(refused: RefusedError) -> dict[str, str]:
    """What a refusal says beside its body: when to try again, and that a key is wanted."""
    headers = {"Retry-After": str(refused.retry_after)} if refused.retry_after else {}
    if refused.status == 401:  # noqa: PLR2004  (HTTP's)
        headers["WWW-Authenticate"] = "Bearer"
    return headers
