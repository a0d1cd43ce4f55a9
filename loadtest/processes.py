"""How are Locust's processes started, watched and waited for?

One process until a core is not enough; then a master and `workers` more, each with a Python of its own and never
forked, because gRPC does not survive a fork (https://github.com/grpc/grpc/blob/master/doc/fork_support.md). Workers
may also run elsewhere, as pods do (k8s/components/load), and come to the master by themselves.
"""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from loadtest.shapes import Shape

LOCUSTFILE = Path(__file__).with_name("locustfile.py")
SHAPEFILE = Path(__file__).with_name("locust_shape.py")
MASTER_PORT = 5557  # where workers from elsewhere look for their master
ARRIVE_WITHIN = 120  # seconds until every worker must be there
WEB_ADDRESS, WEB_PORT = "127.0.0.1", 8089
USERS_PER_PROCESS = 500
STOP_TIMEOUT = 10  # seconds for the last calls of users; the longest deadline is 5
PATIENCE = ARRIVE_WITHIN + 30.0  # seconds beyond run time and stop timeout, for start and reports on a busy machine
UNITS = {"h": 3600, "m": 60, "s": 1}


@dataclass(frozen=True)
class Plan:
    """One run."""

    host: str
    users: int
    rate: float  # users started per second
    seconds: int
    seed: int
    workers: int  # 0: one process does it all
    html: Path
    folder: Path  # for what processes leave behind
    shape: Shape = Shape.STEADY
    elsewhere: int = 0  # workers that come by themselves

    @property
    def processes(self) -> int:
        """How many processes have users."""
        return self.workers + self.elsewhere or 1

    @property
    def log(self) -> Path:
        """Where Locust's log goes."""
        return self.html.with_suffix(".log")

    @property
    def tallies(self) -> list[Path]:
        """What processes with users have left, a file each."""
        return list(self.folder.glob("*.json"))

    @property
    def breakpoint(self) -> Path:
        """Where it is left at how many users the shop broke, and after how many seconds, if it did."""
        return self.folder / "breakpoint"

    @property
    def history(self) -> Path:
        """Where Locust leaves what it saw in every second."""
        return self.html.with_name(f"{self.html.stem}_stats_history.csv")


@dataclass
class Usage:
    """What generating the load took."""

    peak_rss: int = 0  # bytes of all processes together
    busiest: float = 0.0  # share of a core that the busiest process used on average
    lasted: float = 0.0  # seconds
    interrupted: float = 0.0  # seconds after which somebody pressed Ctrl-C; 0 when nobody did
    _cpu: dict[int, float] = field(default_factory=dict)

    def observe(self, processes: Sequence[psutil.Process], elapsed: float) -> None:
        """Look at the processes once."""
        resident = 0
        for process in processes:
            try:
                with process.oneshot():
                    resident += process.memory_info().rss
                    times = process.cpu_times()
            except psutil.NoSuchProcess:
                continue  # ended since the last look
            self._cpu[process.pid] = times.user + times.system
        self.peak_rss = max(self.peak_rss, resident)
        self.busiest = max(self._cpu.values(), default=0.0) / max(elapsed, 1.0)


class Stuck(Exception):
    """Locust did not end in time and was killed."""


def seconds_of(text: str) -> int:
    """Seconds in "90", "90s", "1m30s", "2h". Raises ValueError for anything else, and for nothing at all."""
    match = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?", text)
    seconds = (
        sum(int(number or 0) * UNITS[unit] for number, unit in zip(match.groups(), "hms", strict=True)) if match else 0
    )
    if not seconds:
        raise ValueError(f"{text!r} is not a duration such as 90s, 5m or 1h30m")
    return seconds


def commands(plan: Plan, master_port: int, *, page: bool = False) -> list[list[str]]:
    """The command lines: the process that decides about the end first, then the workers.

    With a `page` people start and end runs there, until they end the process.
    """
    files = [LOCUSTFILE] if plan.shape in {Shape.STEADY, Shape.SOAK} else [LOCUSTFILE, SHAPEFILE]
    lead = [*_locust(*files), "--host", plan.host, "--seed", str(plan.seed), "--shape", plan.shape]
    lead += ["--users", str(plan.users), "--spawn-rate", f"{plan.rate:g}", "--run-time", f"{plan.seconds}s"]
    lead += ["--stop-timeout", str(STOP_TIMEOUT), "--breakpoint-file", str(plan.breakpoint)]
    lead += ["--tally-folder", str(plan.folder)]
    lead += ["--web-host", WEB_ADDRESS, "--web-port", str(WEB_PORT)] if page else _headless(plan)
    if not plan.workers + plan.elsewhere:
        return [lead]
    bound = ("0.0.0.0", MASTER_PORT) if plan.elsewhere else ("127.0.0.1", master_port)
    return [[*lead, *_master(*bound, plan.processes)], *[worker("127.0.0.1", bound[1])] * plan.workers]


def worker(master: str, port: int) -> list[str]:
    """The command line of a worker of the master there."""
    return [*_locust(LOCUSTFILE), "--worker", "--master-host", master, "--master-port", str(port)]


def _headless(plan: Plan) -> list[str]:
    # The verdict is ours: Locust's own exit code knows nothing of expected refusals and of budgets.
    how = ["--headless", "--only-summary", "--exit-code-on-error", "0"]
    return [*how, "--html", str(plan.html), "--csv", str(plan.html.with_suffix(""))]


def _locust(*files: Path) -> list[str]:
    return [sys.executable, "-m", "locust", "-f", ",".join(map(str, files))]


def _master(host: str, port: int, workers: int) -> list[str]:
    master = ["--master", "--master-bind-host", host, "--master-bind-port", str(port)]
    return [*master, "--expect-workers", str(workers), "--expect-workers-max-wait", str(ARRIVE_WITHIN)]


def free_port() -> int:
    """A port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def generate_load(plan: Plan, progress: Callable[[float], None], *, patience: float = PATIENCE) -> tuple[int, Usage]:
    """Run Locust to its end; its exit code and what it took. Raises Stuck, or FileNotFoundError for a missing folder.

    `progress` hears the seconds that have passed, twice a second.
    """
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    started: list[subprocess.Popen[bytes]] = []
    with plan.log.open("wb") as log:
        try:
            for command in commands(plan, free_port()):
                started.append(subprocess.Popen(command, stdout=log, stderr=log, env=environment))  # noqa: PERF401
            return _wait(started, plan.seconds + STOP_TIMEOUT + patience, progress)
        finally:
            for process in started:
                process.kill()  # does nothing to those that have ended
                process.wait()


def _wait(
    started: Sequence[subprocess.Popen[bytes]], limit: float, progress: Callable[[float], None]
) -> tuple[int, Usage]:
    usage = Usage()
    watched = [psutil.Process(process.pid) for process in started]
    begin = time.monotonic()
    while any(process.poll() is None for process in started):
        elapsed = time.monotonic() - begin
        if elapsed > limit:
            raise Stuck(f"Locust was still running after {elapsed:.0f} s and was killed")
        try:
            usage.observe(watched, elapsed)
            progress(elapsed)
            time.sleep(0.5)
        except KeyboardInterrupt:  # Locust heard it too, and reports before it ends
            usage.interrupted = elapsed
            limit = min(limit, elapsed + STOP_TIMEOUT + 15)
    usage.lasted = time.monotonic() - begin
    failed = (process.returncode for process in started if process.returncode)  # of one that was killed below 0
    return next(failed, 0), usage
