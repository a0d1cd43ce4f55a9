import pytest
from grpc import RpcError, StatusCode

from loadtest.outcome import KINDS, SUCCESS, Deserved, Kind, Unfinished, failure

DECLINED = Deserved(frozenset({"CARD_DECLINED"}), success=False)


def test_every_grpc_status_has_a_kind() -> None:
    assert set(KINDS) == set(StatusCode)


@pytest.mark.parametrize(
    ("deserved", "code", "reason", "kind"),
    [
        (SUCCESS, StatusCode.OK, "", Kind.OK),
        (SUCCESS, StatusCode.FAILED_PRECONDITION, "CARD_DECLINED", Kind.REFUSED),
        (DECLINED, StatusCode.FAILED_PRECONDITION, "CARD_DECLINED", Kind.EXPECTED),
        (DECLINED, StatusCode.FAILED_PRECONDITION, "CARD_EXPIRED", Kind.REFUSED),
        (DECLINED, StatusCode.UNAVAILABLE, "", Kind.UNAVAILABLE),
        (DECLINED, StatusCode.INTERNAL, "", Kind.BROKEN),
    ],
)
def test_what_an_answer_means_depends_on_what_was_deserved(
    deserved: Deserved, code: StatusCode, reason: str, kind: Kind
) -> None:
    assert deserved.kind(code, reason) is kind


def test_a_bad_card_that_pays_is_a_bug_in_the_shop() -> None:
    assert DECLINED.kind(StatusCode.OK, "") is Kind.BROKEN


def test_an_error_without_a_status_is_not_counted_as_an_answer() -> None:
    with pytest.raises(Unfinished):
        failure(RpcError())
