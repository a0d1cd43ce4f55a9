"""How does a guest become a customer, and a customer a guest again?"""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from grpc.aio import AioRpcError
from shop.cart.v1.cart_pb2 import MergeCartsRequest
from shop.users.v1.users_pb2 import LoginRequest, LoginResponse, LogoutRequest, RegisterRequest

from services.storefront.dependencies import TheForm, ThePage
from services.storefront.forms import Form
from services.storefront.refusals import Refusal, refusal
from services.storefront.rendering import Page
from services.storefront.sessions import named
from services.storefront.visitor import REFRESH

router = APIRouter()

SHORTEST, LONGEST = 12, 128  # characters of a password


@router.get("/sign-in", response_class=HTMLResponse)
async def sign_in_form(page: ThePage, to: str = "/") -> HTMLResponse:
    return await page.html("sign_in.html", form=Form({}), to=local(to), refused="")


@router.post("/sign-in", response_class=RedirectResponse)
async def sign_in(page: ThePage, form: TheForm) -> Response:
    to = local(form.text("to"))
    try:
        return await _signed_in(page, form.text("email"), form.secret("password"), to)
    except AioRpcError as error:
        said = refusal(error)
        if said.silence:
            raise
        refused = "That address and that password do not go together."
        if said.retry_after or said.status == 429:  # noqa: PLR2004  # its name says no more
            refused = f"Too many tries. Please wait {said.retry_after or 60} seconds."
        return await page.html("sign_in.html", status=said.status, form=form, to=to, refused=refused)


@router.get("/register", response_class=HTMLResponse)
async def register_form(page: ThePage, to: str = "/") -> HTMLResponse:
    return await page.html("register.html", form=Form({}), to=local(to))


@router.post("/register", response_class=RedirectResponse)
async def register(page: ThePage, form: TheForm) -> Response:
    email, password, to = form.text("email"), form.secret("password"), local(form.text("to"))
    if not SHORTEST <= len(password) <= LONGEST:
        form.blame("password", f"A password has {SHORTEST} to {LONGEST} characters. A sentence is a good one.")
    if not form.text("name"):
        form.blame("name", "Please say what to call you.")
    if form.wrong:
        return await page.html("register.html", status=422, form=form, to=to)
    try:
        await page.shop.users.Register(RegisterRequest(email=email, password=password, name=form.text("name")))
    except AioRpcError as error:
        said = refusal(error)
        if said.silence:
            raise
        _blame(form, said)
        return await page.html("register.html", status=said.status, form=form, to=to)
    return await _signed_in(page, email, password, to)


@router.post("/sign-out", response_class=RedirectResponse)
async def sign_out(page: ThePage, form: TheForm) -> Response:
    del form  # it has shown that it is ours
    if refresh := page.cookie(REFRESH):
        await page.shop.if_possible("users", page.shop.users.Logout(LogoutRequest(refresh_token=refresh[:128])))
    page.jar.sign_out()
    return page.to("/?note=signed-out")


async def _signed_in(page: Page, email: str, password: str, to: str) -> Response:
    """Sign in, and bring along what is in the guest's cart. Raises AioRpcError."""
    signed = await page.shop.users.Login(LoginRequest(email=email[:254], password=password[:LONGEST]))
    page.jar.sign_in(signed.tokens)
    named(page.jar, signed.profile.name)
    note = "welcome" if await _merged(page, signed) else "cart-waits"
    return page.to(f"{to}{'&' if '?' in to else '?'}note={note}")


async def _merged(page: Page, signed: LoginResponse) -> bool:
    asked = MergeCartsRequest(from_customer_id=page.visitor.guest_id, into_customer_id=signed.profile.user_id)
    token = (("authorization", f"Bearer {signed.tokens.access_token}"),)
    return await page.shop.if_possible("cart", page.shop.cart.MergeCarts(asked, metadata=token)) is not None


def _blame(form: Form, said: Refusal) -> None:
    """Say at its field what users found wrong."""
    if said.reason == "EMAIL_TAKEN":
        form.blame("email", "This address has an account already. Sign in instead.")
    form.blame_all({name: f"This {why}." for name, why in said.fields.items()}, {"name": "name", "email": "email"})
    if not form.wrong:
        form.blame("email", "We cannot make an account with this.")


def local(path: str) -> str:
    """The path, if it is one of this shop: nobody is sent elsewhere by a link to us."""
    fine = path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable()
    return path if fine and len(path) < 200 else "/"  # noqa: PLR2004
