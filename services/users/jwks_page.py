"""Where does somebody without gRPC read the public keys? At /.well-known/jwks.json, in plain HTTP: istiod does.

There is nothing here that is not public, and nothing is read from whoever asks.
"""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router

PATH = "/.well-known/jwks.json"


def jwks_page(jwks: Callable[[], str]) -> Router:
    """An application of one page; `jwks` says what it shows now."""

    async def show(_: Request) -> Response:
        return Response(jwks(), media_type="application/json", headers={"cache-control": "public, max-age=300"})

    return Router([Route(PATH, show)])
