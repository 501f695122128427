from outriderpb.v1 import secret_pb2 as _secret_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class StorageKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STORAGE_KIND_UNSPECIFIED: _ClassVar[StorageKind]
    STORAGE_KIND_REDIS: _ClassVar[StorageKind]
    STORAGE_KIND_POSTGRES: _ClassVar[StorageKind]
    STORAGE_KIND_NONE: _ClassVar[StorageKind]
STORAGE_KIND_UNSPECIFIED: StorageKind
STORAGE_KIND_REDIS: StorageKind
STORAGE_KIND_POSTGRES: StorageKind
STORAGE_KIND_NONE: StorageKind

class StateStorage(_message.Message):
    __slots__ = ("kind", "url", "ttl_seconds", "max_entries", "max_entry_bytes", "tenant_header")
    KIND_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    TTL_SECONDS_FIELD_NUMBER: _ClassVar[int]
    MAX_ENTRIES_FIELD_NUMBER: _ClassVar[int]
    MAX_ENTRY_BYTES_FIELD_NUMBER: _ClassVar[int]
    TENANT_HEADER_FIELD_NUMBER: _ClassVar[int]
    kind: StorageKind
    url: _secret_pb2.SecretText
    ttl_seconds: int
    max_entries: int
    max_entry_bytes: int
    tenant_header: str
    def __init__(self, kind: _Optional[_Union[StorageKind, str]] = ..., url: _Optional[_Union[_secret_pb2.SecretText, _Mapping]] = ..., ttl_seconds: _Optional[int] = ..., max_entries: _Optional[int] = ..., max_entry_bytes: _Optional[int] = ..., tenant_header: _Optional[str] = ...) -> None: ...
