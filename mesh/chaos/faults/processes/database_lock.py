"""Who keeps everybody else from writing to a service's database? This program, run beside the service.

    hold NAME SECONDS    begin a transaction that locks out other writers, in a process of its own; it ends by itself
    held                 say whether somebody has: `true` when a transaction that writes gets no turn within a second
    release NAME         end that process

It goes by DATABASE_URL, as the service does, and needs nothing of ours.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

PATIENCE = 1.0  # of `held`, in seconds: longer than any transaction of the service
GRANTED = 10.0  # and of `hold`


def main(words: list[str]) -> None:
    """Do what the words say; the answer is printed."""
    match words:
        case ["hold", _, seconds]:
            sys.stdout.write(str(hold(float(seconds))))
        case ["held"]:
            sys.stdout.write(json.dumps(held()))
        case ["release", name]:
            release(name)
        case _:
            sys.exit(2)


def hold(seconds: float) -> int:
    """The number of the process that holds the lock for so long; its command line names it, as ours does."""
    reading, writing = os.pipe()
    holder = os.fork()
    if holder == 0:
        os.setsid()
        nowhere = os.open(os.devnull, os.O_RDWR)
        for standard in range(3):  # whoever waits for the end of our output must not wait for the lock's
            os.dup2(nowhere, standard)
        connection = locked(GRANTED)
        os.write(writing, b"!")
        time.sleep(seconds)
        connection.close()
        os._exit(0)
    os.close(writing)
    if not os.read(reading, 1):
        sys.exit("the database was not locked: others did not make way, or it cannot be opened")
    return holder


def held() -> bool:
    """Whether a writer has to wait. Raises what the database says otherwise."""
    try:
        locked(PATIENCE, others_may_write=True).close()
    except Exception as error:
        if "lock" in str(error):
            return True
        raise
    return False


def release(name: str) -> None:
    """End every process that was told to hold `name`."""
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # gone, or somebody else's
            words = (folder / "cmdline").read_bytes().split(b"\0")
            if b"hold" in words and name.encode() in words:
                os.kill(int(folder.name), signal.SIGKILL)


def locked(patience: float, *, others_may_write: bool = False) -> Any:
    """A connection in a transaction that has the right to write, or that alone has it (always so in a file)."""
    url = os.environ["DATABASE_URL"]
    if url.startswith("sqlite"):
        file = sqlite3.connect(url.partition(":///")[2], timeout=patience, isolation_level=None)
        file.execute("BEGIN IMMEDIATE")
        return file
    import psycopg  # noqa: PLC0415  # only where it is used

    server = psycopg.connect(url.replace("+psycopg", "", 1))
    server.execute(f"SET lock_timeout = {patience * 1000:.0f}")
    tables = server.execute("SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = current_schema()")
    names = ", ".join(name for (name,) in tables)
    server.execute(f"LOCK TABLE {names} IN {'ROW EXCLUSIVE' if others_may_write else 'EXCLUSIVE'} MODE")
    return server


if __name__ == "__main__":
    main(sys.argv[1:])
