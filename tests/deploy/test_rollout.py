"""What is waited for, what is done, and what fails with which advice."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from lightkube.resources.apps_v1 import Deployment, StatefulSet
from lightkube.resources.batch_v1 import Job
from lightkube.resources.core_v1 import Pod

from mesh.deploy.rollout import Owner, Refusal, Seen, Standing, Verdict, standing
from tests.deploy.objects import NOW, ago, container, ended, pod, waiting

UNSCHEDULABLE = {"type": "PodScheduled", "status": "False", "message": "0/2 nodes are available"}


def owner(kind: type[Owner] = Deployment, **status: Any) -> Owner:
    spec: dict[str, Any] = {"replicas": 1, "selector": {}, "template": {}, "serviceName": "app"}
    made = kind.from_dict({"metadata": {"name": "app", "generation": 2}, "spec": spec, "status": status})
    assert isinstance(made, kind)
    return made


def up(**differing: int) -> Owner:
    counts = {"observedGeneration": 2, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}
    return owner(Deployment, **{**counts, **differing})


def judged(*pods: Pod, by: Owner | None = None, refusal: Refusal | None = None) -> Standing:
    return standing(Seen(by or up(availableReplicas=0), pods, refusal), NOW)


def refused(message: str, seconds: float) -> Refusal:
    return Refusal(message, NOW - timedelta(seconds=seconds))


def test_a_deployment_is_done_when_every_replica_is_new_and_available() -> None:
    assert judged(pod(), by=up()).verdict is Verdict.DONE


@pytest.mark.parametrize(
    "differing",
    [{"observedGeneration": 1}, {"updatedReplicas": 0}, {"availableReplicas": 0}, {"replicas": 2}],
    ids=lambda differing: next(iter(differing)),
)
def test_it_is_waited_for_while_the_controller_has_not_seen_it_or_an_old_pod_is_left(differing: dict[str, int]) -> None:
    assert judged(pod(), by=up(**differing)).verdict is Verdict.WAITING


def test_a_job_is_done_when_it_is_complete_and_fails_with_its_last_words() -> None:
    complete = owner(Job, conditions=[{"type": "Complete", "status": "True"}])
    assert judged(by=complete).verdict is Verdict.DONE
    found = judged(
        pod(containers=(ended(3),), restart="Never"),
        by=owner(Job, conditions=[{"type": "Failed", "status": "True"}]),
    )
    assert found.verdict is Verdict.FAILED
    assert found.crash is not None
    assert (found.crash.pod, found.crash.container, found.crash.restarted) == ("app-1", "app", False)


def test_a_stateful_set_is_judged_like_a_deployment() -> None:
    counts = {"observedGeneration": 2, "replicas": 1, "updatedReplicas": 1}
    assert judged(by=owner(StatefulSet, **counts, availableReplicas=1)).verdict is Verdict.DONE
    assert judged(by=owner(StatefulSet, **counts)).reason == "0 of 1 available"


@pytest.mark.parametrize("reason", ["ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName"])
def test_an_image_that_cannot_be_had_fails_and_says_how_to_bring_it(reason: str) -> None:
    found = judged(pod(containers=(waiting(reason),)))
    assert found.verdict is Verdict.FAILED
    assert "kind load docker-image argosy:dev" in found.reason
    assert "as the kubelet says" in found.reason


def test_the_first_failed_pull_is_waited_for() -> None:
    assert judged(pod(containers=(waiting("ErrImagePull"),))).verdict is Verdict.WAITING


def test_a_sidecars_image_counts_too() -> None:
    found = judged(pod(init=(waiting("ImagePullBackOff", name="istio-proxy"),)))
    assert found.verdict is Verdict.FAILED


def test_what_keeps_ending_fails_with_its_last_words_but_not_at_once() -> None:
    assert judged(pod(containers=(waiting("CrashLoopBackOff", restarts=2),))).verdict is Verdict.WAITING
    found = judged(pod(containers=(waiting("CrashLoopBackOff", restarts=3),)))
    assert found.verdict is Verdict.FAILED
    assert found.crash is not None
    assert found.crash.restarted


def test_a_pod_that_is_told_of_a_secret_that_is_not_there_fails() -> None:
    found = judged(pod(containers=(waiting("CreateContainerConfigError"),)))
    assert (found.verdict, found.reason) == (Verdict.FAILED, "app-1: as the kubelet says")


def test_a_pod_that_no_node_takes_is_waited_for_a_minute() -> None:
    patient = judged(pod(conditions=({**UNSCHEDULABLE, "lastTransitionTime": ago(59)},)))
    over = judged(pod(conditions=({**UNSCHEDULABLE, "lastTransitionTime": ago(61)},)))
    assert (patient.verdict, over.verdict) == (Verdict.WAITING, Verdict.FAILED)
    assert "0/2 nodes are available" in patient.reason


@pytest.mark.parametrize(
    ("message", "advice"),
    [
        ('pods "app-1" is forbidden: exceeded quota: shop', "Raise the ResourceQuota"),
        ('pods "app-1" is forbidden: violates PodSecurity "restricted:latest"', "CNI plugin"),
        ('admission webhook "x" denied the request: because', "because"),
    ],
)
def test_refused_pods_fail_after_a_while_with_the_reason(message: str, advice: str) -> None:
    assert judged(refusal=refused(message, 14)).verdict is Verdict.WAITING
    found = judged(refusal=refused(message, 16))
    assert found.verdict is Verdict.FAILED
    assert advice in found.reason


def test_a_pod_without_a_sidecar_fails_unless_it_asked_for_none() -> None:
    bare = pod(sidecar=False)
    assert "without a sidecar" in judged(bare).reason
    assert bare.metadata is not None
    bare.metadata.labels = {"sidecar.istio.io/inject": "false"}
    assert judged(bare).verdict is Verdict.WAITING


def test_a_job_whose_ordinary_sidecar_runs_on_fails_and_says_what_istio_needs() -> None:
    statuses = (ended(0), container("istio-proxy", running={}))
    found = judged(pod(containers=statuses, restart="Never"), by=owner(Job))
    assert "native sidecars" in found.reason


def test_what_is_wrong_with_older_pods_is_not_held_against_the_new_ones() -> None:
    old = pod("old", containers=(waiting("ImagePullBackOff"),), revision="old", age=100)
    assert judged(old, pod()).verdict is Verdict.WAITING
    assert judged(old).verdict is Verdict.FAILED
    assert judged(pod("going", containers=(waiting("ImagePullBackOff"),), leaving=True)).verdict is Verdict.WAITING
