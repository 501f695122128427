from outriderpb.v1 import model_pb2 as _model_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class McpServer(_message.Message):
    __slots__ = ("id", "cluster", "path", "headers", "passthrough_auth", "allow_tools", "deny_tools", "timeout_ms")
    ID_FIELD_NUMBER: _ClassVar[int]
    CLUSTER_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    HEADERS_FIELD_NUMBER: _ClassVar[int]
    PASSTHROUGH_AUTH_FIELD_NUMBER: _ClassVar[int]
    ALLOW_TOOLS_FIELD_NUMBER: _ClassVar[int]
    DENY_TOOLS_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    id: str
    cluster: str
    path: str
    headers: _containers.RepeatedCompositeFieldContainer[_model_pb2.Header]
    passthrough_auth: bool
    allow_tools: _containers.RepeatedScalarFieldContainer[str]
    deny_tools: _containers.RepeatedScalarFieldContainer[str]
    timeout_ms: int
    def __init__(self, id: _Optional[str] = ..., cluster: _Optional[str] = ..., path: _Optional[str] = ..., headers: _Optional[_Iterable[_Union[_model_pb2.Header, _Mapping]]] = ..., passthrough_auth: _Optional[bool] = ..., allow_tools: _Optional[_Iterable[str]] = ..., deny_tools: _Optional[_Iterable[str]] = ..., timeout_ms: _Optional[int] = ...) -> None: ...
