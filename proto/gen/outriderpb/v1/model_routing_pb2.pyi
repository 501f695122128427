from outriderpb.v1 import orchestrator_pb2 as _orchestrator_pb2
from outriderpb.v1 import secret_pb2 as _secret_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SessionRules(_message.Message):
    __slots__ = ("ttl_ms", "max_entries", "redis", "tenant_header", "postgres")
    TTL_MS_FIELD_NUMBER: _ClassVar[int]
    MAX_ENTRIES_FIELD_NUMBER: _ClassVar[int]
    REDIS_FIELD_NUMBER: _ClassVar[int]
    TENANT_HEADER_FIELD_NUMBER: _ClassVar[int]
    POSTGRES_FIELD_NUMBER: _ClassVar[int]
    ttl_ms: int
    max_entries: int
    redis: _secret_pb2.SecretText
    tenant_header: str
    postgres: _secret_pb2.SecretText
    def __init__(self, ttl_ms: _Optional[int] = ..., max_entries: _Optional[int] = ..., redis: _Optional[_Union[_secret_pb2.SecretText, _Mapping]] = ..., tenant_header: _Optional[str] = ..., postgres: _Optional[_Union[_secret_pb2.SecretText, _Mapping]] = ...) -> None: ...

class RoutingBudget(_message.Message):
    __slots__ = ("max_switch_spend_pct", "replenish_on_rebind", "cache_read_discount", "record_counterfactual")
    MAX_SWITCH_SPEND_PCT_FIELD_NUMBER: _ClassVar[int]
    REPLENISH_ON_REBIND_FIELD_NUMBER: _ClassVar[int]
    CACHE_READ_DISCOUNT_FIELD_NUMBER: _ClassVar[int]
    RECORD_COUNTERFACTUAL_FIELD_NUMBER: _ClassVar[int]
    max_switch_spend_pct: float
    replenish_on_rebind: bool
    cache_read_discount: float
    record_counterfactual: bool
    def __init__(self, max_switch_spend_pct: _Optional[float] = ..., replenish_on_rebind: _Optional[bool] = ..., cache_read_discount: _Optional[float] = ..., record_counterfactual: _Optional[bool] = ...) -> None: ...

class PromptCaching(_message.Message):
    __slots__ = ("session_affinity", "inject_cache_control", "min_prefix_tokens")
    SESSION_AFFINITY_FIELD_NUMBER: _ClassVar[int]
    INJECT_CACHE_CONTROL_FIELD_NUMBER: _ClassVar[int]
    MIN_PREFIX_TOKENS_FIELD_NUMBER: _ClassVar[int]
    session_affinity: bool
    inject_cache_control: bool
    min_prefix_tokens: int
    def __init__(self, session_affinity: _Optional[bool] = ..., inject_cache_control: _Optional[bool] = ..., min_prefix_tokens: _Optional[int] = ...) -> None: ...

class ModelRouting(_message.Message):
    __slots__ = ("min_confidence", "routing_model", "context_tokens", "sessions", "budget", "route_on_user_only", "caching", "own_latency", "routing_form", "routing_timeout_ms")
    MIN_CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    ROUTING_MODEL_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    SESSIONS_FIELD_NUMBER: _ClassVar[int]
    BUDGET_FIELD_NUMBER: _ClassVar[int]
    ROUTE_ON_USER_ONLY_FIELD_NUMBER: _ClassVar[int]
    CACHING_FIELD_NUMBER: _ClassVar[int]
    OWN_LATENCY_FIELD_NUMBER: _ClassVar[int]
    ROUTING_FORM_FIELD_NUMBER: _ClassVar[int]
    ROUTING_TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    min_confidence: float
    routing_model: str
    context_tokens: int
    sessions: SessionRules
    budget: RoutingBudget
    route_on_user_only: bool
    caching: PromptCaching
    own_latency: bool
    routing_form: _orchestrator_pb2.PromptForm
    routing_timeout_ms: int
    def __init__(self, min_confidence: _Optional[float] = ..., routing_model: _Optional[str] = ..., context_tokens: _Optional[int] = ..., sessions: _Optional[_Union[SessionRules, _Mapping]] = ..., budget: _Optional[_Union[RoutingBudget, _Mapping]] = ..., route_on_user_only: _Optional[bool] = ..., caching: _Optional[_Union[PromptCaching, _Mapping]] = ..., own_latency: _Optional[bool] = ..., routing_form: _Optional[_Union[_orchestrator_pb2.PromptForm, str]] = ..., routing_timeout_ms: _Optional[int] = ...) -> None: ...
