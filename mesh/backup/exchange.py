"""How do two folders change places so that nobody ever finds neither, or half of one? In one call of the kernel."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path
from tempfile import TemporaryDirectory

from mesh.backup.problems import NotExchangeable

_LIBC = ctypes.CDLL(None, use_errno=True)
_HERE = -100  # AT_FDCWD
_EXCHANGE = 2  # RENAME_EXCHANGE: renameat2(2), Linux 3.15, glibc 2.28


def exchange(one: Path, other: Path) -> None:
    """Let two folders of one file system change names. Raises NotExchangeable, and both are where they were."""
    if _LIBC.renameat2(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE):
        raise NotExchangeable(one.parent, os.strerror(ctypes.get_errno()))


def require_exchange(folder: Path) -> None:
    """Try it with two empty folders in `folder`, before anything depends on it. Raises NotExchangeable."""
    with (
        TemporaryDirectory(dir=folder, prefix="volumes-half-") as one,
        TemporaryDirectory(dir=folder, prefix="volumes-half-") as other,
    ):
        exchange(Path(one), Path(other))
