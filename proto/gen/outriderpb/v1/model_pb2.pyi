from outriderpb.v1 import secret_pb2 as _secret_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Header(_message.Message):
    __slots__ = ("name", "value")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    name: str
    value: _secret_pb2.SecretText
    def __init__(self, name: _Optional[str] = ..., value: _Optional[_Union[_secret_pb2.SecretText, _Mapping]] = ...) -> None: ...

class ModelProvider(_message.Message):
    __slots__ = ("name", "provider", "model", "cluster", "path_prefix", "access_key", "passthrough_auth", "headers")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    CLUSTER_FIELD_NUMBER: _ClassVar[int]
    PATH_PREFIX_FIELD_NUMBER: _ClassVar[int]
    ACCESS_KEY_FIELD_NUMBER: _ClassVar[int]
    PASSTHROUGH_AUTH_FIELD_NUMBER: _ClassVar[int]
    HEADERS_FIELD_NUMBER: _ClassVar[int]
    name: str
    provider: str
    model: str
    cluster: str
    path_prefix: str
    access_key: _secret_pb2.SecretText
    passthrough_auth: bool
    headers: _containers.RepeatedCompositeFieldContainer[Header]
    def __init__(self, name: _Optional[str] = ..., provider: _Optional[str] = ..., model: _Optional[str] = ..., cluster: _Optional[str] = ..., path_prefix: _Optional[str] = ..., access_key: _Optional[_Union[_secret_pb2.SecretText, _Mapping]] = ..., passthrough_auth: _Optional[bool] = ..., headers: _Optional[_Iterable[_Union[Header, _Mapping]]] = ...) -> None: ...
