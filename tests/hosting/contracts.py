"""Which contracts do tests use that the shop does not have? Made here, as descriptors, without a .proto."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from buf.validate import validate_pb2
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

Field = descriptor_pb2.FieldDescriptorProto

_numbers = itertools.count()


def message_type(*fields: Field, rules: validate_pb2.MessageRules | None = None) -> Descriptor:
    """A message type with these fields, numbered in order."""
    number = next(_numbers)
    file = descriptor_pb2.FileDescriptorProto(
        name=f"test/message{number}.proto",
        package=f"test.message{number}",
        syntax="proto3",
        dependency=["buf/validate/validate.proto", "google/protobuf/duration.proto"],
    )
    colour = file.enum_type.add(name="Colour")
    for value, name in enumerate(("NONE", "RED", "BLUE")):
        colour.value.add(name=name, number=value)
    message = file.message_type.add(name="Made")
    for place, given in enumerate(fields):
        made = message.field.add()
        made.CopyFrom(given)
        made.number = place + 1
        if made.type == Field.TYPE_ENUM:
            made.type_name = f".{file.package}.Colour"
        if made.proto3_optional:
            made.oneof_index = len(message.oneof_decl)
            message.oneof_decl.add(name=f"_{made.name}")
    if rules:
        message.options.Extensions[validate_pb2.message].CopyFrom(rules)
    pool = descriptor_pool.Default()
    pool.Add(file)
    return pool.FindMessageTypeByName(f"{file.package}.Made")


def field(
    kind: int, *, repeated: bool = False, optional: bool = False, of_list: Mapping[str, Any] | None = None, **rules: Any
) -> Field:
    """A field named `it` with rules: `field(Field.TYPE_INT32, int32={"gte": 1})`; `of_list` are `repeated` rules."""
    if of_list:
        rules["repeated"] = of_list
    made = Field(
        name="it",
        type=kind,  # type: ignore[arg-type]
        label=Field.LABEL_REPEATED if repeated else Field.LABEL_OPTIONAL,
        proto3_optional=optional,
    )
    if kind == Field.TYPE_MESSAGE:
        made.type_name = ".google.protobuf.Duration"
    made.options.Extensions[validate_pb2.field].CopyFrom(validate_pb2.FieldRules(**rules))
    return made


def new(kind: Descriptor, **values: Any) -> Message:
    return message_factory.GetMessageClass(kind)(**values)
