from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class Tracing(_message.Message):
    __slots__ = ("endpoint", "sampling_percent", "static_attributes", "header_prefixes")
    class StaticAttributesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    SAMPLING_PERCENT_FIELD_NUMBER: _ClassVar[int]
    STATIC_ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    HEADER_PREFIXES_FIELD_NUMBER: _ClassVar[int]
    endpoint: str
    sampling_percent: float
    static_attributes: _containers.ScalarMap[str, str]
    header_prefixes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, endpoint: _Optional[str] = ..., sampling_percent: _Optional[float] = ..., static_attributes: _Optional[_Mapping[str, str]] = ..., header_prefixes: _Optional[_Iterable[str]] = ...) -> None: ...
