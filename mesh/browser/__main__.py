"""Have a Chromium: `python -m mesh.browser` fetches one where none is installed, and says which it is."""

from __future__ import annotations

import sys

from rich.console import Console

from mesh.browser.chromium import ensure_chromium
from mesh.browser.problems import NoChromium
from mesh.local.cache import cache_folder
from mesh.local.progress import ConsoleProgress


def main() -> None:
    """Fetch it. Exit code 6 when none can be had."""
    try:
        with ConsoleProgress(Console(stderr=True)) as progress:
            progress.done(f"Chromium: {ensure_chromium(cache_folder(), progress).program}")
    except NoChromium as error:
        print(error, file=sys.stderr)  # noqa: T201 - what a command line says
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
