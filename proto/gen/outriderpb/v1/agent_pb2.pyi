from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class Agent(_message.Message):
    __slots__ = ("id", "cluster", "path_prefix")
    ID_FIELD_NUMBER: _ClassVar[int]
    CLUSTER_FIELD_NUMBER: _ClassVar[int]
    PATH_PREFIX_FIELD_NUMBER: _ClassVar[int]
    id: str
    cluster: str
    path_prefix: str
    def __init__(self, id: _Optional[str] = ..., cluster: _Optional[str] = ..., path_prefix: _Optional[str] = ...) -> None: ...
