"""What does the shop know of a customer, and how do they change it?"""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from google.protobuf.field_mask_pb2 import FieldMask
from grpc.aio import AioRpcError
from shop.users.v1.users_pb2 import ChangePasswordRequest, GetProfileRequest, Profile, UpdateProfileRequest

from services.storefront.dependencies import CustomersPage, TheForm
from services.storefront.forms import Form
from services.storefront.pages.sign_in import LONGEST, SHORTEST
from services.storefront.refusals import refusal
from services.storefront.rendering import Page
from services.storefront.sessions import named

router = APIRouter()


@router.get("/account", response_class=HTMLResponse)
async def account(page: CustomersPage) -> HTMLResponse:
    return await _page(page, Form({}), await _profile(page))


@router.post("/account", response_class=RedirectResponse)
async def save(page: CustomersPage, form: TheForm) -> Response:
    wanted = Profile(name=form.text("name")[:120], address=form.text("address")[:500], etag=form.text("etag")[:64])
    if not wanted.name:
        form.blame("name", "Please say what to call you.")
        return await _page(page, form, wanted, status=422)
    asked = UpdateProfileRequest(profile=wanted, update_mask=FieldMask(paths=["name", "address"]))
    try:
        saved = (await page.shop.users.UpdateProfile(asked, metadata=page.visitor.metadata)).profile
    except AioRpcError as error:
        if refusal(error).status != 409:  # noqa: PLR2004
            raise
        form.blame("name", "This was changed elsewhere meanwhile. It is shown as it is now; change it again.")
        return await _page(page, form, await _profile(page), status=409)
    named(page.jar, saved.name)
    return page.to("/account?note=saved")


@router.post("/account/password", response_class=RedirectResponse)
async def change_password(page: CustomersPage, form: TheForm) -> Response:
    old, new = form.secret("old_password"), form.secret("new_password")
    if not SHORTEST <= len(new) <= LONGEST:
        form.blame("new_password", f"A password has {SHORTEST} to {LONGEST} characters.")
    if not 0 < len(old) <= LONGEST:
        form.blame("old_password", "Please type the password you have now.")
    if form.wrong:
        return await _page(page, form, await _profile(page), status=422)
    asked = ChangePasswordRequest(old_password=old, new_password=new)
    try:
        await page.shop.users.ChangePassword(asked, metadata=page.visitor.metadata)
    except AioRpcError as error:
        said = refusal(error)
        if said.reason != "PASSWORD_WRONG":
            raise
        form.blame("old_password", "This is not the password you have now.")
        return await _page(page, form, await _profile(page), status=422)
    page.jar.sign_out()
    return page.to("/sign-in?note=password")


async def _profile(page: Page) -> Profile:
    return (await page.shop.users.GetProfile(GetProfileRequest(), metadata=page.visitor.metadata)).profile


async def _page(page: Page, form: Form, profile: Profile, *, status: int = 200) -> HTMLResponse:
    return await page.html("account.html", status=status, form=form, profile=profile)
