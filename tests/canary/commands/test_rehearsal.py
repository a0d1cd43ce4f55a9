from __future__ import annotations

from mesh.canary.act.route import Route
from mesh.canary.commands.rehearsal import changed
from tests.canary.act.routes import FAULT, primary, virtual_service


def test_a_rehearsal_shows_what_goes_and_what_comes() -> None:
    before = Route.of("catalog", virtual_service(FAULT, primary(v1=100, v2=0)))
    after = Route.of("catalog", virtual_service(FAULT, primary(v1=95, v2=5)))
    lines = changed(before, after).splitlines()
    assert [line.split() for line in lines if line[0] in "+-"][2:] == [
        *(["-", "weight:", "100"], ["+", "weight:", "95"]),
        *(["-", "weight:", "0"], ["+", "weight:", "5"]),
    ]


def test_where_nothing_would_change_it_says_so() -> None:
    route = Route.of("catalog", virtual_service(primary(v1=100)))
    assert changed(route, route) == "nothing would change: VirtualService catalog, spec.http is so already"
