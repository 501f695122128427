from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ListenerKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LISTENER_KIND_UNSPECIFIED: _ClassVar[ListenerKind]
    LISTENER_KIND_AGENT: _ClassVar[ListenerKind]
    LISTENER_KIND_MODEL: _ClassVar[ListenerKind]
    LISTENER_KIND_GUARDED: _ClassVar[ListenerKind]
LISTENER_KIND_UNSPECIFIED: ListenerKind
LISTENER_KIND_AGENT: ListenerKind
LISTENER_KIND_MODEL: ListenerKind
LISTENER_KIND_GUARDED: ListenerKind

class Limits(_message.Message):
    __slots__ = ("max_header_bytes", "max_body_bytes", "max_requests", "receive_timeout_ms", "idle_timeout_ms")
    MAX_HEADER_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_BODY_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_REQUESTS_FIELD_NUMBER: _ClassVar[int]
    RECEIVE_TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    IDLE_TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    max_header_bytes: int
    max_body_bytes: int
    max_requests: int
    receive_timeout_ms: int
    idle_timeout_ms: int
    def __init__(self, max_header_bytes: _Optional[int] = ..., max_body_bytes: _Optional[int] = ..., max_requests: _Optional[int] = ..., receive_timeout_ms: _Optional[int] = ..., idle_timeout_ms: _Optional[int] = ...) -> None: ...

class Auth(_message.Message):
    __slots__ = ("optional", "api_keys", "own_header")
    OPTIONAL_FIELD_NUMBER: _ClassVar[int]
    API_KEYS_FIELD_NUMBER: _ClassVar[int]
    OWN_HEADER_FIELD_NUMBER: _ClassVar[int]
    optional: bool
    api_keys: bool
    own_header: bool
    def __init__(self, optional: _Optional[bool] = ..., api_keys: _Optional[bool] = ..., own_header: _Optional[bool] = ...) -> None: ...

class Listener(_message.Message):
    __slots__ = ("name", "kind", "address", "port", "timeout_ms", "limits", "input_filters", "min_confidence", "auth", "guarded")
    NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    PORT_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    INPUT_FILTERS_FIELD_NUMBER: _ClassVar[int]
    MIN_CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    AUTH_FIELD_NUMBER: _ClassVar[int]
    GUARDED_FIELD_NUMBER: _ClassVar[int]
    name: str
    kind: ListenerKind
    address: str
    port: int
    timeout_ms: int
    limits: Limits
    input_filters: _containers.RepeatedScalarFieldContainer[str]
    min_confidence: float
    auth: Auth
    guarded: ListenerKind
    def __init__(self, name: _Optional[str] = ..., kind: _Optional[_Union[ListenerKind, str]] = ..., address: _Optional[str] = ..., port: _Optional[int] = ..., timeout_ms: _Optional[int] = ..., limits: _Optional[_Union[Limits, _Mapping]] = ..., input_filters: _Optional[_Iterable[str]] = ..., min_confidence: _Optional[float] = ..., auth: _Optional[_Union[Auth, _Mapping]] = ..., guarded: _Optional[_Union[ListenerKind, str]] = ...) -> None: ...
