"""Who is looking, and which cookies do they get? Asked once for each request, before its page is made.

An access token is good for minutes, a refresh token for days: when the first is over, the second is used here, and no
page knows of it. What cannot be verified is nobody's; while users is away, those whose token cannot be told right from
wrong are served as the guests they were, and stay signed in for later.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, unquote

from grpc import StatusCode
from grpc.aio import AioRpcError
from starlette.datastructures import Headers, QueryParams
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mesh.resilience import answers, degraded
from services.hosting.access_tokens import Claims
from services.hosting.customer import ADMIN
from services.storefront.jar import HALF_A_YEAR, Jar
from services.storefront.keys import Keys, KeysUnknown
from services.storefront.renewing import Renewals
from services.storefront.visitor import ACCESS, DEBUG, FORM, GUEST, NAME, REFRESH, Visitor, form_token, guest_id

WITHOUT = ("/static/", "/pictures/", "/api/", "/openapi.json", "/healthz", "/favicon.ico")
"""What is the same for everybody, or asks for a token of its own."""

ENDS_SOON = 15  # seconds: a token that may be over by the time it is read is renewed now
LONGEST_NAME = 120
_VOID = frozenset({StatusCode.UNAUTHENTICATED, StatusCode.INVALID_ARGUMENT})
"""What users says of a refresh token that is good for nothing. ABORTED is another pod's success, a moment ago."""


class Sessions:
    """`app`, which finds the `visitor` and the `jar` of each request in its state."""

    def __init__(self, app: ASGIApp, keys: Keys, renewals: Renewals) -> None:
        self._app, self._keys, self._renewals = app, keys, renewals

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"].startswith(WITHOUT):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        cookies = cookie_parser(headers.get("cookie", ""))
        jar = Jar(secure=headers.get("x-forwarded-proto", scope["scheme"]) == "https")
        visitor = await self._visitor(cookies, _debug(scope, cookies, jar), jar)
        scope.setdefault("state", {}).update(visitor=visitor, jar=jar, answers=[])

        async def keeping(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *jar.headers()]}
            await send(message)

        if not visitor.debug:
            await self._app(scope, receive, keeping)
            return
        with answers.collect() as scope["state"]["answers"]:
            await self._app(scope, receive, keeping)

    async def _visitor(self, cookies: Mapping[str, str], debug: bool, jar: Jar) -> Visitor:  # noqa: FBT001
        guest, form = guest_id(cookies), form_token(cookies)
        if cookies.get(GUEST) != guest:
            jar.put(GUEST, guest)
        if cookies.get(FORM) != form:
            jar.put(FORM, form)
        token, claims, unsure = await self._believed(cookies, jar)
        if claims is None:
            return Visitor(guest, form, unsure=unsure, debug=debug)
        name = unquote(cookies.get(NAME, ""))[:LONGEST_NAME]
        return Visitor(guest, form, claims.customer_id, name, claims.role == ADMIN, token, debug=debug)

    async def _believed(self, cookies: Mapping[str, str], jar: Jar) -> tuple[str, Claims | None, bool]:
        """The token, what it says, and whether there is one that nobody could judge."""
        token, refresh = cookies.get(ACCESS, ""), cookies.get(REFRESH, "")
        if not (token or refresh):
            return "", None, False
        try:
            found = await self._keys.claims(token, good_for=ENDS_SOON)
            if found is None and refresh:
                token, found = await self._renewed(refresh, jar)
        except KeysUnknown:
            return self._unsure()
        except AioRpcError as error:
            if error.code() not in _VOID:
                return self._unsure()
            found = None
        if found is None:
            jar.sign_out()
        return token, found, False

    def _unsure(self) -> tuple[str, None, bool]:
        degraded.note("users")
        return "", None, True

    async def _renewed(self, refresh: str, jar: Jar) -> tuple[str, Claims | None]:
        renewed = await self._renewals.tokens(refresh)
        jar.sign_in(renewed)
        return renewed.access_token, await self._keys.claims(renewed.access_token)


def _debug(scope: Scope, cookies: Mapping[str, str], jar: Jar) -> bool:
    """Whether they want to see who answers: `?debug` switches it on for all pages, `?debug=off` off."""
    asked = QueryParams(scope["query_string"]).get("debug")
    if asked is None:
        return cookies.get(DEBUG) == "on"
    wanted = asked != "off"
    jar.put(DEBUG, "on" if wanted else "off", seconds=HALF_A_YEAR if wanted else 0)
    return wanted


def named(jar: Jar, name: str) -> None:
    """Remember what to call a customer: only shown to them, and believed by nobody."""
    jar.put(NAME, quote(name[:LONGEST_NAME]))
