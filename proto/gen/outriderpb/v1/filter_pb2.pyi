from outriderpb.v1 import secret_pb2 as _secret_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Filter(_message.Message):
    __slots__ = ("id", "cluster", "path_prefix", "timeout_ms", "kind", "fails_open", "settings", "connection")
    ID_FIELD_NUMBER: _ClassVar[int]
    CLUSTER_FIELD_NUMBER: _ClassVar[int]
    PATH_PREFIX_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    FAILS_OPEN_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    CONNECTION_FIELD_NUMBER: _ClassVar[int]
    id: str
    cluster: str
    path_prefix: str
    timeout_ms: int
    kind: str
    fails_open: bool
    settings: str
    connection: _secret_pb2.SecretText
    def __init__(self, id: _Optional[str] = ..., cluster: _Optional[str] = ..., path_prefix: _Optional[str] = ..., timeout_ms: _Optional[int] = ..., kind: _Optional[str] = ..., fails_open: _Optional[bool] = ..., settings: _Optional[str] = ..., connection: _Optional[_Union[_secret_pb2.SecretText, _Mapping]] = ...) -> None: ...
