from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Bucket(_message.Message):
    __slots__ = ("limit", "measure", "values")
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    MEASURE_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    limit: str
    measure: str
    values: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, limit: _Optional[str] = ..., measure: _Optional[str] = ..., values: _Optional[_Iterable[str]] = ...) -> None: ...

class Line(_message.Message):
    __slots__ = ("bucket", "granted", "spent", "returned", "self_granted", "need", "ahead", "recalled", "closed")
    BUCKET_FIELD_NUMBER: _ClassVar[int]
    GRANTED_FIELD_NUMBER: _ClassVar[int]
    SPENT_FIELD_NUMBER: _ClassVar[int]
    RETURNED_FIELD_NUMBER: _ClassVar[int]
    SELF_GRANTED_FIELD_NUMBER: _ClassVar[int]
    NEED_FIELD_NUMBER: _ClassVar[int]
    AHEAD_FIELD_NUMBER: _ClassVar[int]
    RECALLED_FIELD_NUMBER: _ClassVar[int]
    CLOSED_FIELD_NUMBER: _ClassVar[int]
    bucket: Bucket
    granted: int
    spent: int
    returned: int
    self_granted: int
    need: int
    ahead: int
    recalled: bool
    closed: bool
    def __init__(self, bucket: _Optional[_Union[Bucket, _Mapping]] = ..., granted: _Optional[int] = ..., spent: _Optional[int] = ..., returned: _Optional[int] = ..., self_granted: _Optional[int] = ..., need: _Optional[int] = ..., ahead: _Optional[int] = ..., recalled: _Optional[bool] = ..., closed: _Optional[bool] = ...) -> None: ...

class LeaseRequest(_message.Message):
    __slots__ = ("node_id", "incarnation", "sequence", "lines", "leaving")
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    LINES_FIELD_NUMBER: _ClassVar[int]
    LEAVING_FIELD_NUMBER: _ClassVar[int]
    node_id: str
    incarnation: str
    sequence: int
    lines: _containers.RepeatedCompositeFieldContainer[Line]
    leaving: bool
    def __init__(self, node_id: _Optional[str] = ..., incarnation: _Optional[str] = ..., sequence: _Optional[int] = ..., lines: _Optional[_Iterable[_Union[Line, _Mapping]]] = ..., leaving: _Optional[bool] = ...) -> None: ...

class Grant(_message.Message):
    __slots__ = ("bucket", "total", "level")
    BUCKET_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    bucket: Bucket
    total: int
    level: float
    def __init__(self, bucket: _Optional[_Union[Bucket, _Mapping]] = ..., total: _Optional[int] = ..., level: _Optional[float] = ...) -> None: ...

class Denial(_message.Message):
    __slots__ = ("bucket", "level")
    BUCKET_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    bucket: Bucket
    level: float
    def __init__(self, bucket: _Optional[_Union[Bucket, _Mapping]] = ..., level: _Optional[float] = ...) -> None: ...

class LeaseResponse(_message.Message):
    __slots__ = ("sequence", "grants", "denials", "recalls", "holders", "ttl_ms")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    GRANTS_FIELD_NUMBER: _ClassVar[int]
    DENIALS_FIELD_NUMBER: _ClassVar[int]
    RECALLS_FIELD_NUMBER: _ClassVar[int]
    HOLDERS_FIELD_NUMBER: _ClassVar[int]
    TTL_MS_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    grants: _containers.RepeatedCompositeFieldContainer[Grant]
    denials: _containers.RepeatedCompositeFieldContainer[Denial]
    recalls: _containers.RepeatedCompositeFieldContainer[Bucket]
    holders: int
    ttl_ms: int
    def __init__(self, sequence: _Optional[int] = ..., grants: _Optional[_Iterable[_Union[Grant, _Mapping]]] = ..., denials: _Optional[_Iterable[_Union[Denial, _Mapping]]] = ..., recalls: _Optional[_Iterable[_Union[Bucket, _Mapping]]] = ..., holders: _Optional[int] = ..., ttl_ms: _Optional[int] = ...) -> None: ...
