"""On PostgreSQL a migration comes before every roll-out, each service has a database of its own, and none runs out."""

from __future__ import annotations

import copy
import re
from pathlib import Path

import pytest

from services.hosting.postgresql import SERVER_LIMITS
from tests.k8s.callers import CONTRACTS
from tests.k8s.manifests import K8S, Manifests, Object, seconds

SERVER = K8S / "components" / "postgresql-server" / "server"
RESERVED = 3  # connections that PostgreSQL keeps for its administrator
SERVICES = sorted(CONTRACTS)


def variables(pod: Object) -> dict[str, Object]:
    (container,) = pod["spec"]["containers"]
    return {one["name"]: one for one in container["env"]}


def with_books(manifests: Manifests) -> list[Object]:
    """The Deployments of services that keep data: all but the storefront's."""
    return [one for one in manifests.services() if one["metadata"]["labels"].get("argosy/data") != "none"]


def secret_of(pod: Object) -> Object:
    return dict(variables(pod)["DATABASE_URL"]["valueFrom"]["secretKeyRef"])


def migrations(manifests: Manifests) -> dict[str, Object]:
    """Each service's Job."""
    return {one["spec"]["template"]["spec"]["serviceAccountName"]: one for one in manifests.of("Job")}


def max_connections() -> int:
    settings = dict(line.split(" = ") for line in (SERVER / "postgresql.conf").read_text().splitlines())
    return int(settings["max_connections"])


def connections_at_most(manifests: Manifests) -> int:
    """What pods and migrations take when every Deployment has grown as far as it may, and rolls out."""
    grown = {one["spec"]["scaleTargetRef"]["name"]: one["spec"] for one in manifests.of("HorizontalPodAutoscaler")}
    taken = len(manifests.of("Job"))
    for deployment in with_books(manifests):
        spec = deployment["spec"]
        most = grown.get(deployment["metadata"]["name"], {}).get("maxReplicas") or spec["replicas"]
        pods = most + spec["strategy"]["rollingUpdate"]["maxSurge"]
        taken += pods * int(variables(spec["template"])["DATABASE_CONNECTIONS"]["value"])
    return taken


def test_every_service_is_migrated_by_a_job_of_its_own_identity_with_its_own_secret(on_nodes: Manifests) -> None:
    jobs = migrations(on_nodes)
    assert sorted(jobs) == SERVICES
    for service, job in jobs.items():
        pod = job["spec"]["template"]
        assert pod["spec"]["containers"][0]["command"] == ["python", "-m", f"services.{service}", "migrate"]
        assert secret_of(pod) == {"name": f"{service}-database", "key": "url"}


def test_every_pod_of_a_service_waits_for_its_schema_with_the_service_s_own_secret(on_nodes: Manifests) -> None:
    for deployment in with_books(on_nodes):
        pod = deployment["spec"]["template"]
        service = pod["spec"]["serviceAccountName"]
        assert secret_of(pod) == {"name": f"{service}-database", "key": "url"}
        assert variables(pod)["SCHEMA"]["value"] == "wait"


def test_who_migrates_runs_the_image_that_waits_for_it(on_nodes: Manifests) -> None:
    images = {
        pod["spec"]["containers"][0]["image"]
        for name, pod in on_nodes.pods()
        if name not in {"postgresql", "gateway", "canary-watchdog"}
    }
    assert len(images) == 1


def test_a_migration_gets_no_calls(on_nodes: Manifests) -> None:
    called = [one["spec"]["selector"].items() for one in on_nodes.of("Service")]
    for job in migrations(on_nodes).values():
        labels = job["spec"]["template"]["metadata"]["labels"].items()
        assert not any(selector <= labels for selector in called)


def test_a_migration_that_is_there_already_is_replaced(on_nodes: Manifests) -> None:
    for job in migrations(on_nodes).values():
        said = job["metadata"]["annotations"]
        assert said["kustomize.toolkit.fluxcd.io/force"] == "enabled"
        assert said["argocd.argoproj.io/hook"] == "Sync"
        assert said["argocd.argoproj.io/hook-delete-policy"] == "BeforeHookCreation"
        assert "ttlSecondsAfterFinished" not in job["spec"]


def test_argo_cd_migrates_after_what_a_migration_needs_and_before_the_roll_out(production: Manifests) -> None:
    def wave(one: Object) -> int:
        return int(one["metadata"].get("annotations", {}).get("argocd.argoproj.io/sync-wave", 0))

    before = {wave(one) for one in production.of("ServiceAccount", "ConfigMap", "NetworkPolicy")}
    jobs, after = {wave(one) for one in production.of("Job")}, {wave(one) for one in production.services()}
    assert max(before) < min(jobs) <= max(jobs) < min(after)


