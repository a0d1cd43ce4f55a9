"""Whatever is wrong with a request, the answer is INVALID_ARGUMENT and names the field."""

from __future__ import annotations

from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask
from grpc import StatusCode
from shop.users.v1 import users_pb2 as pb
from shop.users.v1.users_pb2_grpc import UsersServiceStub

from tests.hosting.running import blamed
from tests.users.asking import EMAIL, NAME, PASSWORD, bearer, profile, refresh, refusal, refused, signed_in

GOOD = {"email": EMAIL, "password": PASSWORD, "name": NAME}

BAD: list[tuple[str, Any, str]] = [
    *(
        ("Register", pb.RegisterRequest(**GOOD | {field: value}), field)
        for field, value in [
            ("email", ""),
            ("email", "ada"),
            ("email", "ada@example.com\r\nBcc: eve@example.com"),
            ("email", "<script>@example.com"),
            ("email", f"{'a' * 243}@example.com"),
            ("password", ""),
            ("password", "elevenchars"),
            ("password", "x" * 129),
            ("name", ""),
            ("name", "x" * 121),
        ]
    ),
    ("Login", pb.LoginRequest(password=PASSWORD), "email"),
    ("Login", pb.LoginRequest(email="x" * 255, password=PASSWORD), "email"),
    ("Login", pb.LoginRequest(email=EMAIL), "password"),
    ("Login", pb.LoginRequest(email=EMAIL, password="x" * 129), "password"),
    ("Refresh", pb.RefreshRequest(), "refresh_token"),
    ("Refresh", pb.RefreshRequest(refresh_token="x" * 129), "refresh_token"),
    ("Logout", pb.LogoutRequest(), "refresh_token"),
    ("Logout", pb.LogoutRequest(refresh_token="x" * 129), "refresh_token"),
    ("UpdateProfile", pb.UpdateProfileRequest(), "profile"),
    ("UpdateProfile", pb.UpdateProfileRequest(profile=pb.Profile(name="Eve")), "profile.etag"),
    (
        "UpdateProfile",
        pb.UpdateProfileRequest(profile=pb.Profile(name="Eve", etag="?"), update_mask=FieldMask(paths=["name.x"])),
        "update_mask.paths",
    ),
    ("ChangePassword", pb.ChangePasswordRequest(new_password=PASSWORD), "old_password"),
    ("ChangePassword", pb.ChangePasswordRequest(old_password=PASSWORD), "new_password"),
    ("ChangePassword", pb.ChangePasswordRequest(old_password=PASSWORD, new_password="short"), "new_password"),
]

HOSTILE = ["' OR '1'='1", '"; DROP TABLE accounts; --', "%", "_%", "<b>", "\\", "\N{RIGHT-TO-LEFT OVERRIDE}", "é" * 60]


async def test_bad_input_is_named_and_changes_nothing(users: UsersServiceStub) -> None:
    tokens = await signed_in(users)
    before = await profile(users, tokens.access_token)
    for method, request, field in BAD:
        error = await refusal(getattr(users, method)(request, metadata=bearer(tokens.access_token)))
        assert (error.code(), field in blamed(error)) == (StatusCode.INVALID_ARGUMENT, True), (method, field)
    assert await profile(users, tokens.access_token) == before
    assert await refresh(users, tokens.refresh_token)


async def test_every_method_that_is_told_something_is_covered() -> None:
    service = pb.DESCRIPTOR.services_by_name["UsersService"]
    assert {method.name for method in service.methods if method.input_type.fields} == {bad[0] for bad in BAD}


async def test_hostile_text_is_text(users: UsersServiceStub) -> None:
    token = (await signed_in(users)).access_token
    for text in HOSTILE:
        account = await profile(users, token)
        account.name = account.address = text
        request = pb.UpdateProfileRequest(profile=account)
        stored = (await users.UpdateProfile(request, metadata=bearer(token))).profile
        assert (stored.name, stored.address) == (text, text)
        signing_in = users.Login(pb.LoginRequest(email=text, password=text))
        assert await refused(signing_in) == ("UNAUTHENTICATED", "CREDENTIALS_WRONG")


async def test_a_character_that_not_every_database_keeps_is_no_internal_error(users: UsersServiceStub) -> None:
    """PostgreSQL has no U+0000; SQLite has."""
    token = (await signed_in(users)).access_token
    account = await profile(users, token)
    account.name = "a\0b"
    updating = users.UpdateProfile(pb.UpdateProfileRequest(profile=account), metadata=bearer(token))
    signing_in = users.Login(pb.LoginRequest(email="a\0b", password="a\0b"))
    assert await updating.code() in {StatusCode.OK, StatusCode.INVALID_ARGUMENT}
    assert await signing_in.code() in {StatusCode.UNAUTHENTICATED, StatusCode.INVALID_ARGUMENT}
