from outriderpb.v1 import retry_pb2 as _retry_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Agent(_message.Message):
    __slots__ = ("id", "cluster", "path_prefix", "retry")
    ID_FIELD_NUMBER: _ClassVar[int]
    CLUSTER_FIELD_NUMBER: _ClassVar[int]
    PATH_PREFIX_FIELD_NUMBER: _ClassVar[int]
    RETRY_FIELD_NUMBER: _ClassVar[int]
    id: str
    cluster: str
    path_prefix: str
    retry: _retry_pb2.RetryPolicy
    def __init__(self, id: _Optional[str] = ..., cluster: _Optional[str] = ..., path_prefix: _Optional[str] = ..., retry: _Optional[_Union[_retry_pb2.RetryPolicy, _Mapping]] = ...) -> None: ...
