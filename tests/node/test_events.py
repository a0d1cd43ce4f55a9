from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from mesh.local.node.api_client import open_client
from mesh.local.node.events import EventRecorder
from tests.node.pods import pod_of
from tests.node.scripted_api import ScriptedApi
from tests.node.waiting import until

POD = pod_of()
NAME = "catalog-v1-abc"
HELD = 3


async def test_of_more_events_than_can_wait_the_oldest_are_dropped_and_that_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    api = ScriptedApi()
    async with api.serve(tmp_path) as kubeconfig, open_client(kubeconfig) as client:
        recorder = EventRecorder(client, component="node", host="local", waiting=HELD)
        with caplog.at_level(logging.WARNING):
            for number in range(HELD + 2):
                recorder.record(POD, f"Reason{number}", "while the API is away")
        assert caplog.text.count("dropping the oldest") == 1
        publishing = asyncio.create_task(recorder.publish())
        await until(lambda: len(api.reasons(NAME)) == HELD)
        assert api.reasons(NAME) == ["Reason2", "Reason3", "Reason4"]
        publishing.cancel()


async def test_events_that_can_wait_are_all_published(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    api = ScriptedApi()
    async with api.serve(tmp_path) as kubeconfig, open_client(kubeconfig) as client:
        recorder = EventRecorder(client, component="node", host="local", waiting=HELD)
        for number in range(HELD):
            recorder.record(POD, f"Reason{number}", "while the API is away")
        publishing = asyncio.create_task(recorder.publish())
        await until(lambda: len(api.reasons(NAME)) == HELD)
        assert "dropping" not in caplog.text
        publishing.cancel()
