"""How does an account look in the contract, and which changes of it does a request ask for?"""

from __future__ import annotations

from collections.abc import Mapping

from shop.users.v1 import users_pb2 as pb

from services.hosting.clock import timestamp
from services.hosting.errors import InvalidRequest
from services.users.account import Account, Role

CHANGEABLE = ("name", "address")
_ROLES = {Role.CUSTOMER: pb.ROLE_CUSTOMER, Role.ADMIN: pb.ROLE_ADMIN}


def to_message(account: Account) -> pb.Profile:
    return pb.Profile(
        user_id=account.user_id,
        email=account.email,
        name=account.name,
        address=account.address,
        role=_ROLES[account.role],
        etag=account.etag,
        create_time=timestamp(account.created_at),
    )


def changes(request: pb.UpdateProfileRequest) -> Mapping[str, str]:
    """The new values by their column. Raises InvalidRequest."""
    if not request.profile.etag:
        raise InvalidRequest("ETAG_MISSING", "must be the profile's current etag", field="profile.etag")
    wanted = tuple(request.update_mask.paths) or CHANGEABLE
    if not set(wanted) <= set(CHANGEABLE):
        raise InvalidRequest("MASK_INVALID", f"may only name {' and '.join(CHANGEABLE)}", field="update_mask.paths")
    changed: dict[str, str] = {field: getattr(request.profile, field) for field in wanted}
    if changed.get("name") == "":
        raise InvalidRequest("NAME_EMPTY", "must not be empty", field="profile.name")
    return changed
