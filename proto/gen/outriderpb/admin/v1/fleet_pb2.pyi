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

class ListClustersRequest(_message.Message):
    __slots__ = ("cluster", "by_worker")
    CLUSTER_FIELD_NUMBER: _ClassVar[int]
    BY_WORKER_FIELD_NUMBER: _ClassVar[int]
    cluster: str
    by_worker: bool
    def __init__(self, cluster: _Optional[str] = ..., by_worker: _Optional[bool] = ...) -> None: ...

class EndpointStatus(_message.Message):
    __slots__ = ("address", "hostname", "weight", "priority", "zone", "workers", "healthy", "unhealthy", "ejected", "picking", "ejected_for_ms", "active", "answers", "failures", "first_token_s", "token_s")
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    HOSTNAME_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    ZONE_FIELD_NUMBER: _ClassVar[int]
    WORKERS_FIELD_NUMBER: _ClassVar[int]
    HEALTHY_FIELD_NUMBER: _ClassVar[int]
    UNHEALTHY_FIELD_NUMBER: _ClassVar[int]
    EJECTED_FIELD_NUMBER: _ClassVar[int]
    PICKING_FIELD_NUMBER: _ClassVar[int]
    EJECTED_FOR_MS_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_FIELD_NUMBER: _ClassVar[int]
    ANSWERS_FIELD_NUMBER: _ClassVar[int]
    FAILURES_FIELD_NUMBER: _ClassVar[int]
    FIRST_TOKEN_S_FIELD_NUMBER: _ClassVar[int]
    TOKEN_S_FIELD_NUMBER: _ClassVar[int]
    address: str
    hostname: str
    weight: int
    priority: int
    zone: str
    workers: int
    healthy: int
    unhealthy: int
    ejected: int
    picking: int
    ejected_for_ms: int
    active: int
    answers: int
    failures: int
    first_token_s: float
    token_s: float
    def __init__(self, address: _Optional[str] = ..., hostname: _Optional[str] = ..., weight: _Optional[int] = ..., priority: _Optional[int] = ..., zone: _Optional[str] = ..., workers: _Optional[int] = ..., healthy: _Optional[int] = ..., unhealthy: _Optional[int] = ..., ejected: _Optional[int] = ..., picking: _Optional[int] = ..., ejected_for_ms: _Optional[int] = ..., active: _Optional[int] = ..., answers: _Optional[int] = ..., failures: _Optional[int] = ..., first_token_s: _Optional[float] = ..., token_s: _Optional[float] = ...) -> None: ...

class ClusterStatus(_message.Message):
    __slots__ = ("name", "policy", "worker", "workers", "panicking", "connections", "endpoints", "ejections", "overflows", "breakers_open")
    class EjectionsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    class OverflowsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    POLICY_FIELD_NUMBER: _ClassVar[int]
    WORKER_FIELD_NUMBER: _ClassVar[int]
    WORKERS_FIELD_NUMBER: _ClassVar[int]
    PANICKING_FIELD_NUMBER: _ClassVar[int]
    CONNECTIONS_FIELD_NUMBER: _ClassVar[int]
    ENDPOINTS_FIELD_NUMBER: _ClassVar[int]
    EJECTIONS_FIELD_NUMBER: _ClassVar[int]
    OVERFLOWS_FIELD_NUMBER: _ClassVar[int]
    BREAKERS_OPEN_FIELD_NUMBER: _ClassVar[int]
    name: str
    policy: str
    worker: str
    workers: int
    panicking: int
    connections: int
    endpoints: _containers.RepeatedCompositeFieldContainer[EndpointStatus]
    ejections: _containers.ScalarMap[str, int]
    overflows: _containers.ScalarMap[str, int]
    breakers_open: int
    def __init__(self, name: _Optional[str] = ..., policy: _Optional[str] = ..., worker: _Optional[str] = ..., workers: _Optional[int] = ..., panicking: _Optional[int] = ..., connections: _Optional[int] = ..., endpoints: _Optional[_Iterable[_Union[EndpointStatus, _Mapping]]] = ..., ejections: _Optional[_Mapping[str, int]] = ..., overflows: _Optional[_Mapping[str, int]] = ..., breakers_open: _Optional[int] = ...) -> None: ...

class ListClustersResponse(_message.Message):
    __slots__ = ("clusters", "workers", "silent")
    CLUSTERS_FIELD_NUMBER: _ClassVar[int]
    WORKERS_FIELD_NUMBER: _ClassVar[int]
    SILENT_FIELD_NUMBER: _ClassVar[int]
    clusters: _containers.RepeatedCompositeFieldContainer[ClusterStatus]
    workers: int
    silent: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, clusters: _Optional[_Iterable[_Union[ClusterStatus, _Mapping]]] = ..., workers: _Optional[int] = ..., silent: _Optional[_Iterable[str]] = ...) -> None: ...