def test_the_startup_probe_outlasts_the_wait_for_the_schema(on_nodes: Manifests) -> None:
    for deployment in with_books(on_nodes):
        pod = deployment["spec"]["template"]
        probe = pod["spec"]["containers"][0]["startupProbe"]
        patience = probe["periodSeconds"] * probe["failureThreshold"]
        assert patience > float(variables(pod)["DATABASE_WAIT_SECONDS"]["value"])


def test_nothing_is_kept_on_a_volume_of_a_service(on_nodes: Manifests) -> None:
    assert on_nodes.of("PersistentVolumeClaim") == []
    for deployment in on_nodes.services():
        volumes = deployment["spec"]["template"]["spec"]["volumes"]
        assert [set(volume) for volume in volumes] == [{"name", "emptyDir"}]


def test_everybody_keeps_books_but_the_storefront_which_is_told_of_no_database(overlay: Manifests) -> None:
    assert {one["metadata"]["labels"]["app"] for one in with_books(overlay)} == set(SERVICES)
    pod = overlay.named("Deployment", "storefront-v1")["spec"]["template"]
    assert {name for name in variables(pod) if name.startswith(("DATABASE", "SCHEMA"))} == set()
    assert [set(volume) for volume in pod["spec"]["volumes"]] == [{"name", "emptyDir"}]


def test_only_migrations_seed_and_the_seeder_when_asked(on_nodes: Manifests) -> None:
    seeding = {
        name
        for name, pod in on_nodes.pods()
        if any("SEED_FILE" in str(c.get("env")) for c in pod["spec"]["containers"])
    }
    assert seeding == {"catalog-migration", "inventory-migration", "seeder"}
    assert on_nodes.named("CronJob", "seeder")["spec"]["suspend"] is True


def test_the_server_has_connections_for_as_many_pods_as_there_may_be(on_nodes: Manifests) -> None:
    assert connections_at_most(on_nodes) <= max_connections() - RESERVED


def test_connections_that_do_not_suffice_are_found(production: Manifests) -> None:
    more = copy.deepcopy(production.objects)
    for one in more:
        if one["kind"] == "HorizontalPodAutoscaler":
            one["spec"]["maxReplicas"] += 1
    assert connections_at_most(Manifests("", more)) > max_connections() - RESERVED


def test_only_services_reach_the_server_and_only_at_its_port(kind: Manifests) -> None:
    spec = kind.named("AuthorizationPolicy", "postgresql")["spec"]
    assert (spec["action"], spec["selector"]) == ("ALLOW", {"matchLabels": {"app": "postgresql"}})
    (rule,) = spec["rules"]
    assert rule["from"] == [{"source": {"principals": [f"cluster.local/ns/shop/sa/{name}" for name in SERVICES]}}]
    assert rule["to"] == [{"operation": {"ports": ["5432"]}}]


def test_the_server_s_port_is_named_so_that_no_proxy_guesses(kind: Manifests) -> None:
    (port,) = kind.named("Service", "postgresql")["spec"]["ports"]
    assert (port["name"], port["port"], port["appProtocol"]) == ("tcp-postgresql", 5432, "tcp")


def test_a_connection_whose_server_is_silent_is_given_up_but_never_amid_a_statement(kind: Manifests) -> None:
    spec = kind.named("DestinationRule", "postgresql")["spec"]
    (allowed,) = re.findall(r"statement_timeout=(\d+s)", SERVER_LIMITS)
    assert seconds(spec["trafficPolicy"]["connectionPool"]["tcp"]["idleTimeout"]) >= 2 * seconds(allowed)
    assert spec["workloadSelector"]["matchLabels"] == {
        "app.kubernetes.io/component": "service"
    }  # a migration may be silent


def test_production_has_no_server_of_its_own(production: Manifests) -> None:
    assert production.of("StatefulSet") == []


@pytest.mark.parametrize("file", sorted(path.name for path in SERVER.iterdir()))
def test_every_file_of_the_server_is_mounted(kind: Manifests, file: str) -> None:
    pod = kind.named("StatefulSet", "postgresql")["spec"]["template"]
    (name,) = [volume["configMap"]["name"] for volume in pod["spec"]["volumes"] if "configMap" in volume]
    assert kind.named("ConfigMap", name)["data"][file] == Path(SERVER / file).read_text()


def test_no_password_stands_in_git(kind: Manifests) -> None:
    assert kind.of("Secret") == []
