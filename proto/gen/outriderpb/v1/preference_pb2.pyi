from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Prefer(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PREFER_NONE: _ClassVar[Prefer]
    PREFER_CHEAPEST: _ClassVar[Prefer]
    PREFER_FASTEST: _ClassVar[Prefer]
PREFER_NONE: Prefer
PREFER_CHEAPEST: Prefer
PREFER_FASTEST: Prefer

class RoutingPreference(_message.Message):
    __slots__ = ("name", "description", "models", "prefer", "position", "examples")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    PREFER_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    EXAMPLES_FIELD_NUMBER: _ClassVar[int]
    name: str
    description: str
    models: _containers.RepeatedScalarFieldContainer[str]
    prefer: Prefer
    position: int
    examples: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., description: _Optional[str] = ..., models: _Optional[_Iterable[str]] = ..., prefer: _Optional[_Union[Prefer, str]] = ..., position: _Optional[int] = ..., examples: _Optional[_Iterable[str]] = ...) -> None: ...
