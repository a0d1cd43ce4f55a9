"""The development server gives every service a database that no other can open; its own scripts, run for real."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import URL, create_engine, text
from sqlalchemy.exc import OperationalError

from loadtest import postgresql
from loadtest.postgresql import unprivileged
from tests.k8s.test_postgresql import SERVER

pytestmark = pytest.mark.processes

NO_ENTRY, NO_ADMINISTRATOR = "no pg_hba.conf entry", "pg_hba.conf rejects connection"
WRONG_PASSWORD = "password authentication failed"
NO_RIGHT = "User does not have CONNECT privilege"


@dataclass
class Pod:
    """What the StatefulSet's pod has: a folder for each volume, the scripts, the image's programs."""

    folder: Path
    programs: Path

    def write_password(self, role: str, password: str) -> None:
        (self.folder / "passwords" / role).write_text(password)

    def initialise(self) -> str:
        """What the init container does; its output."""
        done = subprocess.run(
            self._command("initialise.sh"), env=self._environment(), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    @contextmanager
    def serving(self, *options: str) -> Iterator[int]:
        """What the container does, until SIGINT, with further `options`; at a port of loopback, which it yields."""
        port = free_port()
        command = self._command("serve.sh", "-c", "listen_addresses=127.0.0.1", "-c", f"port={port}", *options)
        server = subprocess.Popen(command, env=self._environment(), stderr=subprocess.DEVNULL)
        try:
            ready = [
                f"{self.programs}/pg_isready",
                "--quiet",
                "--host",
                str(self.folder / "socket"),
                "--port",
                str(port),
            ]
            end = time.monotonic() + postgresql.STARTS_WITHIN
            while subprocess.run(ready, check=False).returncode:
                assert server.poll() is None
                assert time.monotonic() < end
                time.sleep(0.02)  # polling, bounded above
            yield port
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(30)

    def _command(self, script: str, *options: str) -> list[str]:
        return unprivileged(["sh", str(SERVER / script), *options])

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": f"{self.programs}:{os.environ['PATH']}",
            "PGDATA": str(self.folder / "data" / "postgresql"),
            "PGHOST": str(self.folder / "socket"),
            "PGUSER": "postgres",
            "PASSWORDS": str(self.folder / "passwords"),
        }


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def said(port: int, role: str, password: str, database: str, statement: str = "SELECT current_user") -> str:
    """What the server answers a role at a database: the first value, if any, or why it refuses."""
    url = URL.create("postgresql+psycopg", role, password, "127.0.0.1", port, database)
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            answer = connection.execute(text(statement))
            return str(answer.scalar()) if answer.returns_rows else ""
    except OperationalError as error:
        return str(error.orig)
    finally:
        engine.dispose()


@pytest.fixture
def pod() -> Iterator[Pod]:
    programs = postgresql.programs()
    if programs is None:
        pytest.skip(postgresql.MISSING)
    folder = Path(
        tempfile.mkdtemp(prefix="argosy-pod-")
    )  # pytest's own are too long for a socket, and closed to nobody
    for made in (folder, *(folder / name for name in ("data", "socket", "passwords"))):
        made.mkdir(exist_ok=True)
        if os.geteuid() == 0:
            os.chown(made, postgresql.NOBODY, postgresql.NOBODY)
    pod = Pod(folder, programs)
    pod.write_password("catalog", "rope")
    pod.write_password("payments", 'it\'s a "mug" \\ $HOME')
    yield pod
    shutil.rmtree(folder)


def test_every_role_opens_its_own_database_and_no_other(pod: Pod) -> None:
    pod.initialise()
    with pod.serving() as port:
        assert said(port, "catalog", "rope", "catalog") == "catalog"
        assert said(port, "payments", 'it\'s a "mug" \\ $HOME', "payments") == "payments"
        assert NO_ENTRY in said(port, "catalog", "rope", "payments")
        assert NO_ENTRY in said(port, "catalog", "rope", "postgres")
        assert WRONG_PASSWORD in said(port, "catalog", "guessed", "catalog")
        assert NO_ADMINISTRATOR in said(port, "postgres", "", "postgres")


def test_behind_the_first_wall_there_is_a_second(pod: Pod) -> None:
    """A server that lets every role knock at every database refuses it there, too."""
    pod.initialise()
    lax = pod.folder / "pg_hba.conf"
    lax.write_text("local all postgres trust\nhost all all all scram-sha-256\n")
    with pod.serving("-c", f"hba_file={lax}") as port:
        assert said(port, "catalog", "rope", "catalog") == "catalog"
        for database in ("payments", "postgres", "template1"):
            assert NO_RIGHT in said(port, "catalog", "rope", database)


def test_without_both_walls_one_service_opens_another_s_database(pod: Pod) -> None:
    """The negative control of the tests above."""
    pod.initialise()
    lax = pod.folder / "pg_hba.conf"
    lax.write_text("local all postgres trust\nhost all all all scram-sha-256\n")
    with pod.serving("-c", f"hba_file={lax}") as port:
        said(port, "payments", 'it\'s a "mug" \\ $HOME', "payments", "GRANT CONNECT ON DATABASE payments TO PUBLIC")
        assert said(port, "catalog", "rope", "payments") == "catalog"


def test_a_role_makes_tables_in_its_database_and_rules_nothing_else(pod: Pod) -> None:
    pod.initialise()
    may = "SELECT rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication FROM pg_roles WHERE rolname = 'catalog'"
    with pod.serving() as port:
        assert said(port, "catalog", "rope", "catalog", may) == "False"
        assert said(port, "catalog", "rope", "catalog", "CREATE TABLE mine (id int)") == ""


def test_lists_are_in_the_order_of_sqlite_s(pod: Pod) -> None:
    pod.initialise()
    how = "SELECT pg_encoding_to_char(encoding) || ' ' || datcollate FROM pg_database WHERE datname = 'catalog'"
    with pod.serving() as port:
        assert said(port, "catalog", "rope", "catalog", how) == "UTF8 C.UTF-8"


def test_a_restart_keeps_what_is_there_and_takes_a_changed_password(pod: Pod) -> None:
    pod.initialise()
    with pod.serving() as port:
        said(port, "catalog", "rope", "catalog", "CREATE TABLE mine AS SELECT 7 AS number")
    pod.write_password("catalog", "cable")
    pod.write_password("orders", "new")
    told = pod.initialise()
    with pod.serving() as port:
        assert said(port, "catalog", "cable", "catalog", "SELECT number FROM mine") == "7"
        assert WRONG_PASSWORD in said(port, "catalog", "rope", "catalog")
        assert said(port, "orders", "new", "orders") == "orders"
    assert "cable" not in told


def test_an_initialisation_that_was_cut_off_begins_again(pod: Pod) -> None:
    half = pod.folder / "data" / "postgresql.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("17")
    if os.geteuid() == 0:
        os.chown(half, postgresql.NOBODY, postgresql.NOBODY)
    pod.initialise()
    with pod.serving() as port:
        assert said(port, "catalog", "rope", "catalog") == "catalog"
