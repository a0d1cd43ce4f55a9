from __future__ import annotations

from mesh.canary.journal.entry import Kind
from mesh.canary.look.telling import told
from mesh.canary.look.watched import noteworthy
from tests.canary.look.story import ANNA, Story, promoted, rolled_back


def every_kind() -> Story:
    story = rolled_back()
    story.add(Kind.NODATA, step=0, why="no sidecar answered").add(Kind.PAUSED, reason="lunch")
    story.add(Kind.GATE, step=0, gate="cmd:./smoke.sh", outcome="failed", output="first\nlast\n")
    story.add(Kind.REQUESTED, "bert@tower pid 9", what="pause", reason="").add(Kind.RESUMED, reason="")
    return story.add(Kind.STOLEN, **{"from": ANNA, "reason": "her laptop sleeps"})


def test_every_kind_of_entry_has_its_sentence() -> None:
    sentences = {entry.kind: told(entry) for entry in every_kind().entries}
    assert set(sentences) == set(Kind)
    assert sentences[Kind.GATE] == f"gate cmd:./smoke.sh failed, by {ANNA}: last"
    assert sentences[Kind.REQUESTED] == "bert@tower pid 9 asks to pause"
    assert sentences[Kind.ENDED] == "rolled-back: 20 errors of 50"


def test_a_write_that_did_not_happen_is_not_told_as_done() -> None:
    weights = {"v1": 100, "v2": 0}
    story = Story().started().add(Kind.APPLIED, step=0, action="shift", weights=weights, done=False)
    assert told(story.entries[-1]) == "shift was not written: v1 100 %, v2 0 %"


def test_what_happens_with_every_block_is_not_worth_a_line() -> None:
    entries = promoted().entries
    assert [told(entry) for entry in entries if noteworthy(entry)] == [
        f"{ANNA} starts a canary of catalog: v2 against v1",
        "x-canary: always leads to the canary",
        "shifted: v1 95 %, v2 5 %",
        "step 1 is seen: 5.0 % of 400 requests",
        "better-or-equal: no worse by errors and latency",
        "shifted: v1 90 %, v2 10 %",
        "step 2 is seen: 10.0 % of 400 requests",
        "better-or-equal: no worse by errors and latency",
        "all traffic over: v1 0 %, v2 100 %",
        "promoted: every step was passed",
    ]


def test_a_run_that_only_goes_back_is_no_new_canary() -> None:
    story = Story().started(weights={"v1": 0, "v2": 100})
    assert told(story.entries[0]) == f"{ANNA} goes back on the promotion of catalog v2"
