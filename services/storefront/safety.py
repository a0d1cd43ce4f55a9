"""What does every answer say to browsers, and what is not even read? Headers, sizes, and other sites' forms."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_BODY = 64 * 1024  # bytes: a check-out of fifty products has 5 KiB

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=()"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
FOR_A_YEAR = (b"strict-transport-security", b"max-age=31536000")

KEPT = b"public, max-age=300"  # the style sheet and the script; a roll-out is seen five minutes later at the latest

READING = frozenset({"GET", "HEAD", "OPTIONS"})
OTHER_SITES = frozenset({"cross-site", "same-site"})


class TooLarge(Exception):
    """The body is longer than anything the shop asks for."""


class Safety:
    """`app` with these headers, for requests of a sensible size that no other site's page has made."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        more = [*HEADERS, FOR_A_YEAR] if headers.get("x-forwarded-proto", scope["scheme"]) == "https" else [*HEADERS]
        answered = False

        async def said(message: Message) -> None:
            nonlocal answered
            if message["type"] == "http.response.start":
                answered = True
                own = list(message.get("headers", ()))
                if not any(key == b"cache-control" for key, _ in own):
                    own.append((b"cache-control", KEPT if scope["path"].startswith("/static/") else b"no-store"))
                message = {**message, "headers": [*own, *more]}
            await send(message)

        if scope["method"] not in READING and headers.get("sec-fetch-site") in OTHER_SITES:
            await _end(said, 403, b"This form belongs to another site.")
        elif _announced(headers) > LARGEST_BODY:
            await _end(said, 413, b"That is more than this shop reads.")
        else:
            try:
                await self._app(scope, _counted(receive), said)
            except TooLarge:
                if not answered:
                    await _end(said, 413, b"That is more than this shop reads.")


def _announced(headers: Headers) -> int:
    length = headers.get("content-length", "0")
    return int(length) if length.isdecimal() else 0


def _counted(receive: Receive) -> Receive:
    """`receive`, until more has come than anybody may send without having said so. Then raises TooLarge."""
    size = 0

    async def next_message() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > LARGEST_BODY:
            raise TooLarge
        return message

    return next_message


async def _end(send: Send, status: int, text: bytes) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(text)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text})
