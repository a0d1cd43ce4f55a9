"""Do blocks and verdicts come out of the journal as they went in?"""

from __future__ import annotations

import json
import math

from hypothesis import given
from hypothesis import strategies as st

from mesh.canary.journal.blocks import block_facts, block_of, verdict_facts, verdict_of
from mesh.canary.judge.counts import BOUNDS, Block, Counts, Histogram
from mesh.canary.judge.verdict import Arm, Evidence, Outcome, Verdict

_numbers = st.integers(0, 10**6)
_histograms = st.lists(_numbers, min_size=len(BOUNDS) + 1, max_size=len(BOUNDS) + 1).map(tuple).map(Histogram)
_statuses = st.dictionaries(st.sampled_from(["OK", "UNAVAILABLE", "GIVEN_UP"]), st.integers(1, 1000))
_counts = st.builds(Counts, _numbers, _numbers, _statuses, _histograms)
_blocks = st.builds(
    Block, st.just(1700000000.125), st.just(5.002), st.integers(0, 9), st.integers(1, 90), _counts, _counts
)


@given(_blocks)
def test_a_block_is_read_back_as_it_was_written(block: Block) -> None:
    assert block_of(json.loads(json.dumps(block_facts(block)))) == block


def test_buckets_without_requests_take_no_room() -> None:
    counts = Counts(7, 0, {"OK": 7}, Histogram((0, 0, 7, *([0] * (len(BOUNDS) - 2)))))
    facts = block_facts(Block(1.0, 5.0, 0, 5, counts, Counts()), raw_sha256="ab")
    assert facts["baseline"]["latency"] == {"2": 7}
    assert facts["canary"]["latency"] == {}
    assert facts["raw"] == "ab"


def _verdict(e_value: float) -> Verdict:
    arm = Arm(requests=100, errors=1, refused=0, ratio=0.01, low=0.0018, high=0.0545, p50=3.2, p99=9.99)
    numbers = {name: 1.0 for name in Evidence.__dataclass_fields__ if name not in {"baseline", "canary"}}
    return Verdict(Outcome.WORSE, "more errors", False, Evidence(arm, arm, **{**numbers, "errors": e_value}))


def test_a_verdict_is_read_back_with_six_digits() -> None:
    read = verdict_of(json.loads(json.dumps(verdict_facts(0, _verdict(1234.56789)))))
    assert read.evidence.errors == 1234.57
    assert (read.outcome, read.reason, read.kill) == (Outcome.WORSE, "more errors", False)
    assert read.evidence.canary == _verdict(0).evidence.canary


def test_evidence_beyond_all_numbers_is_still_json() -> None:
    facts = verdict_facts(0, _verdict(math.inf))
    assert json.loads(json.dumps(facts, allow_nan=False))["evidence"]["errors"] > 1e300
