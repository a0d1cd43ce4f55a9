"""What every test relies on."""

from __future__ import annotations

import signal


def pytest_configure() -> None:
    # A runner that was started in the background ignores SIGINT, and so would every process a test starts to interrupt.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
