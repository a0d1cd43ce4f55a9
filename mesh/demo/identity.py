"""Step 2: who may talk to whom, and how do the servers know?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mesh.demo import stranger
from mesh.demo.claims import Check, Step, exactly
from mesh.demo.stage import Stage
from mesh.policy.graph import Graph
from mesh.policy.reading import read
from mesh.running_shop import CHECKOUT, Shop, pod_address

CALLERS: Mapping[str, set[str]] = {
    "catalog": {"gateway", "orders"},
    "inventory": {"orders"},
    "payments": {"orders"},
    "orders": {"gateway"},
}
"""Whom an order makes call each of them. Others may as well, of their own accord: recommendations, now and then."""
FORBIDDEN = [f"/shop.payments.v1.PaymentsService/{name}" for name in ("Charge", "Refund", "GetPayment", "ListPayments")]
HEALTH = "/grpc.health.v1.Health/Check"
PORT = 50051


async def run(stage: Stage) -> list[Check]:
    """Identities from the servers' own logs; then a caller without a certificate, then one without permission."""
    stage.say("reading the servers' access logs: which certificate did each call come with?")
    graph = Graph(read(CHECKOUT))
    checks = [
        await _callers_seen(stage, service, wanted, set(graph.callers(service))) for service, wanted in CALLERS.items()
    ]
    stage.say("starting a pod without a sidecar, which calls every service in plaintext")
    checks.append(_answers("plaintext under STRICT", await _plaintext(stage.shop, graph.services), "UNAVAILABLE"))
    stage.say("negative control: the same with the namespace's mTLS set to PERMISSIVE")
    followers = [
        name for name, service in graph.services.items() if service.published is None
    ]  # others say it themselves
    async with stage.shop.mtls("PERMISSIVE"):
        answers = await _plaintext(stage.shop, followers)
    checks.append(_answers("plaintext under PERMISSIVE", answers, "PERMISSION_DENIED"))
    stage.say("starting a pod with a valid certificate but no permission, which calls payments")
    command = stranger.command(*(f"payments:{PORT}{method}" for method in FORBIDDEN))
    answers = stranger.answers(await stage.shop.run_once("stranger", "default", command))
    return [*checks, _answers("a stranger calling payments", answers, "PERMISSION_DENIED")]


async def _callers_seen(stage: Stage, service: str, wanted: set[str], allowed: set[str]) -> Check:
    lines = await stage.shop.log(service, message="rpc", since=stage.began)
    identities = {str(line.fields["caller"]) for line in lines if str(line.fields["method"]).startswith("/shop.")}
    trust = f"spiffe://cluster.local/ns/{stage.shop.namespace}/sa/"
    names = {identity.removeprefix(trust) for identity in identities}
    what, holds = f"identities that called {service}", wanted <= names <= allowed
    return Check(what, ", ".join(sorted(names)), ", ".join(sorted(wanted)), holds=holds)


async def _plaintext(shop: Shop, services: Iterable[str]) -> dict[str, str]:
    """What each service answers a health check without TLS: the status code by service."""
    calls = {f"{pod_address((await shop.pods(service))[0])}:{PORT}{HEALTH}": service for service in services}
    answers = stranger.answers(await shop.run_once("plaintext", "default", stranger.command(*calls), in_mesh=False))
    return {calls[call]: code for call, code in answers.items()}


def _answers(what: str, answers: Mapping[str, str], wanted: str) -> Check:
    refused = sum(code == wanted for code in answers.values())
    check = exactly(f"{what}: {wanted}", refused, len(answers))
    return check if check.holds else Check(check.what, str(dict(answers)), check.wanted, holds=False)


STEP = Step(
    "Mutual TLS",
    "Servers know their callers by certificate; plaintext and strangers are refused.",
    run,
)
