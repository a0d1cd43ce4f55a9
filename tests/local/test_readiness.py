import io
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from mesh.local.picture import ContainerPicture, DeploymentPicture, Picture, PodPicture
from mesh.local.process_identity import ProcessId
from mesh.local.readiness import failing_part, missing
from mesh.local.report import as_json, as_tables
from mesh.local.sidecars import total
from mesh.local.supervisor_state import PartState
from mesh.local.sync import NOT_CONNECTED, Sync, sync_of

ETCD = PartState("etcd", "ready", ProcessId(1, 2), 0, 0.0, Path("/log"))
APPS = ContainerPicture("orders", 11, 12, ready=True, restarts=2)
POD = PodPicture(
    namespace="shop",
    name="orders-v1-abc",
    version="v1",
    phase="Running",
    ready=True,
    ending=False,
    of_a_job=False,
    reason="",
    address="127.10.0.7",
    identity="spiffe://cluster.local/ns/shop/sa/orders",
    age_seconds=75.0,
    containers=(APPS, ContainerPicture("istio-proxy", 21, 22, ready=True, restarts=0)),
    sync=Sync(synced=True, detail=""),
    rejected=0,
)
DEPLOYMENT = DeploymentPicture("shop", "orders-v1", wanted=1, ready=1)
READY = Picture((ETCD,), (DEPLOYMENT,), (POD,))


def shown(picture: Picture) -> str:
    page = io.StringIO()
    Console(width=200, file=page).print(as_tables(picture, with_parts=True))
    return page.getvalue()


def test_a_ready_cluster_misses_nothing() -> None:
    assert missing(READY) == []


def test_everything_that_is_missing_is_named() -> None:
    picture = Picture(
        (replace(ETCD, phase="paused"),),
        (replace(DEPLOYMENT, ready=0),),
        (
            replace(POD, ready=False, phase="Pending", reason="CrashLoopBackOff"),
            replace(POD, name="orders-v1-old", ending=True),
            replace(POD, name="orders-v1-new", sync=NOT_CONNECTED),
            replace(POD, name="orders-v1-wrong", sync=Sync(synced=False, detail="refuses Listener: no"), rejected=2),
            replace(POD, name="orders-v1-mute", rejected=None),
            replace(POD, name="without-sidecar", sync=None, rejected=None),
            replace(POD, name="orders-v1-lost", containers=(replace(APPS, pid=None),), sync=None),
        ),
    )
    assert missing(picture) == [
        "etcd does not work",
        "orders-v1: 0 of 1 replicas ready",
        "orders-v1-abc is Pending (CrashLoopBackOff)",
        "orders-v1-old is ending",
        "orders-v1-new: sidecar not connected to istiod",
        "orders-v1-wrong: sidecar refuses Listener: no",
        "orders-v1-mute: sidecar does not say whether it rejected anything",
        "orders-v1-lost: orders does not run",
    ]


def test_an_api_that_does_not_answer_is_the_only_news() -> None:
    assert missing(Picture((ETCD,), problem="the API does not answer")) == ["the API does not answer"]


def test_a_jobs_pod_is_not_waited_for() -> None:
    assert missing(replace(READY, pods=(replace(POD, of_a_job=True, ready=False, phase="Succeeded"),))) == []


def test_a_part_that_keeps_ending_is_given_up_and_one_that_once_worked_is_not() -> None:
    never = replace(ETCD, phase="paused", restarts=3)
    assert failing_part([ETCD, never]) == never
    assert failing_part([replace(ETCD, restarts=9), replace(ETCD, phase="starting", restarts=1)]) is None


def entry(**changes: str) -> dict[str, str]:
    synced = {"cluster_sent": "a", "cluster_acked": "a", "listener_sent": "b", "listener_acked": "b"}
    return {**synced, **changes}


def test_a_sidecar_is_synced_when_all_that_was_sent_is_acknowledged() -> None:
    assert sync_of(entry()) == Sync(synced=True, detail="")
    assert sync_of(entry(route_sent="c", route_acked="c")).synced


def test_a_sidecar_that_has_not_acknowledged_is_not_synced() -> None:
    assert sync_of(entry(listener_acked="older")) == Sync(synced=False, detail="LDS not acknowledged")
    assert sync_of(entry(cluster_sent="", cluster_acked="")) == Sync(synced=False, detail="CDS not sent")
    assert sync_of(entry(endpoint_sent="d")) == Sync(synced=False, detail="EDS not acknowledged")


def test_a_refused_configuration_is_not_synced() -> None:
    kinds = {"envoy.config.listener.v3.Listener": {"lastError": "no such filter"}, "envoy.Cluster": {"lastError": ""}}
    refused = {**entry(listener_acked="older"), "resources": kinds}
    assert sync_of(refused) == Sync(synced=False, detail="refuses Listener: no such filter", refuses=True)


def test_rejections_are_summed_over_all_kinds() -> None:
    assert total("cluster_manager.cds.update_rejected: 1\nlistener_manager.lds.update_rejected: 2\n") == 3
    assert total("") == 0


def test_the_document_names_every_process() -> None:
    document = as_json(READY, ProcessId(5, 6))
    assert document["ready"] is True
    assert document["supervisor"] == {"pid": 5, "start_time": 6}
    assert document["sidecars"] == {"total": 1, "synced": 1, "rejected": 0, "silent": 0}
    (pod,) = document["pods"]
    assert [(it["name"], it["pid"], it["start_time"]) for it in pod["containers"]] == [
        ("orders", 11, 12),
        ("istio-proxy", 21, 22),
    ]
    assert pod["restarts"] == 2


def test_a_sidecar_that_cannot_be_asked_is_not_counted_as_one_that_rejected_nothing() -> None:
    pods = (replace(POD, rejected=None), replace(POD, rejected=2), replace(POD, sync=None, rejected=None))
    document = as_json(replace(READY, pods=pods), ProcessId(5, 6))
    assert document["sidecars"] == {"total": 2, "synced": 2, "rejected": 2, "silent": 1}
    assert document["ready"] is False


def test_what_a_sidecar_refused_counts_also_when_istiod_has_forgotten_it() -> None:
    forgotten = replace(READY, pods=(replace(POD, rejected=2),))
    assert missing(forgotten) == ["orders-v1-abc: sidecar refused 2 configurations and may lack them"]
    assert "refused 2 before" in shown(forgotten)


def test_a_refusal_is_cut_in_the_table_and_whole_in_the_document() -> None:
    words = "refuses Cluster: " + "no such thing " * 50
    refusing = replace(READY, pods=(replace(POD, sync=Sync(synced=False, detail=words, refuses=True)),))
    assert as_json(refusing, ProcessId(5, 6))["pods"][0]["sidecar"]["detail"] == words
    table = shown(refusing)
    assert "refuses Cluster: no such" in table
    assert table.count("thing") < 10


def test_the_table_shows_who_a_pod_is_and_since_when() -> None:
    table = shown(READY)
    for word in ("etcd", "orders-v1-abc", "v1", "2/2", "synced", POD.identity, POD.address, "1:15"):
        assert word in table
