"""A page, a document and a terminal say the same of a run, and everything they say is in it."""

import io
import json
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console

from loadtest.gate import judge
from loadtest.generator.plan import Plan
from loadtest.generator.seen import Seen
from loadtest.histogram import Histogram
from loadtest.look.document import document
from loadtest.look.page import show
from loadtest.look.ran import Ran
from loadtest.look.report import report
from loadtest.outcome import Kind
from loadtest.reconciling import Compared, Says
from loadtest.timeline import Timeline
from tests.loadtest.test_gate import PROMISED


def ran(*, slow: int = 0, calls: int = 1000, comparison: tuple[Compared, ...] = ()) -> Ran:
    seen = Seen(Timeline(10))
    for number in range(calls):
        latency = 0.3 if number < slow else 0.01
        seen.punctuality.sent(number / 100, number / 100)
        seen.tally.record("GetProduct", "OK", Kind.OK, latency)
        seen.timeline.record(number / 100, latency, failed=False)
    plan = Plan("127.0.0.1:8080", "shop", 100.0, 10.0)
    return Ran(plan, seen, judge(seen, PROMISED, comparison), comparison, began=1_800_000_000.0)


def shown(of: Ran) -> str:
    console = Console(file=io.StringIO(), width=140)
    show(console, of)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize(
    ("of", "outcome", "says"),
    [
        (ran(), "met", "MET every promise was kept"),
        (ran(slow=30), "missed", "MISSED GetProduct: p99 300."),
        (ran(calls=0), "invalid", "INVALID no call was made"),
    ],
    ids=["met", "missed", "invalid"],
)
def test_the_outcome_is_the_same_everywhere(of: Ran, outcome: str, says: str) -> None:
    assert says in shown(of)
    assert document(of)["outcome"] == outcome
    assert f'<span class="outcome {outcome}">{outcome}</span>' in report(of)


def test_a_program_can_read_everything() -> None:
    read = json.loads(json.dumps(document(ran(slow=30))))
    assert read["calls"] == 1000
    assert read["plan"]["pattern"] == "poisson"
    assert read["generator"]["achieved"] == 1.0
    [p99] = [check for check in read["checks"] if check["what"] == "p99"]
    assert (p99["holds"], p99["promised"]) == (False, 0.2)
    assert Histogram.decoded(read["latency"]).count == 1000


def test_a_report_needs_nothing_from_anywhere_else() -> None:
    page = report(ran(slow=30))
    assert "<svg" in page
    assert "default-src 'none'" in page
    for outside in ("src=", "@import", "url(http", "<script", "<link"):
        assert outside not in page
    ET.fromstring(page[page.index("<svg") : page.index("</svg>") + len("</svg>")])  # noqa: S314 - our own


def test_counts_that_disagree_are_shown_beside_each_other() -> None:
    wrong = Compared("GetProduct", 1000, 0, 990.0, Says.DISAGREE)
    of = ran(comparison=(wrong,))
    assert "INVALID the counts disagree" in shown(of)
    assert "the servers' own counts agree for 0 of 1 RPCs" in shown(of)
    assert "<td>disagree</td>" in report(of)


def test_what_could_not_be_compared_is_said() -> None:
    gone = Compared("GetProduct", 1000, 0, 10.0, Says.UNKNOWN)
    assert "not comparable, a pod came, went or was silent: GetProduct" in shown(ran(comparison=(gone,)))
