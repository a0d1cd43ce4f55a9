"""What does every Locust process do besides running users?

It tells gRPC about gevent, learns the options that users read, and leaves a tally of its calls when it ends. Each
worker writes a file of its own: Locust's master waits half a second for last reports and loses what comes later.
"""

import json
import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import gevent
from grpc.experimental import gevent as grpc_gevent
from locust import events
from locust.env import Environment

from loadtest.locust_grpc import GrpcUser
from loadtest.processes import USERS_PER_PROCESS
from loadtest.tally import Tally

CALLS_AT_ONCE = USERS_PER_PROCESS + 10


def add_options(parser: ArgumentParser, **_: Any) -> None:
    """Add Argosy's options to Locust's."""
    add: Any = parser.add_argument  # Locust's own takes more than argparse's
    add("--seed", type=int, default=1, env_var="SEED", help="same seed, same shopping")
    add("--tally-folder", default="", help="where to leave the counts", include_in_web_ui=False)


def begin(environment: Environment, **_: Any) -> None:
    """Make gRPC ready, and write what users counted when the process ends."""
    # Every gRPC call that waits holds a thread of gevent's pool. With the usual ten, twenty hung calls make healthy
    # ones wait for two seconds (measured), and the harness blames the shop.
    gevent.get_hub().threadpool.maxsize = CALLS_AT_ONCE
    grpc_gevent.init_gevent()  # Locust patched the standard library long ago, and no channel exists yet
    # Read now: a worker's options are replaced by the master's when the users start.
    given: Any = environment.parsed_options
    file = Path(given.tally_folder) / f"{os.getpid()}.json" if given.tally_folder and not given.master else None

    def on_user_error(exception: BaseException, **_: Any) -> None:
        GrpcUser.tally.errors[f"{type(exception).__name__}: {exception}"] += 1

    def on_quitting(**_: Any) -> None:
        if file:
            leave(GrpcUser.tally, file)

    hooks: Any = environment.events  # Locust leaves them untyped
    hooks.user_error.add_listener(on_user_error)
    hooks.quitting.add_listener(on_quitting)


def leave(tally: Tally, file: Path) -> None:
    """Write the counts: the whole file, or none."""
    draft = file.with_suffix(".draft")
    draft.write_text(json.dumps(tally.to_json()))
    draft.replace(file)


def register() -> None:
    """Ask Locust to call the functions above."""
    hooks: Any = events
    hooks.init_command_line_parser.add_listener(add_options)
    hooks.init.add_listener(begin)
