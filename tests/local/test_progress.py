import io

from rich.console import Console

from mesh.local.progress import PLAIN_LINE_EVERY, ConsoleProgress, as_minutes


def test_without_a_terminal_a_line_comes_now_and_then_and_every_end_is_told() -> None:
    page = io.StringIO()
    seconds = iter([0.0, 0.1, 1.0, PLAIN_LINE_EVERY + 1, 20.0])
    with ConsoleProgress(Console(file=page), clock=lambda: next(seconds)) as progress:
        progress.now("first")
        progress.now("too soon")
        progress.now("after a while")
        progress.done("built")
    assert page.getvalue().splitlines() == ["   0.1s  first ...", "  16.0s  after a while ...", "  20.0s  built"]


def test_minutes_are_read_as_on_a_clock() -> None:
    assert [as_minutes(seconds) for seconds in (0, 59.9, 83, 3600)] == ["0:00", "0:59", "1:23", "60:00"]


def test_on_a_terminal_the_seconds_go_on_while_the_work_is_silent() -> None:
    seconds = 0.0
    with ConsoleProgress(Console(file=io.StringIO(), force_terminal=True), clock=lambda: seconds) as progress:
        progress.now("linking")
        seconds = 65.0
        assert progress.__rich__().plain == "linking 1:05"
