from outriderpb.v1 import model_pb2 as _model_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class BalancingPolicy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BALANCING_POLICY_UNSPECIFIED: _ClassVar[BalancingPolicy]
    BALANCING_POLICY_ROUND_ROBIN: _ClassVar[BalancingPolicy]
    BALANCING_POLICY_LEAST_REQUEST: _ClassVar[BalancingPolicy]
    BALANCING_POLICY_PEAK_EWMA: _ClassVar[BalancingPolicy]
    BALANCING_POLICY_RING_HASH: _ClassVar[BalancingPolicy]
    BALANCING_POLICY_PREFIX_AFFINITY: _ClassVar[BalancingPolicy]

class HashOn(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    HASH_ON_UNSPECIFIED: _ClassVar[HashOn]
    HASH_ON_HEADER: _ClassVar[HashOn]
    HASH_ON_SESSION: _ClassVar[HashOn]
    HASH_ON_MODEL: _ClassVar[HashOn]
BALANCING_POLICY_UNSPECIFIED: BalancingPolicy
BALANCING_POLICY_ROUND_ROBIN: BalancingPolicy
BALANCING_POLICY_LEAST_REQUEST: BalancingPolicy
BALANCING_POLICY_PEAK_EWMA: BalancingPolicy
BALANCING_POLICY_RING_HASH: BalancingPolicy
BALANCING_POLICY_PREFIX_AFFINITY: BalancingPolicy
HASH_ON_UNSPECIFIED: HashOn
HASH_ON_HEADER: HashOn
HASH_ON_SESSION: HashOn
HASH_ON_MODEL: HashOn

class SlowStart(_message.Message):
    __slots__ = ("window_ms", "min_percent")
    WINDOW_MS_FIELD_NUMBER: _ClassVar[int]
    MIN_PERCENT_FIELD_NUMBER: _ClassVar[int]
    window_ms: int
    min_percent: float
    def __init__(self, window_ms: _Optional[int] = ..., min_percent: _Optional[float] = ...) -> None: ...

class LoadBalancing(_message.Message):
    __slots__ = ("policy", "slow_start", "panic_threshold_percent", "hash_on", "hash_header", "max_load_percent", "ewma_decay_ms")
    POLICY_FIELD_NUMBER: _ClassVar[int]
    SLOW_START_FIELD_NUMBER: _ClassVar[int]
    PANIC_THRESHOLD_PERCENT_FIELD_NUMBER: _ClassVar[int]
    HASH_ON_FIELD_NUMBER: _ClassVar[int]
    HASH_HEADER_FIELD_NUMBER: _ClassVar[int]
    MAX_LOAD_PERCENT_FIELD_NUMBER: _ClassVar[int]
    EWMA_DECAY_MS_FIELD_NUMBER: _ClassVar[int]
    policy: BalancingPolicy
    slow_start: SlowStart
    panic_threshold_percent: float
    hash_on: HashOn
    hash_header: str
    max_load_percent: float
    ewma_decay_ms: int
    def __init__(self, policy: _Optional[_Union[BalancingPolicy, str]] = ..., slow_start: _Optional[_Union[SlowStart, _Mapping]] = ..., panic_threshold_percent: _Optional[float] = ..., hash_on: _Optional[_Union[HashOn, str]] = ..., hash_header: _Optional[str] = ..., max_load_percent: _Optional[float] = ..., ewma_decay_ms: _Optional[int] = ...) -> None: ...

class StatusRange(_message.Message):
    __slots__ = ("first", "last")
    FIRST_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    first: int
    last: int
    def __init__(self, first: _Optional[int] = ..., last: _Optional[int] = ...) -> None: ...

class HealthCheck(_message.Message):
    __slots__ = ("enabled", "path", "interval_ms", "timeout_ms", "healthy_threshold", "unhealthy_threshold", "expected_statuses", "host", "jitter_percent")
    ENABLED_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_MS_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    HEALTHY_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    UNHEALTHY_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_STATUSES_FIELD_NUMBER: _ClassVar[int]
    HOST_FIELD_NUMBER: _ClassVar[int]
    JITTER_PERCENT_FIELD_NUMBER: _ClassVar[int]
    enabled: bool
    path: str
    interval_ms: int
    timeout_ms: int
    healthy_threshold: int
    unhealthy_threshold: int
    expected_statuses: _containers.RepeatedCompositeFieldContainer[StatusRange]
    host: str
    jitter_percent: float
    def __init__(self, enabled: _Optional[bool] = ..., path: _Optional[str] = ..., interval_ms: _Optional[int] = ..., timeout_ms: _Optional[int] = ..., healthy_threshold: _Optional[int] = ..., unhealthy_threshold: _Optional[int] = ..., expected_statuses: _Optional[_Iterable[_Union[StatusRange, _Mapping]]] = ..., host: _Optional[str] = ..., jitter_percent: _Optional[float] = ...) -> None: ...

class OutlierDetection(_message.Message):
    __slots__ = ("enabled", "consecutive_5xx", "consecutive_local_origin_failure", "interval_ms", "base_ejection_time_ms", "max_ejection_time_ms", "max_ejection_percent", "success_rate_minimum_hosts", "success_rate_request_volume", "success_rate_stdev_factor", "failure_percentage_threshold", "failure_percentage_minimum_hosts", "failure_percentage_request_volume")
    ENABLED_FIELD_NUMBER: _ClassVar[int]
    CONSECUTIVE_5XX_FIELD_NUMBER: _ClassVar[int]
    CONSECUTIVE_LOCAL_ORIGIN_FAILURE_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_MS_FIELD_NUMBER: _ClassVar[int]
    BASE_EJECTION_TIME_MS_FIELD_NUMBER: _ClassVar[int]
    MAX_EJECTION_TIME_MS_FIELD_NUMBER: _ClassVar[int]
    MAX_EJECTION_PERCENT_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_RATE_MINIMUM_HOSTS_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_RATE_REQUEST_VOLUME_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_RATE_STDEV_FACTOR_FIELD_NUMBER: _ClassVar[int]
    FAILURE_PERCENTAGE_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    FAILURE_PERCENTAGE_MINIMUM_HOSTS_FIELD_NUMBER: _ClassVar[int]
    FAILURE_PERCENTAGE_REQUEST_VOLUME_FIELD_NUMBER: _ClassVar[int]
    enabled: bool
    consecutive_5xx: int
    consecutive_local_origin_failure: int
    interval_ms: int
    base_ejection_time_ms: int
    max_ejection_time_ms: int
    max_ejection_percent: float
    success_rate_minimum_hosts: int
    success_rate_request_volume: int
    success_rate_stdev_factor: float
    failure_percentage_threshold: float
    failure_percentage_minimum_hosts: int
    failure_percentage_request_volume: int
    def __init__(self, enabled: _Optional[bool] = ..., consecutive_5xx: _Optional[int] = ..., consecutive_local_origin_failure: _Optional[int] = ..., interval_ms: _Optional[int] = ..., base_ejection_time_ms: _Optional[int] = ..., max_ejection_time_ms: _Optional[int] = ..., max_ejection_percent: _Optional[float] = ..., success_rate_minimum_hosts: _Optional[int] = ..., success_rate_request_volume: _Optional[int] = ..., success_rate_stdev_factor: _Optional[float] = ..., failure_percentage_threshold: _Optional[float] = ..., failure_percentage_minimum_hosts: _Optional[int] = ..., failure_percentage_request_volume: _Optional[int] = ...) -> None: ...

class Thresholds(_message.Message):
    __slots__ = ("max_connections", "max_pending_requests", "max_requests", "max_retries")
    MAX_CONNECTIONS_FIELD_NUMBER: _ClassVar[int]
    MAX_PENDING_REQUESTS_FIELD_NUMBER: _ClassVar[int]
    MAX_REQUESTS_FIELD_NUMBER: _ClassVar[int]
    MAX_RETRIES_FIELD_NUMBER: _ClassVar[int]
    max_connections: int
    max_pending_requests: int
    max_requests: int
    max_retries: int
    def __init__(self, max_connections: _Optional[int] = ..., max_pending_requests: _Optional[int] = ..., max_requests: _Optional[int] = ..., max_retries: _Optional[int] = ...) -> None: ...

class CircuitBreakers(_message.Message):
    __slots__ = ("default", "high")
    DEFAULT_FIELD_NUMBER: _ClassVar[int]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    default: Thresholds
    high: Thresholds
    def __init__(self, default: _Optional[_Union[Thresholds, _Mapping]] = ..., high: _Optional[_Union[Thresholds, _Mapping]] = ...) -> None: ...

class Cluster(_message.Message):
    __slots__ = ("name", "tls", "sni", "authority", "connect_timeout_ms", "dns_refresh_ms", "load_balancing", "health_check", "outlier_detection", "circuit_breakers", "headers")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TLS_FIELD_NUMBER: _ClassVar[int]
    SNI_FIELD_NUMBER: _ClassVar[int]
    AUTHORITY_FIELD_NUMBER: _ClassVar[int]
    CONNECT_TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    DNS_REFRESH_MS_FIELD_NUMBER: _ClassVar[int]
    LOAD_BALANCING_FIELD_NUMBER: _ClassVar[int]
    HEALTH_CHECK_FIELD_NUMBER: _ClassVar[int]
    OUTLIER_DETECTION_FIELD_NUMBER: _ClassVar[int]
    CIRCUIT_BREAKERS_FIELD_NUMBER: _ClassVar[int]
    HEADERS_FIELD_NUMBER: _ClassVar[int]
    name: str
    tls: bool
    sni: str
    authority: str
    connect_timeout_ms: int
    dns_refresh_ms: int
    load_balancing: LoadBalancing
    health_check: HealthCheck
    outlier_detection: OutlierDetection
    circuit_breakers: CircuitBreakers
    headers: _containers.RepeatedCompositeFieldContainer[_model_pb2.Header]
    def __init__(self, name: _Optional[str] = ..., tls: _Optional[bool] = ..., sni: _Optional[str] = ..., authority: _Optional[str] = ..., connect_timeout_ms: _Optional[int] = ..., dns_refresh_ms: _Optional[int] = ..., load_balancing: _Optional[_Union[LoadBalancing, _Mapping]] = ..., health_check: _Optional[_Union[HealthCheck, _Mapping]] = ..., outlier_detection: _Optional[_Union[OutlierDetection, _Mapping]] = ..., circuit_breakers: _Optional[_Union[CircuitBreakers, _Mapping]] = ..., headers: _Optional[_Iterable[_Union[_model_pb2.Header, _Mapping]]] = ...) -> None: ...
