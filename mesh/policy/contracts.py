"""Which RPCs does a service have? What the contract in gen/ says of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules

from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.descriptor_pb2 import MethodOptions
from google.protobuf.json_format import Parse, ParseError
from google.protobuf.message_factory import GetMessageClass


class NoContract(LookupError):
    """Nothing in gen/ declares the service."""


@dataclass(frozen=True)
class Contract:
    """One RPC as its .proto declares it."""

    path: str
    streams: bool  # its responses
    reads: bool  # NO_SIDE_EFFECTS
    idempotent: bool  # IDEMPOTENT, or reads
    fields: frozenset[str]  # of its request
    descriptor: MethodDescriptor

    def parses(self, default: str) -> bool:
        """Whether `default`, protobuf JSON, is a response."""
        try:
            Parse(default, GetMessageClass(self.descriptor.output_type)())
        except ParseError:
            return False
        return True

    def has_parts(self, parts: str) -> bool:
        """Whether the fields that "asked=answered.key" names exist (FallbackPolicy.parts); none is fine."""
        asked, _, answered = parts.partition("=")
        field, _, key = answered.partition(".")
        response = self.descriptor.output_type.fields_by_name.get(field)
        part = response.message_type if response else None
        return not parts or (asked in self.fields and part is not None and key in part.fields_by_name)


def contract(service: str) -> Mapping[str, Contract]:
    """The RPCs of "package.Service", by name. Raises NoContract."""
    return {method.name: _of(method) for method in _service(service).methods}


def _of(method: MethodDescriptor) -> Contract:
    level = method.GetOptions().idempotency_level
    reads = level == MethodOptions.NO_SIDE_EFFECTS
    return Contract(
        path=f"/{method.containing_service.full_name}/{method.name}",
        streams=method.server_streaming,
        reads=reads,
        idempotent=reads or level == MethodOptions.IDEMPOTENT,
        fields=frozenset(method.input_type.fields_by_name),
        descriptor=method,
    )


def _service(full_name: str) -> ServiceDescriptor:
    package, _, name = full_name.rpartition(".")
    try:
        folder = import_module(package)
    except (ImportError, ValueError):
        raise NoContract(full_name) from None
    for module in iter_modules(folder.__path__):
        if module.name.endswith("_pb2"):
            declared = import_module(f"{package}.{module.name}").DESCRIPTOR.services_by_name
            if name in declared:
                return declared[name]  # type: ignore[no-any-return]
    raise NoContract(full_name)
