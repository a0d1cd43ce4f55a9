"""What users promises of accounts in its contract, asked over gRPC through the real interceptors."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from uuid import UUID

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from shop.users.v1 import users_pb2 as pb
from shop.users.v1.users_pb2_grpc import UsersServiceStub

from services.hosting.database import Database
from services.users import accounts
from services.users.account import Account, Role
from tests.hosting.running import FakeClock, blamed
from tests.users.asking import (
    EMAIL,
    NAME,
    PASSWORD,
    WRONG,
    bearer,
    login,
    profile,
    refresh,
    refusal,
    refused,
    register,
    signed_in,
)

OTHER_PASSWORD = "staple correct horse"


async def update(users: UsersServiceStub, token: str, changed: pb.Profile, *fields: str) -> pb.Profile:
    request = pb.UpdateProfileRequest(profile=changed, update_mask=FieldMask(paths=fields) if fields else None)
    return (await users.UpdateProfile(request, metadata=bearer(token))).profile


async def change_password(users: UsersServiceStub, token: str, old: str, new: str = OTHER_PASSWORD) -> None:
    await users.ChangePassword(pb.ChangePasswordRequest(old_password=old, new_password=new), metadata=bearer(token))


async def test_a_new_account_is_a_customer_s(users: UsersServiceStub, clock: FakeClock) -> None:
    made = await register(users, "Ada@Example.COM")
    prefix, _, uuid = made.user_id.partition("-")
    assert (prefix, str(UUID(uuid))) == ("user", uuid)
    assert (made.email, made.name, made.address, made.role) == (EMAIL, NAME, "", pb.ROLE_CUSTOMER)
    assert made.create_time.ToDatetime(clock.now().tzinfo) == clock.now()
    assert await profile(users, (await login(users)).access_token) == made


async def test_an_address_has_one_account_in_whatever_case(users: UsersServiceStub) -> None:
    await register(users)
    error = await refusal(register(users, EMAIL.upper(), OTHER_PASSWORD))
    assert (error.code().name, blamed(error)) == ("ALREADY_EXISTS", ["email"])
    assert (await login(users, EMAIL.title())).access_token  # with the first password still


async def test_of_many_who_register_an_address_at_once_one_gets_it(users: UsersServiceStub) -> None:
    made = await asyncio.gather(*(register(users) for _ in range(8)), return_exceptions=True)
    assert sum(isinstance(one, pb.Profile) for one in made) == 1


@pytest.mark.parametrize(
    ("email", "password"), [(EMAIL, WRONG), ("nobody@example.com", PASSWORD), ("' OR 1=1 --", "x")]
)
async def test_a_wrong_password_and_an_unknown_address_are_one_refusal(
    users: UsersServiceStub, email: str, password: str
) -> None:
    await register(users)
    error = await refusal(login(users, email, password))
    assert (error.code().name, error.details(), blamed(error)) == (
        "UNAUTHENTICATED",
        "address or password is wrong",
        [],
    )


async def test_a_password_may_be_written_in_any_form_of_its_letters(users: UsersServiceStub) -> None:
    await register(users, password="caf\N{LATIN SMALL LETTER E WITH ACUTE} con leche")
    assert await login(users, password="cafe\N{COMBINING ACUTE ACCENT} con leche")


async def test_a_profile_changes_in_the_fields_that_are_named(users: UsersServiceStub) -> None:
    token = (await signed_in(users)).access_token
    before = await profile(users, token)
    wanted = pb.Profile(name="Ada L.", address="Harbour 1", etag=before.etag, role=pb.ROLE_ADMIN, email="x@example.com")
    named = await update(users, token, wanted, "address")
    assert (named.name, named.address, named.etag != before.etag) == (NAME, "Harbour 1", True)
    wanted.etag, wanted.address = named.etag, ""
    both = await update(users, token, wanted)
    assert (both.name, both.address) == ("Ada L.", "")
    assert (both.user_id, both.email, both.role) == (before.user_id, EMAIL, pb.ROLE_CUSTOMER)
    assert await profile(users, token) == both


@pytest.mark.parametrize(
    ("changed", "fields", "blames"),
    [
        (pb.Profile(name="A", etag="?"), ["email"], "update_mask.paths"),
        (pb.Profile(name="A", etag="?"), ["name", "role"], "update_mask.paths"),
        (pb.Profile(name="A", etag="?"), [""], "update_mask.paths"),
        (pb.Profile(name="A", etag="?"), ["*"], "update_mask.paths"),
        (pb.Profile(name="A"), ["name"], "profile.etag"),
        (pb.Profile(etag="?"), ["name"], "profile.name"),
        (pb.Profile(etag="?"), [], "profile.name"),
        (pb.Profile(name="A" * 121, etag="?"), ["name"], "profile.name"),
        (pb.Profile(name="A", address="A" * 501, etag="?"), ["address"], "profile.address"),
    ],
)
async def test_what_no_profile_can_become_is_named(
    users: UsersServiceStub, changed: pb.Profile, fields: list[str], blames: str
) -> None:
    token = (await signed_in(users)).access_token
    before = await profile(users, token)
    error = await refusal(update(users, token, changed, *fields))
    assert (error.code().name, blamed(error)) == ("INVALID_ARGUMENT", [blames])
    assert await profile(users, token) == before


async def test_of_two_who_change_a_profile_they_have_read_one_is_told_to_read_again(users: UsersServiceStub) -> None:
    token = (await signed_in(users)).access_token
    before = await profile(users, token)
    wanted = (pb.Profile(name=name, etag=before.etag) for name in ("One", "Two"))
    ends = await asyncio.gather(*(update(users, token, one, "name") for one in wanted), return_exceptions=True)
    (changed,) = [end for end in ends if isinstance(end, pb.Profile)]
    assert await profile(users, token) == changed
    assert await refused(update(users, token, pb.Profile(name="Three", etag=before.etag))) == (
        "ABORTED",
        "ETAG_MISMATCH",
    )


async def test_a_changed_password_ends_every_session_and_only_it_signs_in(users: UsersServiceStub) -> None:
    first, second = await signed_in(users), await login(users)
    await change_password(users, first.access_token, PASSWORD)
    for tokens in (first, second):
        assert await refused(refresh(users, tokens.refresh_token)) == ("UNAUTHENTICATED", "REFRESH_INVALID")
    assert await refused(login(users)) == ("UNAUTHENTICATED", "CREDENTIALS_WRONG")
    assert await login(users, password=OTHER_PASSWORD)


async def test_a_password_is_not_changed_by_who_does_not_know_it(users: UsersServiceStub) -> None:
    tokens = await signed_in(users)
    error = await refusal(change_password(users, tokens.access_token, WRONG))
    assert (error.code().name, blamed(error)) == ("FAILED_PRECONDITION", ["old_password"])
    assert await refresh(users, tokens.refresh_token)
    assert await login(users)


async def test_whoever_signs_in_with_a_password_while_it_changes_is_not_in_afterwards(
    users: UsersServiceStub,
) -> None:
    tokens = await signed_in(users)
    changed, *logins = await asyncio.gather(
        change_password(users, tokens.access_token, PASSWORD), *(login(users) for _ in range(3)), return_exceptions=True
    )
    assert changed is None
    for begun in logins:
        if isinstance(begun, pb.Tokens):
            assert await refused(refresh(users, begun.refresh_token)) == ("UNAUTHENTICATED", "REFRESH_INVALID")


async def test_a_role_is_granted_to_whom_there_is(users: UsersServiceStub, database: Database) -> None:
    tokens = await signed_in(users)
    assert await database.write(accounts.grant, EMAIL, Role.ADMIN)
    assert not await database.write(accounts.grant, "nobody@example.com", Role.ADMIN)
    assert (await profile(users, tokens.access_token)).role == pb.ROLE_ADMIN


def test_an_account_s_etag_tells_its_content_and_its_repr_no_password() -> None:
    account = Account("user-1", EMAIL, NAME, "", Role.CUSTOMER, "$argon2id$", 0)
    assert account.etag == replace(account, password_hash="$other$").etag
    changes = ({"name": "B"}, {"address": "B"}, {"role": Role.ADMIN}, {"email": "b@example.com"})
    assert len({replace(account, **change).etag for change in changes} | {account.etag}) == 5
    assert "argon2" not in repr(account)
