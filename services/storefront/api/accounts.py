"""Accounts and sessions, for programs."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import APIRouter, Response
from pydantic import Field
from shop.users.v1 import users_pb2 as pb

from services.storefront.api.callers import Caller, TheCaller
from services.storefront.api.models import Model
from services.storefront.api.problems import ApiProblem, documented
from services.storefront.dependencies import TheShop

router = APIRouter(tags=["accounts"])


class NewAccount(Model):
    """Whose account to make."""

    email: str = Field(min_length=3, max_length=254)
    password: str = Field(min_length=12, max_length=128)
    name: str = Field(min_length=1, max_length=120)


class Credentials(Model):
    """Who signs in."""

    email: str = Field(min_length=1, max_length=254)
    password: str = Field(min_length=1, max_length=128)


class RefreshToken(Model):
    """What to renew, or to void."""

    refresh_token: str = Field(min_length=1, max_length=128)


class Profile(Model):
    """What is known of a customer."""

    customer_id: str
    email: str
    name: str
    address: str


class Session(Model):
    """What proves who asks. A refresh token is good for one refresh."""

    access_token: str
    access_expire_time: str
    refresh_token: str
    refresh_expire_time: str


@router.post("/accounts", status_code=201, responses=documented(409))
async def register(shop: TheShop, account: NewAccount) -> Profile:
    """Make an account."""
    return _profile((await shop.users.Register(pb.RegisterRequest(**account.model_dump()))).profile)


@router.get("/account", responses=documented(401))
async def get_account(shop: TheShop, caller: TheCaller) -> Profile:
    """One's own account."""
    _signed_in(caller)
    return _profile((await shop.users.GetProfile(pb.GetProfileRequest(), metadata=caller.metadata)).profile)


@router.post("/sessions", status_code=201, responses=documented(401))
async def sign_in(shop: TheShop, credentials: Credentials) -> Session:
    """Sign in."""
    return _session((await shop.users.Login(pb.LoginRequest(**credentials.model_dump()))).tokens)


@router.post("/sessions/refresh", responses=documented(401))
async def refresh(shop: TheShop, wanted: RefreshToken) -> Session:
    """New tokens for a refresh token, which is void afterwards."""
    return _session((await shop.users.Refresh(pb.RefreshRequest(**wanted.model_dump()))).tokens)


@router.post("/sessions/end", status_code=204, responses=documented())
async def sign_out(shop: TheShop, wanted: RefreshToken) -> Response:
    """Void a refresh token and all that descend from the same sign-in."""
    await shop.users.Logout(pb.LogoutRequest(**wanted.model_dump()))
    return Response(status_code=HTTPStatus.NO_CONTENT)


def _signed_in(caller: Caller) -> None:
    if not caller.token:
        raise ApiProblem(HTTPStatus.UNAUTHORIZED, "TOKEN_MISSING", "this takes an access token")


def _profile(profile: pb.Profile) -> Profile:
    return Profile(customer_id=profile.user_id, email=profile.email, name=profile.name, address=profile.address)


def _session(tokens: pb.Tokens) -> Session:
    return Session(
        access_token=tokens.access_token,
        access_expire_time=tokens.access_expire_time.ToJsonString(),
        refresh_token=tokens.refresh_token,
        refresh_expire_time=tokens.refresh_expire_time.ToJsonString(),
    )
