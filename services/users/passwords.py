"""How is a password kept, and compared? As an Argon2id hash, computed in a few threads of its own.

A hash is meant to cost: 19 MiB and about 30 ms (https://cheatsheetseries.owasp.org, "Password Storage"). So it is not
computed on the event loop, and only two at once: more would take the memory of the pod and the time of everybody else.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from secrets import token_urlsafe
from typing import TypeVar
from unicodedata import normalize

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

AT_ONCE = 2
MEMORY_KIB, PASSES, LANES = 19 * 1024, 2, 1

T = TypeVar("T")


class Passwords:
    """Hashes passwords and compares them with hashes."""

    def __init__(self, hasher: PasswordHasher, threads: ThreadPoolExecutor, nobodys: str) -> None:
        self._hasher, self._threads, self._nobodys = hasher, threads, nobodys

    async def hash(self, password: str) -> str:
        return await self._run(lambda: self._hasher.hash(_one_form(password)))

    async def matches(self, password: str, stored: str | None) -> bool:
        """Whether `stored` is the hash of `password`. None is nobody's hash, and takes as long to differ from."""
        right = await self._run(lambda: _matches(self._hasher, stored or self._nobodys, password))
        return right and stored is not None

    def outdated(self, stored: str) -> bool:
        """Whether it was hashed with other parameters than today's."""
        return self._hasher.check_needs_rehash(stored)

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


@asynccontextmanager
async def open_passwords(
    *, at_once: int = AT_ONCE, memory_kib: int = MEMORY_KIB, passes: int = PASSES
) -> AsyncIterator[Passwords]:
    """Passwords, with `at_once` threads while the block runs."""
    hasher = PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=LANES)
    threads = ThreadPoolExecutor(at_once, thread_name_prefix="argon2")
    try:
        nobodys = await asyncio.get_running_loop().run_in_executor(threads, hasher.hash, token_urlsafe())
        yield Passwords(hasher, threads, nobodys)
    finally:
        await asyncio.to_thread(threads.shutdown)


def _matches(hasher: PasswordHasher, stored: str, password: str) -> bool:
    try:
        return hasher.verify(stored, _one_form(password))
    except VerifyMismatchError:
        return False


def _one_form(password: str) -> str:
    """Keyboards write the same letter in different ways (RFC 8265, section 4)."""
    return normalize("NFC", password)
