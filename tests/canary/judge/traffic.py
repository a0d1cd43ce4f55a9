"""Blocks for tests: exact counts, nothing is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mesh.canary.judge.counts import Block, Counts, Histogram

SECONDS = 5.0
USUAL: Mapping[float, float] = {5: 0.6, 10: 0.3, 25: 0.09, 50: 0.01}
"""The share of requests in the bucket that ends at so many milliseconds."""
THRICE: Mapping[float, float] = {15: 0.6, 35: 0.3, 75: 0.09, 150: 0.01}


def latency(requests: int, shares: Mapping[float, float] = USUAL) -> Histogram:
    """`requests` that took what `shares` say, to the nearest; the last bucket takes the rest."""
    upto, at_most = 0.0, {}
    for bound, share in shares.items():
        upto += share
        at_most[bound] = round(requests * upto)
    return Histogram.of_cumulative(at_most)


def counts(requests: int, errors: int = 0, shares: Mapping[float, float] = USUAL) -> Counts:
    statuses = {"OK": requests - errors, "UNAVAILABLE": errors}
    return Counts(requests, errors, statuses, latency(requests, shares))


def refusing(refused: int, *, of: int, status: str = "NOT_FOUND") -> Counts:
    return replace(counts(of), statuses={"OK": of - refused, status: refused})


def block(baseline: Counts, canary: Counts, *, step: int = 0, weight: int = 10) -> Block:
    return Block(0.0, SECONDS, step, weight, baseline, canary)
