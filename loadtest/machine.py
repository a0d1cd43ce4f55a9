"""What were these numbers measured on?"""

import os
import platform
from pathlib import Path


def machine() -> str:
    """Cores, processor, Python, and how busy the machine was."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    model = next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine()
    )
    load = os.getloadavg()[1]
    return f"{os.cpu_count()} x {model}, Python {platform.python_version()}, load {load:.1f} over the last 5 minutes"
