"""Which reason did another service give for its refusal? google.rpc.ErrorInfo, never the text."""

from __future__ import annotations

from google.rpc import error_details_pb2
from grpc.aio import AioRpcError
from grpc_status import rpc_status


def info_of(error: AioRpcError) -> error_details_pb2.ErrorInfo:
    """The ErrorInfo of a failed call; an empty one when it has none, or one that cannot be read."""
    info = error_details_pb2.ErrorInfo()
    try:
        status = rpc_status.from_call(error)
    except ValueError:  # the details contradict the status: some proxy has rewritten one of the two
        return info
    for detail in status.details if status else ():
        if detail.Unpack(info):
            break
    return info
