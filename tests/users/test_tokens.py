"""An access token says who calls, to us and to any verifier that knows our keys; nothing else does."""

from __future__ import annotations

import json
from typing import Any

import jwt
import pytest
from shop.users.v1 import users_pb2 as pb
from shop.users.v1.users_pb2_grpc import UsersServiceStub

from services.hosting.access_tokens import SKEW_SECONDS, public_keys, verified
from services.hosting.database import Database
from services.hosting.errors import Unauthenticated
from services.users import accounts, signing_keys
from services.users.account import Role
from services.users.keyring import Keyring
from tests.hosting.running import FakeClock
from tests.users.asking import EMAIL, PASSWORD, bearer, profile, refresh, refused, signed_in
from tests.users.forging import content, forged, sign, unfit

INVALID = ("UNAUTHENTICATED", "TOKEN_INVALID")
LIFE = 600  # seconds


async def test_a_token_says_what_the_shop_s_verifiers_expect(users: UsersServiceStub, clock: FakeClock) -> None:
    tokens = await signed_in(users)
    account = await profile(users, tokens.access_token)
    begins = int(clock.now().timestamp())
    claims = content(tokens.access_token)
    assert claims.pop("jti")
    assert claims == {
        "iss": "argosy",
        "aud": "shop",
        "sub": account.user_id,
        "role": "customer",
        "iat": begins,
        "nbf": begins,
        "exp": begins + LIFE,
    }
    assert tokens.access_expire_time.seconds == begins + LIFE


async def test_any_verifier_of_jwts_believes_it_by_the_published_keys(users: UsersServiceStub) -> None:
    token = (await signed_in(users)).access_token
    keys = jwt.PyJWKSet.from_json((await users.GetJwks(pb.GetJwksRequest())).jwks)
    key = keys[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(
        token, key, algorithms=["ES256"], audience="shop", issuer="argosy", options={"verify_exp": False}
    )
    assert claims["sub"].startswith("user-")


async def test_published_keys_hold_no_private_half(users: UsersServiceStub) -> None:
    (key,) = json.loads((await users.GetJwks(pb.GetJwksRequest())).jwks)["keys"]
    assert key.keys() == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    assert (key["kty"], key["crv"], key["use"], key["alg"]) == ("EC", "P-256", "sig", "ES256")


async def test_no_forged_token_is_believed(users: UsersServiceStub, keyring: Keyring) -> None:
    token = (await signed_in(users)).access_token
    for wrong, forgery in forged(token, keyring.public).items():
        call = users.GetProfile(pb.GetProfileRequest(), metadata=bearer(forgery))
        assert await refused(call) == INVALID, wrong
    assert await profile(users, token)  # negative control: the true one is


async def test_no_token_for_others_is_believed_whoever_has_signed_it(
    users: UsersServiceStub, keyring: Keyring, clock: FakeClock
) -> None:
    token, signer = (await signed_in(users)).access_token, await keyring.signer()
    tokens = unfit(token, signer.private)
    assert len(tokens) == 11
    for wrong, unfitting in tokens.items():
        call = users.GetProfile(pb.GetProfileRequest(), metadata=bearer(unfitting))
        assert await refused(call) == INVALID, wrong
    same = sign(content(token), signer.private, signer.kid)
    assert await profile(users, same)  # negative control: nothing else was wrong with them


async def test_a_token_ends_when_it_says(users: UsersServiceStub, clock: FakeClock) -> None:
    token = (await signed_in(users)).access_token
    clock.advance(LIFE - 0.001)
    assert await profile(users, token)
    clock.advance(0.001)
    call = users.GetProfile(pb.GetProfileRequest(), metadata=bearer(token))
    assert await refused(call) == ("UNAUTHENTICATED", "TOKEN_EXPIRED")


async def test_a_signer_s_clock_may_be_a_minute_ahead(
    keyring: Keyring, users: UsersServiceStub, clock: FakeClock
) -> None:
    token = (await signed_in(users)).access_token
    clock.advance(-SKEW_SECONDS)
    assert verified(token, keyring.public, clock.now()).role == "customer"
    clock.advance(-1)
    with pytest.raises(Unauthenticated):
        verified(token, keyring.public, clock.now())


async def test_without_a_token_there_is_no_account(users: UsersServiceStub) -> None:
    """Not even for who claims that a sidecar has seen one: users trusts its own keys alone."""
    calls: list[tuple[Any, Any]] = [
        (users.GetProfile, pb.GetProfileRequest()),
        (users.UpdateProfile, pb.UpdateProfileRequest(profile=pb.Profile(name="Eve", etag="?"))),
        (users.ChangePassword, pb.ChangePasswordRequest(old_password=PASSWORD, new_password=PASSWORD)),
    ]
    for metadata in (
        [],
        [("authorization", "")],
        [("authorization", "Basic YTpi")],
        [("argosy-customer", "user-0"), ("argosy-role", "admin")],
        [*bearer("a"), *bearer("b")],
    ):
        for call, request in calls:
            assert await refused(call(request, metadata=metadata)) == ("UNAUTHENTICATED", "TOKEN_MISSING"), metadata


async def test_a_granted_role_is_in_the_next_token(users: UsersServiceStub, database: Database) -> None:
    tokens = await signed_in(users)
    await database.write(accounts.grant, EMAIL, Role.ADMIN)
    assert content((await refresh(users, tokens.refresh_token)).access_token)["role"] == "admin"


async def test_a_token_of_an_account_that_is_gone_is_nobody_s(users: UsersServiceStub, keyring: Keyring) -> None:
    signer = await keyring.signer()
    claims = content((await signed_in(users)).access_token)
    token = sign(claims | {"sub": "user-0"}, signer.private, signer.kid)
    assert await refused(users.GetProfile(pb.GetProfileRequest(), metadata=bearer(token))) == INVALID


async def test_a_signing_key_shows_no_private_half(database: Database, keyring: Keyring) -> None:
    (key,) = await database.read(signing_keys.known)
    assert "PRIVATE" in key.pem
    assert "PRIVATE" not in repr(key)
    assert public_keys(keyring.jwks).keys() == {key.kid}
