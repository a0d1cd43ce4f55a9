from mesh.local.backoff import FORGIVEN_AFTER, LONGEST, Backoff


def pauses(lives: list[float]) -> list[float]:
    backoff, found = Backoff(), []
    for lived in lives:
        backoff = backoff.died(lived)
        found.append(backoff.pause())
    return found


def test_the_first_death_costs_nothing() -> None:
    assert pauses([5.0]) == [0.0]


def test_deaths_in_a_row_cost_ever_more_up_to_a_limit() -> None:
    assert pauses([0.1] * 5) == [0.0, 0.2, 0.4, 0.8, 1.6]
    assert pauses([0.1] * 30)[-1] == LONGEST


def test_a_life_long_enough_is_forgiven() -> None:
    assert pauses([0.1, 0.1, 0.1, FORGIVEN_AFTER]) == [0.0, 0.2, 0.4, 0.0]
