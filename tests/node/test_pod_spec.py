from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mesh.local.node.downward import UnsupportedField
from mesh.local.node.pod_spec import Command, NotRunnable, Offer, command_of
from mesh.local.node.references import MissingReference, Reference, References
from tests.node.pods import ADDRESSES, Json, container, pod_of

OFFER = Offer(
    addresses=ADDRESSES,
    host_address="127.0.0.1",
    working_directory=Path("/checkout"),
    image_environment={"PATH": "/venv/bin:/bin"},
    sockets={"grpc": Path("/run/grpc.sock"), "http-api": Path("/run/http.sock")},
    volumes={"seed-data": Path("/state/seed")},
)
KNOWN = References("shop", {Reference("ConfigMap", "c"): {"k": b"v"}, Reference("Secret", "s"): {"pw": b"hunter2"}})


def command(references: References = KNOWN, **fields: Any) -> Command:
    pod = pod_of(container(**fields), metadata={"labels": {"app": "catalog"}})
    assert pod.spec is not None
    return command_of(pod.spec.containers[0], pod, OFFER, references)


def environment(*variables: Json, **fields: Any) -> dict[str, str]:
    return dict(command(env=list(variables), **fields).environment)


def test_command_and_arguments_are_one_list_with_variables_in_place() -> None:
    ran = command(command=["python", "-m"], args=["$(M)", "$(ARGOSY_POD_IP)"], env=[{"name": "M", "value": "services"}])
    assert ran.argv == ("python", "-m", "services", "127.10.0.7")
    assert ran.working_directory == Path("/checkout")


def test_a_working_directory_of_its_own_is_kept() -> None:
    assert command(workingDir="/srv").working_directory == Path("/srv")


def test_what_the_node_offers_is_in_the_environment() -> None:
    assert environment() == {
        "PATH": "/venv/bin:/bin",
        "ARGOSY_POD_IP": "127.10.0.7",
        "ARGOSY_EGRESS_IP": "127.11.0.7",
        "ARGOSY_SOCKET": "/run/grpc.sock",
        "ARGOSY_SOCKET_GRPC": "/run/grpc.sock",
        "ARGOSY_SOCKET_HTTP_API": "/run/http.sock",
        "ARGOSY_VOLUME_SEED_DATA": "/state/seed",
    }


def test_a_variable_sees_those_before_it_whatever_they_come_from() -> None:
    app: Json = {"name": "APP", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['app']"}}}
    url: Json = {"name": "URL", "value": "sqlite:///$(ARGOSY_VOLUME_SEED_DATA)/$(APP).db $(LATER)"}
    assert environment(app, url, {"name": "LATER", "value": "x"})["URL"] == "sqlite:////state/seed/catalog.db $(LATER)"


def test_keys_of_config_maps_and_secrets_become_variables() -> None:
    config: Json = {"name": "A", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}}
    secret: Json = {"name": "B", "valueFrom": {"secretKeyRef": {"name": "s", "key": "pw"}}}
    found = environment(config, secret, envFrom=[{"configMapRef": {"name": "c"}, "prefix": "ALL_"}])
    assert (found["A"], found["B"], found["ALL_k"]) == ("v", "hunter2", "v")


def test_a_variable_of_its_own_wins_over_a_whole_config_map() -> None:
    assert environment({"name": "k", "value": "own"}, envFrom=[{"configMapRef": {"name": "c"}}])["k"] == "own"


def test_a_missing_key_is_reported_with_its_object() -> None:
    with pytest.raises(MissingReference, match="couldn't find key other in ConfigMap shop/c"):
        environment({"name": "A", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "other"}}})


def test_a_missing_object_is_reported_in_the_kubelets_words() -> None:
    with pytest.raises(MissingReference, match=r'^secret "gone" not found$'):
        environment({"name": "A", "valueFrom": {"secretKeyRef": {"name": "gone", "key": "pw"}}})


def test_what_is_optional_may_be_missing() -> None:
    optional: Json = {"name": "A", "valueFrom": {"configMapKeyRef": {"name": "gone", "key": "k", "optional": True}}}
    everything: Json = {"configMapRef": {"name": "gone", "optional": True}}
    assert "A" not in environment(optional, envFrom=[everything])


def test_an_image_without_a_command_cannot_be_run() -> None:
    with pytest.raises(NotRunnable, match="catalog has no command"):
        command(command=None, args=["only", "arguments"])


def test_a_field_nobody_can_answer_is_an_error_not_an_empty_text() -> None:
    with pytest.raises(UnsupportedField):
        environment({"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}})
    with pytest.raises(UnsupportedField):
        environment({"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "status.phase"}}})
