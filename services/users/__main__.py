"""Users, as a process: `python -m services.users`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from pydantic.dataclasses import dataclass
from shop.users.v1 import users_pb2
from shop.users.v1.users_pb2_grpc import add_UsersServiceServicer_to_server

from services.hosting import Host, Hosted, HostSettings, Migration, run
from services.hosting.http_server import Http
from services.hosting.settings import Listenable
from services.users import policy
from services.users.granting import Grant
from services.users.housekeeping import Housekeeper
from services.users.jwks_page import jwks_page
from services.users.key_schedule import Schedule
from services.users.keyring import Keyring
from services.users.passwords import open_passwords
from services.users.servicer import UsersServicer

MIGRATIONS = Path(__file__).parent / "migrations"


@dataclass(frozen=True, kw_only=True)
class UsersSettings(HostSettings):
    service_name: str = "users"
    jwks_address: Listenable = "0.0.0.0:8080"


@asynccontextmanager
async def build(settings: UsersSettings, host: Host) -> AsyncIterator[Hosted]:
    async with host.database(MIGRATIONS) as database, open_passwords() as passwords:
        keyring = Keyring(database, host.now, Schedule(), host.logger)
        await keyring.turn()
        servicer = UsersServicer(database, passwords, keyring, host.clock, host.logger)
        service = users_pb2.DESCRIPTOR.services_by_name["UsersService"]
        yield Hosted(
            servicers=[(service, servicer, add_UsersServiceServicer_to_server)],
            background=[keyring.run, Housekeeper(database, host.now).run],
            policy=policy.SERVER,
            http=Http(jwks_page(lambda: keyring.jwks), settings.jwks_address),
        )


if __name__ == "__main__":
    run(UsersSettings, build, Migration(UsersSettings, MIGRATIONS), Grant(UsersSettings, MIGRATIONS))
