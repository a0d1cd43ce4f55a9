"""How is users' contract kept? Requests to works of one transaction, passwords to their threads.

No answer and no log line says more than it must: an unknown address and a wrong password are one refusal, after the
same time; so are a refresh token nobody knows, one that is over and one that was stolen.
"""

from __future__ import annotations

import logging
from typing import Any

from grpc.aio import ServicerContext
from shop.users.v1 import users_pb2 as pb
from shop.users.v1.users_pb2_grpc import UsersServiceServicer

from services.hosting.access_tokens import bearer_of, verified
from services.hosting.clock import Clock, microseconds
from services.hosting.database import Database
from services.hosting.errors import Aborted, PreconditionFailed, Unauthenticated
from services.users import accounts, attempts, sessions
from services.users.account import Account, Role, folded, new_user_id
from services.users.keyring import Keyring
from services.users.passwords import Passwords
from services.users.profiles import changes, to_message
from services.users.refresh_tokens import Verdict, new_family, parsed
from services.users.tokens import issued

Context = ServicerContext[Any, Any]


class UsersServicer(UsersServiceServicer):
    """The accounts in one database."""

    def __init__(
        self, database: Database, passwords: Passwords, keyring: Keyring, clock: Clock, logger: logging.Logger
    ) -> None:
        self._database, self._passwords, self._keyring = database, passwords, keyring
        self._clock, self._logger = clock, logger

    async def Register(self, request: pb.RegisterRequest, context: Context) -> pb.RegisterResponse:
        del context
        account = Account(
            user_id=new_user_id(),
            email=folded(request.email),
            name=request.name,
            address="",
            role=Role.CUSTOMER,
            password_hash=await self._passwords.hash(request.password),
            created_at=self._now(),
        )
        await self._database.write(accounts.add, account)
        return pb.RegisterResponse(profile=to_message(account))

    async def Login(self, request: pb.LoginRequest, context: Context) -> pb.LoginResponse:
        del context
        account = await self._database.write(attempts.begin, folded(request.email), self._now())
        right = await self._passwords.matches(request.password, account.password_hash if account else None)
        if account is None or not right:
            raise _not_signed_in()
        password_hash = account.password_hash
        if self._passwords.outdated(password_hash):
            password_hash = await self._passwords.hash(request.password)
        key, token, now = await self._keyring.signer(), new_family(), self._now()
        session = await self._database.write(sessions.begin, account, token, now, password_hash)
        if session is None:
            raise _not_signed_in()
        tokens = issued(account, key, session, token, now=now, life=self._keyring.schedule.token_life)
        return pb.LoginResponse(tokens=tokens, profile=to_message(account))

    async def Refresh(self, request: pb.RefreshRequest, context: Context) -> pb.RefreshResponse:
        del context
        token, now = parsed(request.refresh_token), self._now()
        if token is None:
            raise _not_renewed()
        # The key first: once the token is used, nothing may fail that can be known to.
        key, successor = await self._keyring.signer(), token.successor()
        renewal = await self._database.write(sessions.renew, token, successor, now)
        if renewal.verdict is Verdict.RACED:
            raise Aborted("REFRESH_RACED", "somebody else has just used this refresh token: use what they were given")
        if renewal.session is None or renewal.account is None:
            if renewal.session and renewal.verdict is Verdict.REUSED:
                self._logger.warning("refresh token reused", extra={"user_id": renewal.session.user_id})
            raise _not_renewed()
        life = self._keyring.schedule.token_life
        return pb.RefreshResponse(tokens=issued(renewal.account, key, renewal.session, successor, now=now, life=life))

    async def Logout(self, request: pb.LogoutRequest, context: Context) -> pb.LogoutResponse:
        del context
        if token := parsed(request.refresh_token):
            await self._database.write(sessions.end, token)
        return pb.LogoutResponse()

    async def GetProfile(self, request: pb.GetProfileRequest, context: Context) -> pb.GetProfileResponse:
        del request
        account = await self._database.read(accounts.by_id, self._caller(context))
        return pb.GetProfileResponse(profile=to_message(_there(account)))

    async def UpdateProfile(self, request: pb.UpdateProfileRequest, context: Context) -> pb.UpdateProfileResponse:
        user_id, changed = self._caller(context), changes(request)
        account = await self._database.write(accounts.change_profile, user_id, request.profile.etag, changed)
        return pb.UpdateProfileResponse(profile=to_message(account))

    async def ChangePassword(self, request: pb.ChangePasswordRequest, context: Context) -> pb.ChangePasswordResponse:
        user_id = self._caller(context)
        email = _there(await self._database.read(accounts.by_id, user_id)).email
        # Whoever has stolen an access token shall not guess the password any quicker here than at Login.
        account = _there(await self._database.write(attempts.begin, email, self._now()))
        if not await self._passwords.matches(request.old_password, account.password_hash):
            raise _wrong()
        after = await self._passwords.hash(request.new_password)
        if not await self._database.write(accounts.change_password, user_id, account.password_hash, after):
            raise _wrong()
        await self._database.write(attempts.forgive, email)
        return pb.ChangePasswordResponse()

    async def GetJwks(self, request: pb.GetJwksRequest, context: Context) -> pb.GetJwksResponse:
        del request, context
        return pb.GetJwksResponse(jwks=self._keyring.jwks)

    def _caller(self, context: Context) -> str:
        """Who calls: the token is verified here too, whatever the mesh has done. Raises Unauthenticated."""
        token = bearer_of(context.invocation_metadata())
        return verified(token, self._keyring.public, self._clock.now()).customer_id

    def _now(self) -> int:
        return microseconds(self._clock.now())


def _there(account: Account | None) -> Account:
    """The account of a valid token. Raises Unauthenticated when it is gone: the database is another one now."""
    if account is None:
        raise Unauthenticated("TOKEN_INVALID", "the access token's account is gone")
    return account


def _not_signed_in() -> Unauthenticated:
    return Unauthenticated("CREDENTIALS_WRONG", "address or password is wrong")


def _not_renewed() -> Unauthenticated:
    return Unauthenticated("REFRESH_INVALID", "the refresh token is not good any more: sign in again")


def _wrong() -> PreconditionFailed:
    return PreconditionFailed("PASSWORD_WRONG", "the old password is not right", field="old_password")
