import pytest
from google.protobuf import any_pb2
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2, status_pb2
from grpc import StatusCode
from grpc.aio import AioRpcError

from mesh.resilience.pushback import NOT_AT_ALL, pushback
from tests.resilience.scripted import failure


def retry_info(seconds: int) -> bytes:
    detail = any_pb2.Any()
    detail.Pack(error_details_pb2.RetryInfo(retry_delay=Duration(seconds=seconds)))
    unrelated = any_pb2.Any()
    unrelated.Pack(error_details_pb2.ErrorInfo(reason="BUSY"))
    return bytes(status_pb2.Status(code=8, details=[unrelated, detail]).SerializeToString())


@pytest.mark.parametrize(
    ("trailers", "seconds"),
    [
        ((), None),
        ((("grpc-retry-pushback-ms", "400"),), 0.4),
        ((("grpc-retry-pushback-ms", "0"),), 0.0),
        ((("grpc-retry-pushback-ms", "-1"),), NOT_AT_ALL),
        ((("grpc-retry-pushback-ms", "soon"),), NOT_AT_ALL),
        ((("grpc-status-details-bin", retry_info(3)),), 3.0),
        ((("grpc-status-details-bin", retry_info(-3)),), 0.0),
        ((("grpc-status-details-bin", retry_info(10**18)),), 1e18),  # longer than Python's calendar
        ((("grpc-status-details-bin", retry_info(3)), ("grpc-retry-pushback-ms", "100")), 0.1),
        ((("grpc-status-details-bin", b"\xff\xff not a status"),), None),
        ((("grpc-status-details-bin", status_pb2.Status(code=8).SerializeToString()),), None),
        ((("unrelated", "1"),), None),
    ],
)
def test_what_the_server_said(trailers: tuple[tuple[str, str | bytes], ...], seconds: float | None) -> None:
    assert pushback(failure(StatusCode.UNAVAILABLE, trailers)) == seconds


def test_an_error_without_trailers_said_nothing() -> None:
    assert pushback(AioRpcError(StatusCode.UNAVAILABLE)) is None
