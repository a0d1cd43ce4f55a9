"""The canary watchdog may do what standing in for a dead runner takes, and reaches the API server and nobody else."""

from __future__ import annotations

from mesh.policy.graph import Graph
from mesh.policy.reading import read
from tests.k8s.manifests import K8S, Manifests, Object

NAME = "canary-watchdog"
SERVICES = set(Graph(read(K8S.parent)).services)
WRITING = {"create", "update", "patch", "delete"}


def rules(manifests: Manifests, role: str) -> list[Object]:
    return list(manifests.named("Role", role)["rules"])


def allowed(manifests: Manifests, role: str) -> set[tuple[str, str]]:
    """The resources and verbs of a Role, whatever their names."""
    return {
        (resource, verb) for rule in rules(manifests, role) for resource in rule["resources"] for verb in rule["verbs"]
    }


def test_it_may_be_told_of_every_service_and_of_nothing_else(on_nodes: Manifests) -> None:
    named: dict[str, set[str]] = {}
    for rule in rules(on_nodes, NAME):
        for resource in rule["resources"]:
            named.setdefault(resource, set()).update(rule.get("resourceNames", []))
    journals = {f"canary-{service}" for service in SERVICES}
    assert named["virtualservices"] == SERVICES
    assert named["leases"] == journals | {"watchdog-canaries"}
    assert named["configmaps"] == journals


def test_what_it_may_change_it_may_change_by_name_alone(on_nodes: Manifests) -> None:
    for rule in rules(on_nodes, NAME):
        if "resourceNames" not in rule:
            assert WRITING & set(rule["verbs"]) <= {"create"}, rule["resources"]


def test_whoever_may_run_canaries_may_do_all_that_it_may(on_nodes: Manifests) -> None:
    assert allowed(on_nodes, NAME) <= allowed(on_nodes, "canary-operator")


def test_nobody_is_an_operator_before_somebody_says_who(on_nodes: Manifests) -> None:
    bound = {one["roleRef"]["name"]: one["subjects"] for one in on_nodes.of("RoleBinding")}
    assert [one["name"] for one in bound[NAME]] == [NAME]
    assert "canary-operator" not in bound


def test_only_its_own_container_is_given_a_token_and_a_short_lived_one(on_nodes: Manifests) -> None:
    tokens = {
        name: source["serviceAccountToken"]["expirationSeconds"]
        for name, pod in on_nodes.pods()
        for volume in pod["spec"].get("volumes", [])
        for source in volume.get("projected", {}).get("sources", [])
        if "serviceAccountToken" in source
    }
    assert tokens == {NAME: 3600}


def test_it_calls_the_api_server_and_is_called_by_nobody(on_nodes: Manifests) -> None:
    spec = on_nodes.named("NetworkPolicy", NAME)["spec"]
    assert (spec["policyTypes"], "ingress" in spec) == (["Ingress", "Egress"], False)
    (rule,) = spec["egress"]
    assert [port["port"] for port in rule["ports"]] == [443, 6443, 8443]
    assert on_nodes.of("AuthorizationPolicy") != []
    for policy in on_nodes.of("AuthorizationPolicy"):
        assert NAME not in str(policy["spec"]), "it has no identity in the mesh"


def test_it_watches_without_the_mesh(on_nodes: Manifests) -> None:
    pod = on_nodes.named("Deployment", NAME)["spec"]["template"]
    assert pod["metadata"]["labels"]["sidecar.istio.io/inject"] == "false"


def test_on_this_machine_a_process_watches_instead(shop: Manifests) -> None:
    assert NAME not in shop.names("Deployment")
