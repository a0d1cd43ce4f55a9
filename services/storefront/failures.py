"""What does somebody see whose request cannot be answered? A page that says what to do next; a problem, for programs.

Nothing of what went wrong inside is told: not the exception, not the service's own words for a failure.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import urlencode

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from grpc.aio import AioRpcError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from mesh.resilience import degraded
from services.storefront.api import problems
from services.storefront.dependencies import AdminsOnly, SignInFirst
from services.storefront.forms import FormRefused
from services.storefront.pages.orders import NotThere
from services.storefront.refusals import refusal
from services.storefront.rendering import Page
from services.storefront.safety import TooLarge

_TEXTS: Mapping[int, tuple[str, str]] = {
    400: ("That is not a question we can answer.", "Something in the address or the form is not as it should be."),
    401: ("Please sign in.", "Your session is over. What is in your cart is safe."),
    403: ("That is not for you to see.", "Perhaps it is, for another account."),
    404: ("There is nothing at this place.", "It may have been moved, sold out for good, or never been here."),
    405: ("That cannot be done here.", "Go back, and use the buttons of the page."),
    409: ("That cannot be done now.", "Something has changed meanwhile. Look again, and decide anew."),
    413: ("That is too much.", "Send less at a time."),
    429: ("That was too often.", "Please wait a minute, and try again."),
    500: ("Something went wrong on our side.", "It is written down, and somebody will look. Please try again."),
    503: ("A part of the shop does not answer.", "Please try again in a minute. What is in your cart is safe."),
    504: ("A part of the shop takes too long.", "Please try again in a minute. What is in your cart is safe."),
}
FORM_ADVICE = (
    "The form was too old, or another site has made it. Nothing was done. Go back, load the page anew, try again."
)


def handled(app: FastAPI) -> None:
    """Let `app` answer its errors so."""
    problems.described(app)
    app.add_exception_handler(AioRpcError, _refused)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(FormRefused, _form_refused)
    app.add_exception_handler(SignInFirst, _sign_in_first)
    app.add_exception_handler(AdminsOnly, _forbidden)
    app.add_exception_handler(NotThere, _not_there)
    app.add_exception_handler(problems.ApiProblem, problems.answered)
    app.add_exception_handler(TooLarge, _too_large)
    app.add_exception_handler(Exception, _broken)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, AioRpcError)  # noqa: S101  # it is registered for nothing else
    said = refusal(error)
    if request.url.path.startswith("/api/"):
        return problems.response(problems.of(said))
    if said.status is HTTPStatus.UNAUTHORIZED:
        return await _sign_in_first(request, error)
    if said.silence:
        degraded.note(_silent(request))
    return await page(request, said.status, retry_after=said.retry_after)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    if request.url.path.startswith("/api/"):
        return problems.response(problems.plain(HTTPStatus(error.status_code)), error.headers)
    return await page(request, error.status_code, headers=error.headers)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    if request.url.path.startswith("/api/"):
        return problems.response(problems.invalid(error.errors()))
    in_path = any(one["loc"][:1] == ("path",) for one in error.errors())
    return await page(request, 404 if in_path else 400)


async def _form_refused(request: Request, _: Exception) -> Response:
    return await page(request, 403, title="This form is not one of ours.", advice=FORM_ADVICE)


async def _sign_in_first(request: Request, _: Exception) -> Response:
    if request.method != "GET":
        return await page(request, 401)
    to = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse(f"/sign-in?{urlencode({'to': to})}", status_code=303)


async def _forbidden(request: Request, _: Exception) -> Response:
    return await page(request, 403)


async def _not_there(request: Request, _: Exception) -> Response:
    return await page(request, 404)


async def _too_large(request: Request, _: Exception) -> Response:
    return await page(request, 413)


async def _broken(request: Request, _: Exception) -> Response:
    """Starlette raises the error again afterwards, and hosting writes it down."""
    if request.url.path.startswith("/api/"):
        return problems.response(problems.plain(HTTPStatus.INTERNAL_SERVER_ERROR))
    return PlainTextResponse(" ".join(_TEXTS[500]), status_code=500)


async def page(
    request: Request,
    status: int,
    *,
    title: str = "",
    advice: str = "",
    retry_after: int | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The page of an error; where there is no session, a line of text."""
    known = _TEXTS.get(status) or _TEXTS[503 if status >= HTTPStatus.INTERNAL_SERVER_ERROR else 400]
    title, advice = title or known[0], advice or known[1]
    more = dict(headers or {})
    if retry_after is not None:
        more["retry-after"] = str(retry_after)
    if not hasattr(request.state, "visitor"):
        return PlainTextResponse(f"{title} {advice}\n", status_code=status, headers=more)
    made = Page(request)
    try:
        answer = await made.html("problem.html", status=status, title=title, advice=advice)
    finally:
        await made.end()
    answer.headers.update(more)
    return answer


def _silent(request: Request) -> str:
    """Which service a page cannot do without: the one it is about."""
    path = request.url.path
    return next((name for begin, name in _ABOUT if path.startswith(begin)), "catalog")


_ABOUT = (
    ("/cart", "cart"),
    ("/checkout", "cart"),
    ("/orders", "orders"),
    ("/sign", "users"),
    ("/register", "users"),
    ("/account", "users"),
    ("/admin/stock", "inventory"),
    ("/admin/orders", "orders"),
)
