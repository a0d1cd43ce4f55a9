"""Which RPC takes this request? The contract knows: every RPC of the shop has a request message of its own."""

from __future__ import annotations

from typing import Any

from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message


def method_of(request: Message) -> MethodDescriptor:
    """The RPC that takes this message. Raises LookupError when none does."""
    services: Any = request.DESCRIPTOR.file.services_by_name
    for service in services.values():
        for method in service.methods:
            if method.input_type is request.DESCRIPTOR:
                found: MethodDescriptor = method
                return found
    raise LookupError(f"no RPC takes {request.DESCRIPTOR.full_name}")


def path_of(method: MethodDescriptor) -> str:
    """The RPC's path in HTTP/2."""
    return f"/{method.containing_service.full_name}/{method.name}"
