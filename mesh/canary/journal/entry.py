"""What is one entry of a run's journal, and how is it seen that none was changed? By the chain of their hashes.

kind       facts
started    service baseline canary weights{version: weight} plan command revision images{version: image} watchdog
           unattended sticky
intent     step action from{version: weight} to{version: weight} reason resource_version
applied    step action weights{version: weight} done resource_version
observed   step share requests
block      the block as mesh.canary.journal.blocks writes it, raw (sha256 of what the scrapes brought)
nodata     step why
judged     step outcome reason kill evidence
gate       step gate outcome(passed|failed|waiting) output
requested  what(pause|resume|promote|rollback|approve) reason
paused     reason
resumed    unattended
stolen     from reason
ended      outcome(promoted|rolled-back|drifted) reason exit_code

`by` is who did it: the operator who runs the tool, the one who asked, or the watchdog.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Self

from mesh.canary.problems import Tampered

GENESIS = "0" * 64
"""What the first entry follows."""


class Kind(StrEnum):
    """What an entry is about."""

    STARTED = "started"
    INTENT = "intent"
    APPLIED = "applied"
    OBSERVED = "observed"
    BLOCK = "block"
    NODATA = "nodata"
    JUDGED = "judged"
    GATE = "gate"
    REQUESTED = "requested"
    PAUSED = "paused"
    RESUMED = "resumed"
    STOLEN = "stolen"
    ENDED = "ended"


@dataclass(frozen=True)
class Entry:
    """One line of the journal; `at` is unix time, `prev` the hash of the entry before it."""

    n: int
    at: float
    run: str
    kind: Kind
    by: str
    facts: Mapping[str, Any]
    prev: str
    hash: str

    @classmethod
    def after(cls, last: Entry | None, *, at: float, run: str, kind: Kind, by: str, facts: Mapping[str, Any]) -> Self:
        """The entry that follows `last`; the first one of a run without."""
        n, prev = (last.n + 1, last.hash) if last else (1, GENESIS)
        unsigned = cls(n, round(at, 3), run, kind, by, dict(facts), prev, hash="")
        return replace(unsigned, hash=_hash(unsigned._body()))

    @classmethod
    def parse(cls, line: str) -> Self:
        """The entry that was written as `line`. Raises Tampered when it is none."""
        try:
            fields = json.loads(line)
            return cls(**{**fields, "kind": Kind(fields["kind"])})
        except (ValueError, TypeError, KeyError) as error:
            raise Tampered(f"this is no entry of a journal ({error}): {line[:80]}") from error

    def line(self) -> str:
        """The entry as one line of JSON; `parse` reads it back."""
        return _canonical({**self._body(), "hash": self.hash})

    def intact(self) -> bool:
        """Whether it says what it said when it was written."""
        return _hash(self._body()) == self.hash

    def _body(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "hash"}


def verified(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """The entries, when each is intact and follows the one before. Raises Tampered, naming the first that is not."""
    chain: list[Entry] = []
    for entry in entries:
        n, prev = (chain[-1].n + 1, chain[-1].hash) if chain else (1, GENESIS)
        if entry.n != n:
            raise Tampered(f"the journal goes from entry {n - 1} to entry {entry.n}")
        if entry.prev != prev or not entry.intact():
            raise Tampered(f"entry {n} of the journal was changed after it was written")
        chain.append(entry)
    return tuple(chain)


def _hash(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(_canonical(body).encode()).hexdigest()


def _canonical(document: Mapping[str, Any]) -> str:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
