import asyncio

from mesh.resilience import degraded


def test_what_is_noted_is_collected_once() -> None:
    with degraded.collect() as notes:
        degraded.note("catalog")
        degraded.note("catalog")
        degraded.note("inventory")
    assert sorted(notes) == ["catalog", "inventory"]


def test_where_nobody_collects_a_note_is_forgotten() -> None:
    degraded.note("catalog")
    with degraded.collect() as notes:
        pass
    degraded.note("catalog")
    assert not notes


async def test_a_note_from_a_task_of_the_request_is_seen() -> None:
    async def call() -> None:
        degraded.note("catalog")

    with degraded.collect() as notes:
        await asyncio.gather(call(), asyncio.create_task(call()))
    assert notes == {"catalog"}


async def test_two_requests_do_not_share_their_notes() -> None:
    async def request(peer: str) -> set[str]:
        with degraded.collect() as notes:
            await asyncio.sleep(0)
            degraded.note(peer)
            await asyncio.sleep(0)
            return notes

    assert tuple(await asyncio.gather(request("a"), request("b"))) == ({"a"}, {"b"})
