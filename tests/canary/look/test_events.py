from __future__ import annotations

from mesh.canary.look.events import event_of, opened, reason_of
from tests.canary.kubernetes_api import KubernetesApi
from tests.canary.look.story import ANNA, BEGAN, RUN, promoted, rolled_back


async def test_what_was_decided_or_done_is_an_event_about_the_virtual_service() -> None:
    api = KubernetesApi()
    async with api.client() as client, opened(client, "catalog", "uid-1") as events:
        for entry in rolled_back().entries:
            events.heard(entry)
    written = [event for (plural, _), event in api.objects.items() if plural == "events"]
    assert [(event["type"], event["reason"]) for event in written] == [
        ("Normal", "CanaryStarted"),
        ("Normal", "CanaryWeights"),
        ("Normal", "CanaryStepSeen"),
        ("Warning", "CanaryWorse"),
        ("Normal", "CanaryWeights"),
        ("Warning", "CanaryRolledBack"),
    ]
    last = written[-1]
    assert last["message"] == "rolled-back: 20 errors of 50"
    assert last["reportingInstance"] == ANNA
    assert (last["involvedObject"]["kind"], last["involvedObject"]["uid"]) == ("VirtualService", "uid-1")


async def test_a_run_that_is_told_again_makes_no_second_event() -> None:
    api = KubernetesApi()
    for _ in range(2):
        async with api.client() as client, opened(client, "catalog", "") as events:
            for entry in promoted().entries:
                events.heard(entry)
    names = [name for plural, name in api.objects if plural == "events"]
    assert len(names) == sum(reason_of(entry) is not None for entry in promoted().entries)
    assert names[0] == f"canary-catalog.{RUN}.1"


def test_an_events_time_is_that_of_the_entry() -> None:
    event = event_of(promoted().entries[0], "catalog", "")
    assert event
    assert event.firstTimestamp
    assert event.firstTimestamp.timestamp() == BEGAN
