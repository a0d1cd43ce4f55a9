"""What does Locust ask while a shape other than the steady one is run? Once a second: how many users now?

Loaded beside the locustfile by the process that leads; one that finds the breaking point leaves it in a file.
"""

from pathlib import Path
from typing import Any

from locust import LoadTestShape

from loadtest.shapes import Course, Seen, Shape

NOTHING = Seen(0, 0, {})


class Asked(LoadTestShape):
    """The course that --shape asks for, over --users, --spawn-rate and --run-time."""

    use_common_options = True
    _step, _before = 0, NOTHING

    def tick(self) -> tuple[int, float] | None:
        """Users, and how many are started per second; None ends the run."""
        shape: Any = self  # Locust leaves it half untyped
        runner = shape.runner
        options = runner.environment.parsed_options
        course = Course(Shape(options.shape), options.num_users, options.spawn_rate, options.run_time)
        elapsed: float = shape.get_run_time()
        if course.shape is Shape.BREAKPOINT and self._broken(course.step(elapsed), seen(runner.stats.total)):
            Path(options.breakpoint_file).write_text(f"{shape.get_current_user_count()} {elapsed:.0f}")
            return None
        return course.at(elapsed)

    def _broken(self, step: int, now: Seen) -> bool:
        """Whether the step that has just ended was too much."""
        if step == self._step:
            return False
        happened = now.since(self._before)
        self._step, self._before = step, now
        return happened.broken


def seen(total: Any) -> Seen:
    """Locust's statistics of all calls."""
    return Seen(total.num_requests, total.num_failures, dict(total.response_times))
