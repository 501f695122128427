from outriderpb.v1 import secret_pb2 as _secret_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ApiKey(_message.Message):
    __slots__ = ("name", "tenant", "sha256", "key", "listeners", "models", "expires", "disabled")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TENANT_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    LISTENERS_FIELD_NUMBER: _ClassVar[int]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_FIELD_NUMBER: _ClassVar[int]
    DISABLED_FIELD_NUMBER: _ClassVar[int]
    name: str
    tenant: str
    sha256: bytes
    key: _secret_pb2.SecretText
    listeners: _containers.RepeatedScalarFieldContainer[str]
    models: _containers.RepeatedScalarFieldContainer[str]
    expires: int
    disabled: bool
    def __init__(self, name: _Optional[str] = ..., tenant: _Optional[str] = ..., sha256: _Optional[bytes] = ..., key: _Optional[_Union[_secret_pb2.SecretText, _Mapping]] = ..., listeners: _Optional[_Iterable[str]] = ..., models: _Optional[_Iterable[str]] = ..., expires: _Optional[int] = ..., disabled: _Optional[bool] = ...) -> None: ...
