from pathlib import Path

import pytest

from mesh.local.node.mesh_registration import NODE_LABEL
from mesh.local.objects import MANIFESTS, NAMESPACES, RIGHTS, VALIDATION, documents


def rules(name: str) -> list[dict[str, list[str]]]:
    return [rule for document in documents(MANIFESTS / name) for rule in document.get("rules", [])]


@pytest.mark.parametrize("name", RIGHTS)
def test_nobody_may_do_everything(name: str) -> None:
    for rule in rules(name):
        assert "*" not in rule["verbs"]
        assert "*" not in rule["apiGroups"]


def test_istiod_changes_nothing_but_its_own_webhook_and_the_root_certificates() -> None:
    (role,) = [it for it in documents(MANIFESTS / "istiod.yaml") if it["kind"] == "ClusterRole"]
    changing = {
        resource
        for rule in role["rules"]
        for resource in rule["resources"]
        if set(rule["verbs"]) - {"get", "list", "watch"}
    }
    reviews = {"tokenreviews", "subjectaccessreviews"}  # asking is creating there
    assert changing - reviews == {"validatingwebhookconfigurations", "configmaps"}


def test_validation_fails_closed_and_asks_our_istiod() -> None:
    (configuration,) = documents(MANIFESTS / VALIDATION, {"istiod_webhook": "15117"})
    (webhook,) = configuration["webhooks"]
    assert webhook["failurePolicy"] == "Fail"
    assert webhook["clientConfig"] == {"url": "https://localhost:15117/validate"}


def test_only_what_the_node_makes_for_its_pods_goes_without_validation() -> None:
    (configuration,) = documents(MANIFESTS / VALIDATION, {"istiod_webhook": "15117"})
    (exception,) = configuration["webhooks"][0]["objectSelector"]["matchExpressions"]
    assert exception == {"key": NODE_LABEL, "operator": "DoesNotExist"}


def test_a_value_that_nobody_gave_is_an_error_and_not_an_empty_text() -> None:
    with pytest.raises(KeyError):
        documents(MANIFESTS / VALIDATION, {})


def test_every_manifest_is_applied() -> None:
    assert {path.name for path in Path(MANIFESTS).iterdir()} == {NAMESPACES, *RIGHTS, VALIDATION}
