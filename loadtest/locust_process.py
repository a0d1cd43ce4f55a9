"""What does every Locust process do besides running users?

It tells gRPC about gevent, learns the options that users read, and gives its tally of calls to the process that leads,
which leaves one file for each. Locust's own master waits half a second for last reports and loses what comes later;
here it asks every worker to finish, and waits until each has sent its tally.
"""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import gevent
from grpc.experimental import gevent as grpc_gevent
from locust import events, runners
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from loadtest.locust_grpc import GrpcUser
from loadtest.processes import STOP_TIMEOUT, USERS_PER_PROCESS
from loadtest.shapes import Shape

CALLS_AT_ONCE = USERS_PER_PROCESS + 10
FINISH, TALLY = "argosy-finish", "argosy-tally"  # messages to every worker, and from it
REPORTS_WITHIN = STOP_TIMEOUT + 10.0  # seconds
SILENT = 15  # seconds after which a worker is missed: Locust's three end whole runs on a busy machine (seen)


def add_options(parser: ArgumentParser, **_: Any) -> None:
    """Add Argosy's options to Locust's."""
    add: Any = parser.add_argument  # Locust's own takes more than argparse's
    add("--seed", type=int, default=1, env_var="SEED", help="same seed, same shopping")
    add("--shape", default=Shape.STEADY.value, include_in_web_ui=False, help="how the number of users changes")
    add("--breakpoint-file", default="", include_in_web_ui=False, help="where to leave the users it broke with")
    add("--tally-folder", default="", include_in_web_ui=False, help="where to leave the counts, a file per process")


def begin(environment: Environment, **_: Any) -> None:
    """Make gRPC ready, and see to it that what users count gets to the process that leads."""
    # Every gRPC call that waits holds a thread of gevent's pool. With the usual ten, twenty hung calls make healthy
    # ones wait for two seconds (measured), and the harness blames the shop.
    gevent.get_hub().threadpool.maxsize = CALLS_AT_ONCE
    grpc_gevent.init_gevent()  # Locust patched the standard library long ago, and no channel exists yet

    def on_user_error(exception: BaseException, **_: Any) -> None:
        GrpcUser.tally.errors[f"{type(exception).__name__}: {exception}"] += 1

    hooks: Any = environment.events  # Locust leaves them untyped
    hooks.user_error.add_listener(on_user_error)
    runners.HEARTBEAT_LIVENESS = SILENT
    options: Any = environment.parsed_options
    runner: Any = environment.runner
    if isinstance(runner, WorkerRunner):
        _report(hooks, runner)
    elif options.tally_folder:
        _collect(hooks, runner, Path(options.tally_folder))


def _report(hooks: Any, runner: Any) -> None:
    """Send the tally when users have ended: when asked to finish, and when this worker is ended by itself."""

    def send(**_: Any) -> None:
        runner.stop()
        runner.send_message(TALLY, {"json": own()})

    runner.register_message(FINISH, send, concurrent=True)
    hooks.quitting.add_listener(send)


def _collect(hooks: Any, runner: Any, folder: Path) -> None:
    """Leave a file for this process or, where it leads others, for each of them."""

    def keep(msg: Any, **_: Any) -> None:
        leave(msg.data["json"], folder / f"{msg.node_id}.json")

    def finish(**_: Any) -> None:
        runner.send_message(FINISH)
        with gevent.Timeout(REPORTS_WITHIN, False):
            while {client.id for client in runner.clients.all} - _left(folder):
                gevent.sleep(0.1)

    def leave_own(**_: Any) -> None:
        leave(own(), folder / "own.json")

    if isinstance(runner, MasterRunner):
        runner.register_message(TALLY, keep)
        hooks.test_stopping.add_listener(finish)
    else:
        hooks.quitting.add_listener(leave_own)


def _left(folder: Path) -> set[str]:
    return {file.stem for file in folder.glob("*.json")}


def own() -> str:
    """What users of this process have counted, as JSON."""
    return json.dumps(GrpcUser.tally.to_json())


def leave(tally: str, file: Path) -> None:
    """Write the counts: the whole file, or none."""
    draft = file.with_suffix(".draft")
    draft.write_text(tally)
    draft.replace(file)


def register() -> None:
    """Ask Locust to call the functions above."""
    hooks: Any = events
    hooks.init_command_line_parser.add_listener(add_options)
    hooks.init.add_listener(begin)
