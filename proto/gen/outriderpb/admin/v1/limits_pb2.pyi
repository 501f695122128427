from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ListLimitsRequest(_message.Message):
    __slots__ = ("limit",)
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    limit: str
    def __init__(self, limit: _Optional[str] = ...) -> None: ...

class LimitBucket(_message.Message):
    __slots__ = ("limit", "measure", "values", "capacity", "rate", "level", "leased", "spent", "holders")
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    MEASURE_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    CAPACITY_FIELD_NUMBER: _ClassVar[int]
    RATE_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    LEASED_FIELD_NUMBER: _ClassVar[int]
    SPENT_FIELD_NUMBER: _ClassVar[int]
    HOLDERS_FIELD_NUMBER: _ClassVar[int]
    limit: str
    measure: str
    values: _containers.RepeatedScalarFieldContainer[str]
    capacity: int
    rate: float
    level: float
    leased: int
    spent: int
    holders: int
    def __init__(self, limit: _Optional[str] = ..., measure: _Optional[str] = ..., values: _Optional[_Iterable[str]] = ..., capacity: _Optional[int] = ..., rate: _Optional[float] = ..., level: _Optional[float] = ..., leased: _Optional[int] = ..., spent: _Optional[int] = ..., holders: _Optional[int] = ...) -> None: ...

class ListLimitsResponse(_message.Message):
    __slots__ = ("buckets", "holders")
    BUCKETS_FIELD_NUMBER: _ClassVar[int]
    HOLDERS_FIELD_NUMBER: _ClassVar[int]
    buckets: _containers.RepeatedCompositeFieldContainer[LimitBucket]
    holders: int
    def __init__(self, buckets: _Optional[_Iterable[_Union[LimitBucket, _Mapping]]] = ..., holders: _Optional[int] = ...) -> None: ...
