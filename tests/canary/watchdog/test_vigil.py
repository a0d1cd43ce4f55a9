from mesh.canary.watchdog.vigil import LONGEST_GAP, Vigil, begun


def looked(*looks: tuple[str, float]) -> Vigil:
    """After seeing these versions of the Lease at these times."""
    (version, now), *others = looks
    vigil = begun(version, now)
    for version, now in others:
        vigil = vigil.after(version, now)
    return vigil


def test_a_lease_that_stays_as_it_is_has_not_been_renewed_since_it_was_first_seen() -> None:
    assert looked(("1", 100), ("1", 102), ("1", 104)).unrenewed == 4


def test_every_renewal_begins_anew() -> None:
    assert looked(("1", 100), ("1", 104), ("2", 106)).unrenewed == 0
    assert looked(("1", 100), ("2", 104), ("2", 106)).unrenewed == 2


def test_who_has_just_begun_to_look_knows_nothing_of_the_time_before() -> None:
    assert begun("1", 1e9).unrenewed == 0


def test_a_time_without_looking_does_not_count() -> None:
    assert looked(("1", 100), ("1", 104 + LONGEST_GAP + 1)).unrenewed == 0
    assert looked(("1", 100), ("1", 104), ("1", 200), ("1", 203)).unrenewed == 3


def test_the_longest_gap_still_counts() -> None:
    assert looked(("1", 100), ("1", 100 + LONGEST_GAP)).unrenewed == LONGEST_GAP
