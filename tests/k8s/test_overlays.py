"""The folders of k8s/ build, hold together and are what Istio and a reader expect."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml
from google.protobuf.json_format import ParseDict
from shop.catalog.v1.catalog_pb2 import Product

from tests.k8s.manifests import K8S, Manifests, Object, build

KUSTOMIZATIONS = sorted(K8S.rglob("kustomization.yaml"))
MESH = ("DestinationRule", "VirtualService", "Gateway", "AuthorizationPolicy", "PeerAuthentication")


def patches_of(content: Object) -> list[str]:
    return [patch["path"] for patch in content.get("patches", []) if "path" in patch]


def files_named_in(kustomization: Path) -> set[Path]:
    """The files a kustomization uses: its resources, patches, transformers and generators' inputs."""
    content = yaml.safe_load(kustomization.read_text())
    names = [*content.get("resources", []), *content.get("transformers", [])]
    names += patches_of(content)
    names += [file for one in content.get("configMapGenerator", []) for file in one["files"]]
    return {kustomization.parent / name for name in names}


def objects_in(file: Path) -> list[Object]:
    return [one for one in yaml.safe_load_all(file.read_text()) if one]


def kind_in_file_style(kind: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "-", kind).lower()


def analyze(istioctl: Path, file: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [str(istioctl), "analyze", "--use-kube=false", "--namespace", "shop", *options, str(file)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_base_builds_without_the_mesh(kubectl: Path) -> None:
    assert [one["kind"] for one in build(kubectl, K8S / "base").of(*MESH)] == []


def test_istio_accepts_every_overlay(istioctl: Path, overlay: Manifests) -> None:
    done = subprocess.run(
        [istioctl, "validate", "-f", "-"], input=overlay.text, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    warned = re.findall(r"^\t\* (\w+)/", done.stdout + done.stderr, flags=re.MULTILINE)
    assert set(warned) <= {"EnvoyFilter"}, "what it says of each of them: that it is one"


def test_istio_finds_nothing_to_say_about_any_overlay_but_that_there_are_envoy_filters(
    istioctl: Path, overlay: Manifests, tmp_path: Path
) -> None:
    (tmp_path / "built.yaml").write_text(overlay.text)
    done = analyze(istioctl, tmp_path / "built.yaml", "-o", "json")
    said = [one for one in json.loads(done.stdout) if not one["origin"].startswith("EnvoyFilter")]
    assert (done.returncode, said) == (0, []), done.stderr


def test_istio_refuses_a_route_to_a_subset_that_does_not_exist(
    istioctl: Path, overlay: Manifests, tmp_path: Path
) -> None:
    (tmp_path / "built.yaml").write_text(overlay.text.replace("subset: v1", "subset: v7"))
    done = analyze(istioctl, tmp_path / "built.yaml")
    assert done.returncode != 0
    assert "IST0101" in done.stdout + done.stderr


def test_every_object_is_in_the_namespace_and_part_of_argosy(overlay: Manifests) -> None:
    for one in overlay.objects:
        assert one["kind"] == "Namespace" or one["metadata"]["namespace"] == "shop"
        assert one["metadata"]["labels"]["app.kubernetes.io/part-of"] == "argosy", one["metadata"]["name"]


def test_the_namespace_asks_for_sidecars(overlay: Manifests) -> None:
    assert overlay.named("Namespace", "shop")["metadata"]["labels"]["istio-injection"] == "enabled"


def test_pods_use_only_claims_configurations_and_accounts_that_exist(overlay: Manifests) -> None:
    for _, pod in overlay.pods():
        assert pod["spec"]["serviceAccountName"] in overlay.names("ServiceAccount")
        for volume in pod["spec"].get("volumes", []):
            if claim := volume.get("persistentVolumeClaim"):
                assert claim["claimName"] in overlay.names("PersistentVolumeClaim")
            if configuration := volume.get("configMap"):
                assert configuration["name"] in overlay.names("ConfigMap")


def test_every_service_selects_all_versions_by_app_and_says_what_it_speaks(overlay: Manifests) -> None:
    for service in overlay.of("Service"):
        name = service["metadata"]["name"]
        assert service["spec"]["selector"] in ({"app": name}, {"istio": name})
        ports = service["spec"]["ports"]
        assert (ports[0]["name"] == "grpc") is (name not in {"gateway", "postgresql"})
        for port in ports:
            assert port["targetPort"] == port["name"], name
            assert port["appProtocol"] == port["name"].split("-")[0], name  # Istio reads either


@pytest.mark.parametrize("kustomization", KUSTOMIZATIONS, ids=lambda path: str(path.parent.relative_to(K8S)))
def test_every_file_is_used_by_the_kustomization_beside_it(kustomization: Path) -> None:
    inner = [other.parent for other in KUSTOMIZATIONS if kustomization.parent in other.parent.parents]
    beside = {
        file
        for file in kustomization.parent.rglob("*")
        if file.is_file() and file != kustomization and not any(folder in file.parents for folder in inner)
    }
    assert beside == {path for path in files_named_in(kustomization) if path.is_file()}


def test_every_object_has_a_file_of_its_own_named_after_its_kind() -> None:
    patches = {at.parent / name for at in KUSTOMIZATIONS for name in patches_of(yaml.safe_load(at.read_text()))}
    for file in set(K8S.rglob("*.yaml")) - patches - set(KUSTOMIZATIONS) - {K8S / "lint-exceptions.yaml"}:
        (one,) = objects_in(file)
        assert file.stem.startswith(kind_in_file_style(one["kind"])), file


def test_the_seed_products_are_products_with_stock_and_prices_in_one_currency() -> None:
    products = json.loads((K8S / "base" / "products" / "products.json").read_text())
    assert all(product.pop("stock") == 1_000_000 for product in products)
    parsed = [ParseDict(product, Product()) for product in products]
    assert len({product.id for product in parsed}) == len(parsed) >= 200
    assert all(product.description and product.category and product.picture for product in parsed)
    assert {product.price.currency_code for product in parsed} == {"EUR"}
    assert all(product.price.units > 0 for product in parsed)
