import json

from loadtest.timeline import SLICES, Timeline


def test_a_call_counts_in_the_slice_it_was_due_in() -> None:
    timeline = Timeline(10)
    timeline.record(0.2, 0.1, failed=False)
    timeline.record(0.9, 5.0, failed=True)
    timeline.record(2.0, 0.1, failed=False)
    assert [(began, seen.calls, seen.failed) for began, seen in timeline.slices()] == [(0, 2, 1), (1, 0, 0), (2, 1, 0)]


def test_a_long_run_has_longer_slices_and_not_more() -> None:
    timeline = Timeline(3600)
    for second in range(3600):
        timeline.record(second, 0.1, failed=False)
    slices = [seen.calls for _, seen in timeline.slices()]
    assert (len(slices), sum(slices)) == (SLICES, 3600)


def test_the_slices_of_several_processes_add_up() -> None:
    one, other = Timeline(3), Timeline(3)
    one.record(1.5, 0.1, failed=False)
    other.record(1.6, 0.3, failed=True)
    one.add(Timeline.from_json(json.loads(json.dumps(other.to_json()))))
    [_, (began, seen)] = one.slices()
    assert (began, seen.calls, seen.failed, seen.latency.count) == (1.0, 2, 1, 2)
