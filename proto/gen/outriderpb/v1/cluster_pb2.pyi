from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class Cluster(_message.Message):
    __slots__ = ("name", "tls", "sni", "authority", "connect_timeout_ms")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TLS_FIELD_NUMBER: _ClassVar[int]
    SNI_FIELD_NUMBER: _ClassVar[int]
    AUTHORITY_FIELD_NUMBER: _ClassVar[int]
    CONNECT_TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    name: str
    tls: bool
    sni: str
    authority: str
    connect_timeout_ms: int
    def __init__(self, name: _Optional[str] = ..., tls: _Optional[bool] = ..., sni: _Optional[str] = ..., authority: _Optional[str] = ..., connect_timeout_ms: _Optional[int] = ...) -> None: ...
