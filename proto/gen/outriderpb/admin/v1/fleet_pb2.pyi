from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TypeStatus(_message.Message):
    __slots__ = ("type_url", "acked_version", "nacked_version", "nack_reason", "nacked_at", "pending")
    TYPE_URL_FIELD_NUMBER: _ClassVar[int]
    ACKED_VERSION_FIELD_NUMBER: _ClassVar[int]
    NACKED_VERSION_FIELD_NUMBER: _ClassVar[int]
    NACK_REASON_FIELD_NUMBER: _ClassVar[int]
    NACKED_AT_FIELD_NUMBER: _ClassVar[int]
    PENDING_FIELD_NUMBER: _ClassVar[int]
    type_url: str
    acked_version: str
    nacked_version: str
    nack_reason: str
    nacked_at: str
    pending: bool
    def __init__(self, type_url: _Optional[str] = ..., acked_version: _Optional[str] = ..., nacked_version: _Optional[str] = ..., nack_reason: _Optional[str] = ..., nacked_at: _Optional[str] = ..., pending: _Optional[bool] = ...) -> None: ...

class Node(_message.Message):
    __slots__ = ("id", "group", "user_agent", "connected_at", "snapshot_version", "converged", "types", "peer")
    ID_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    USER_AGENT_FIELD_NUMBER: _ClassVar[int]
    CONNECTED_AT_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_VERSION_FIELD_NUMBER: _ClassVar[int]
    CONVERGED_FIELD_NUMBER: _ClassVar[int]
    TYPES_FIELD_NUMBER: _ClassVar[int]
    PEER_FIELD_NUMBER: _ClassVar[int]
    id: str
    group: str
    user_agent: str
    connected_at: str
    snapshot_version: str
    converged: bool
    types: _containers.RepeatedCompositeFieldContainer[TypeStatus]
    peer: str
    def __init__(self, id: _Optional[str] = ..., group: _Optional[str] = ..., user_agent: _Optional[str] = ..., connected_at: _Optional[str] = ..., snapshot_version: _Optional[str] = ..., converged: _Optional[bool] = ..., types: _Optional[_Iterable[_Union[TypeStatus, _Mapping]]] = ..., peer: _Optional[str] = ...) -> None: ...

class ListNodesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListNodesResponse(_message.Message):
    __slots__ = ("nodes", "snapshot_version", "revision")
    NODES_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_VERSION_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    nodes: _containers.RepeatedCompositeFieldContainer[Node]
    snapshot_version: str
    revision: int
    def __init__(self, nodes: _Optional[_Iterable[_Union[Node, _Mapping]]] = ..., snapshot_version: _Optional[str] = ..., revision: _Optional[int] = ...) -> None: ...

class WatchNodesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
