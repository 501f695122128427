from outriderpb.fleet.v1 import explanation_pb2 as _explanation_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class EndpointReport(_message.Message):
    __slots__ = ("address", "hostname", "weight", "share", "priority", "zone", "active", "healthy", "ejected_for_ms", "picked", "answers", "failures", "first_token_s", "token_s")
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    HOSTNAME_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    SHARE_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    ZONE_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_FIELD_NUMBER: _ClassVar[int]
    HEALTHY_FIELD_NUMBER: _ClassVar[int]
    EJECTED_FOR_MS_FIELD_NUMBER: _ClassVar[int]
    PICKED_FIELD_NUMBER: _ClassVar[int]
    ANSWERS_FIELD_NUMBER: _ClassVar[int]
    FAILURES_FIELD_NUMBER: _ClassVar[int]
    FIRST_TOKEN_S_FIELD_NUMBER: _ClassVar[int]
    TOKEN_S_FIELD_NUMBER: _ClassVar[int]
    address: str
    hostname: str
    weight: int
    share: float
    priority: int
    zone: str
    active: int
    healthy: bool
    ejected_for_ms: int
    picked: bool
    answers: int
    failures: int
    first_token_s: float
    token_s: float
    def __init__(self, address: _Optional[str] = ..., hostname: _Optional[str] = ..., weight: _Optional[int] = ..., share: _Optional[float] = ..., priority: _Optional[int] = ..., zone: _Optional[str] = ..., active: _Optional[int] = ..., healthy: _Optional[bool] = ..., ejected_for_ms: _Optional[int] = ..., picked: _Optional[bool] = ..., answers: _Optional[int] = ..., failures: _Optional[int] = ..., first_token_s: _Optional[float] = ..., token_s: _Optional[float] = ...) -> None: ...

class ClusterReport(_message.Message):
    __slots__ = ("name", "policy", "panics", "connections", "endpoints", "ejections", "overflows", "breaker_open")
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
    PANICS_FIELD_NUMBER: _ClassVar[int]
    CONNECTIONS_FIELD_NUMBER: _ClassVar[int]
    ENDPOINTS_FIELD_NUMBER: _ClassVar[int]
    EJECTIONS_FIELD_NUMBER: _ClassVar[int]
    OVERFLOWS_FIELD_NUMBER: _ClassVar[int]
    BREAKER_OPEN_FIELD_NUMBER: _ClassVar[int]
    name: str
    policy: str
    panics: bool
    connections: int
    endpoints: _containers.RepeatedCompositeFieldContainer[EndpointReport]
    ejections: _containers.ScalarMap[str, int]
    overflows: _containers.ScalarMap[str, int]
    breaker_open: bool
    def __init__(self, name: _Optional[str] = ..., policy: _Optional[str] = ..., panics: _Optional[bool] = ..., connections: _Optional[int] = ..., endpoints: _Optional[_Iterable[_Union[EndpointReport, _Mapping]]] = ..., ejections: _Optional[_Mapping[str, int]] = ..., overflows: _Optional[_Mapping[str, int]] = ..., breaker_open: _Optional[bool] = ...) -> None: ...

class ExplainRequest(_message.Message):
    __slots__ = ("listener", "body")
    LISTENER_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    listener: str
    body: bytes
    def __init__(self, listener: _Optional[str] = ..., body: _Optional[bytes] = ...) -> None: ...

class ReportRequest(_message.Message):
    __slots__ = ("id", "cluster", "explain")
    ID_FIELD_NUMBER: _ClassVar[int]
    CLUSTER_FIELD_NUMBER: _ClassVar[int]
    EXPLAIN_FIELD_NUMBER: _ClassVar[int]
    id: int
    cluster: str
    explain: ExplainRequest
    def __init__(self, id: _Optional[int] = ..., cluster: _Optional[str] = ..., explain: _Optional[_Union[ExplainRequest, _Mapping]] = ...) -> None: ...

class Report(_message.Message):
    __slots__ = ("node_id", "group", "id", "clusters", "explanation", "problem", "unknown")
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    CLUSTERS_FIELD_NUMBER: _ClassVar[int]
    EXPLANATION_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    UNKNOWN_FIELD_NUMBER: _ClassVar[int]
    node_id: str
    group: str
    id: int
    clusters: _containers.RepeatedCompositeFieldContainer[ClusterReport]
    explanation: _explanation_pb2.Explanation
    problem: str
    unknown: bool
    def __init__(self, node_id: _Optional[str] = ..., group: _Optional[str] = ..., id: _Optional[int] = ..., clusters: _Optional[_Iterable[_Union[ClusterReport, _Mapping]]] = ..., explanation: _Optional[_Union[_explanation_pb2.Explanation, _Mapping]] = ..., problem: _Optional[str] = ..., unknown: _Optional[bool] = ...) -> None: ...
