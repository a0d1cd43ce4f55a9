from __future__ import annotations

from collections.abc import AsyncIterator
from http import HTTPStatus

import pytest
from lightkube import ApiError

from mesh.canary.act.problems import NoRoute
from mesh.canary.act.routing import Routing
from mesh.canary.problems import REFUSED, Drifted
from tests.canary.act.routes import FAULT, primary, virtual_service
from tests.canary.kubernetes_api import KubernetesApi, Object, Refusal

PLURAL = "virtualservices"


@pytest.fixture
def api() -> KubernetesApi:
    made = KubernetesApi()
    made.put(PLURAL, virtual_service(primary(v1=100, v2=0)), "argosy")
    return made


@pytest.fixture
async def routing(api: KubernetesApi) -> AsyncIterator[Routing]:
    async with api.client() as client:
        yield Routing(client, "catalog")


def weights(api: KubernetesApi) -> list[int]:
    rules = api.objects[PLURAL, "catalog"]["spec"]["http"]
    (rule,) = [rule for rule in rules if rule["name"] == "primary"]
    return [one["weight"] for one in rule["route"]]


def moved(v1: int, v2: int) -> Object:
    return {"http": [primary(v1=v1, v2=v2)]}


async def test_a_step_is_one_patch_under_our_name(api: KubernetesApi, routing: Routing) -> None:
    route = await routing.set_weights(await routing.look(), {"v1": 95, "v2": 5})
    assert (route.weights, weights(api), len(api.written)) == ({"v1": 95, "v2": 5}, [95, 5], 1)
    assert route.managers[-1].name == "argosy-canary"
    assert (await routing.look()).resource_version == route.resource_version


async def test_weights_somebody_else_has_set_are_drift_and_stay(api: KubernetesApi, routing: Routing) -> None:
    expected = await routing.look()
    api.edit(PLURAL, "catalog", lambda document: document["spec"].update(moved(50, 50)))
    with pytest.raises(Drifted, match=r"v1 50 %, v2 50 % \(by kubectl-edit\).*v1 100 %, v2 0 %") as caught:
        await routing.set_weights(expected, {"v1": 95, "v2": 5})
    assert (caught.value.exit_code, weights(api)) == (REFUSED, [50, 50])


async def test_a_write_between_our_look_and_our_patch_is_drift_too(api: KubernetesApi, routing: Routing) -> None:
    expected = await routing.look()
    change = iter([lambda: api.edit(PLURAL, "catalog", lambda document: document["spec"].update(moved(70, 30)))])
    api.before_write = lambda _method, _path: next(change, lambda: None)()
    with pytest.raises(Drifted):
        await routing.set_weights(expected, {"v1": 95, "v2": 5})
    assert weights(api) == [70, 30]


async def test_what_is_not_ours_may_change_meanwhile_and_stays(api: KubernetesApi, routing: Routing) -> None:
    expected = await routing.look()
    api.edit(PLURAL, "catalog", lambda document: document["spec"]["http"].insert(0, FAULT))
    api.edit(PLURAL, "catalog", lambda document: document["metadata"].update(labels={"seen": "yes"}))
    route = await routing.set_weights(expected, {"v1": 95, "v2": 5})
    assert route.rules[0] == FAULT
    assert (weights(api), api.objects[PLURAL, "catalog"]["metadata"]["labels"]) == ([95, 5], {"seen": "yes"})


async def test_a_dry_run_shows_what_would_be_and_changes_nothing(api: KubernetesApi, routing: Routing) -> None:
    would_be = await routing.set_weights(await routing.look(), {"v1": 95, "v2": 5}, dry_run=True)
    assert (would_be.weights, weights(api)) == ({"v1": 95, "v2": 5}, [100, 0])


async def test_rule_34_set_back_wins_against_somebody_who_keeps_writing(api: KubernetesApi, routing: Routing) -> None:
    await routing.add_header_rule(await routing.look(), "v2")
    edits = iter([(60, 40), (50, 50), (40, 60)])

    def somebody_writes(_method: str, _path: str) -> None:
        if pair := next(edits, None):
            api.edit(
                PLURAL,
                "catalog",
                lambda document: document["spec"]["http"].__setitem__(1, primary(v1=pair[0], v2=pair[1])),
            )

    api.before_write = somebody_writes
    route = await routing.set_back("v1")
    assert (route.weights, route.header_rule, next(edits, None)) == ({"v1": 100, "v2": 0}, None, None)


async def test_what_istio_refuses_is_an_error_and_not_drift(api: KubernetesApi, routing: Routing) -> None:
    def refuse(_method: str, _path: str) -> None:
        raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "admission webhook denied the request")

    api.before_write = refuse
    with pytest.raises(ApiError, match="denied"):
        await routing.set_weights(await routing.look(), {"v1": 95, "v2": 5})
    assert len(api.written) == 1


async def test_the_header_rule_comes_and_goes_once(api: KubernetesApi, routing: Routing) -> None:
    there = await routing.add_header_rule(await routing.look(), "v2")
    assert (there.header_rule, there.weights) == ("v2", {"v1": 100, "v2": 0})
    assert (await routing.add_header_rule(there, "v2")).resource_version == there.resource_version
    gone = await routing.remove_header_rule(there)
    assert (await routing.remove_header_rule(gone)).rules == (primary(v1=100, v2=0),)
    assert len(api.written) == 2


async def test_a_service_without_a_route_is_refused_by_name(api: KubernetesApi, routing: Routing) -> None:
    del api.objects[PLURAL, "catalog"]
    with pytest.raises(NoRoute, match="no VirtualService catalog"):
        await routing.look()
