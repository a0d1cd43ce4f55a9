"""Where this process may let sidecars listen: other workers run theirs, at the port where all sidecars answer."""

from __future__ import annotations

import os

_NETWORK = f"127.{98 + os.getpid() % 64}.{os.getpid() // 64 % 256}"
ADDRESSES = [f"{_NETWORK}.{last}" for last in (1, 2, 3)]
