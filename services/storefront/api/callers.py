"""For whom does a program ask? Its bearer token says it, or a guest's id that it knows. Cookies count for nothing."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, TypeAlias

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from services.hosting.customer import ADMIN, REGISTERED
from services.storefront.api.problems import ApiProblem
from services.storefront.keys import KeysUnknown

_BEARER = HTTPBearer(auto_error=False, description="The access token of POST /api/sessions.")


@dataclass(frozen=True)
class Caller:
    """Who asks, as far as it is known."""

    token: str = ""
    customer_id: str = ""
    admin: bool = False

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """What goes with every call made for them."""
        return (("authorization", f"Bearer {self.token}"),) if self.token else ()

    def acts_for(self, customer_id: str) -> str:
        """The customer meant: oneself with a token, else the guest named. Raises ApiProblem."""
        meant = customer_id or self.customer_id
        if not meant:
            raise ApiProblem(
                HTTPStatus.UNPROCESSABLE_ENTITY, "CUSTOMER_MISSING", "name a guest's customer_id, or send a token"
            )
        if meant.startswith(REGISTERED) and not self.admin and meant != self.customer_id:
            raise ApiProblem(HTTPStatus.FORBIDDEN, "NOT_YOURS", "this customer's are this customer's alone")
        return meant

    def may_see(self, customer_id: str) -> bool:
        """Whether something of this customer is theirs to see."""
        return self.admin or customer_id == self.customer_id or not customer_id.startswith(REGISTERED)


async def _caller(request: Request, given: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]) -> Caller:
    if given is None:
        return Caller()
    try:
        said = await request.app.state.keys.claims(given.credentials)
    except KeysUnknown:
        raise ApiProblem(
            HTTPStatus.SERVICE_UNAVAILABLE, "ACCOUNTS_UNAVAILABLE", "tokens cannot be verified just now"
        ) from None
    if said is None:
        raise ApiProblem(HTTPStatus.UNAUTHORIZED, "TOKEN_INVALID", "the token is not ours, or is over")
    return Caller(given.credentials, said.customer_id, said.role == ADMIN)


TheCaller: TypeAlias = Annotated[Caller, Depends(_caller)]
