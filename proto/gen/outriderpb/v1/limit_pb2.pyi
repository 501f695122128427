from outriderpb.v1 import secret_pb2 as _secret_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Measure(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MEASURE_UNSPECIFIED: _ClassVar[Measure]
    MEASURE_REQUESTS: _ClassVar[Measure]
    MEASURE_TOKENS: _ClassVar[Measure]
    MEASURE_INPUT_TOKENS: _ClassVar[Measure]
    MEASURE_OUTPUT_TOKENS: _ClassVar[Measure]
    MEASURE_COST: _ClassVar[Measure]
    MEASURE_CONCURRENT: _ClassVar[Measure]

class LimitPart(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LIMIT_PART_UNSPECIFIED: _ClassVar[LimitPart]
    LIMIT_PART_KEY: _ClassVar[LimitPart]
    LIMIT_PART_TENANT: _ClassVar[LimitPart]
    LIMIT_PART_MODEL: _ClassVar[LimitPart]
    LIMIT_PART_LISTENER: _ClassVar[LimitPart]
    LIMIT_PART_ROUTE: _ClassVar[LimitPart]
    LIMIT_PART_HEADER: _ClassVar[LimitPart]

class LimitMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LIMIT_MODE_UNSPECIFIED: _ClassVar[LimitMode]
    LIMIT_MODE_ENFORCE: _ClassVar[LimitMode]
    LIMIT_MODE_SHADOW: _ClassVar[LimitMode]

class UnknownPrice(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    UNKNOWN_PRICE_UNSPECIFIED: _ClassVar[UnknownPrice]
    UNKNOWN_PRICE_REFUSE: _ClassVar[UnknownPrice]
    UNKNOWN_PRICE_FREE: _ClassVar[UnknownPrice]

class StoreFailure(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STORE_FAILURE_UNSPECIFIED: _ClassVar[StoreFailure]
    STORE_FAILURE_SHARE: _ClassVar[StoreFailure]
    STORE_FAILURE_OPEN: _ClassVar[StoreFailure]
    STORE_FAILURE_CLOSED: _ClassVar[StoreFailure]
MEASURE_UNSPECIFIED: Measure
MEASURE_REQUESTS: Measure
MEASURE_TOKENS: Measure
MEASURE_INPUT_TOKENS: Measure
MEASURE_OUTPUT_TOKENS: Measure
MEASURE_COST: Measure
MEASURE_CONCURRENT: Measure
LIMIT_PART_UNSPECIFIED: LimitPart
LIMIT_PART_KEY: LimitPart
LIMIT_PART_TENANT: LimitPart
LIMIT_PART_MODEL: LimitPart
LIMIT_PART_LISTENER: LimitPart
LIMIT_PART_ROUTE: LimitPart
LIMIT_PART_HEADER: LimitPart
LIMIT_MODE_UNSPECIFIED: LimitMode
LIMIT_MODE_ENFORCE: LimitMode
LIMIT_MODE_SHADOW: LimitMode
UNKNOWN_PRICE_UNSPECIFIED: UnknownPrice
UNKNOWN_PRICE_REFUSE: UnknownPrice
UNKNOWN_PRICE_FREE: UnknownPrice
STORE_FAILURE_UNSPECIFIED: StoreFailure
STORE_FAILURE_SHARE: StoreFailure
STORE_FAILURE_OPEN: StoreFailure
STORE_FAILURE_CLOSED: StoreFailure

class LimitAmount(_message.Message):
    __slots__ = ("measure", "limit", "window_ms", "burst")
    MEASURE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    WINDOW_MS_FIELD_NUMBER: _ClassVar[int]
    BURST_FIELD_NUMBER: _ClassVar[int]
    measure: Measure
    limit: int
    window_ms: int
    burst: int
    def __init__(self, measure: _Optional[_Union[Measure, str]] = ..., limit: _Optional[int] = ..., window_ms: _Optional[int] = ..., burst: _Optional[int] = ...) -> None: ...

class LimitScope(_message.Message):
    __slots__ = ("listeners", "models", "routes", "keys", "tenants", "headers")
    class HeadersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    LISTENERS_FIELD_NUMBER: _ClassVar[int]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    ROUTES_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    TENANTS_FIELD_NUMBER: _ClassVar[int]
    HEADERS_FIELD_NUMBER: _ClassVar[int]
    listeners: _containers.RepeatedScalarFieldContainer[str]
    models: _containers.RepeatedScalarFieldContainer[str]
    routes: _containers.RepeatedScalarFieldContainer[str]
    keys: _containers.RepeatedScalarFieldContainer[str]
    tenants: _containers.RepeatedScalarFieldContainer[str]
    headers: _containers.ScalarMap[str, str]
    def __init__(self, listeners: _Optional[_Iterable[str]] = ..., models: _Optional[_Iterable[str]] = ..., routes: _Optional[_Iterable[str]] = ..., keys: _Optional[_Iterable[str]] = ..., tenants: _Optional[_Iterable[str]] = ..., headers: _Optional[_Mapping[str, str]] = ...) -> None: ...

class LimitPer(_message.Message):
    __slots__ = ("part", "header")
    PART_FIELD_NUMBER: _ClassVar[int]
    HEADER_FIELD_NUMBER: _ClassVar[int]
    part: LimitPart
    header: str
    def __init__(self, part: _Optional[_Union[LimitPart, str]] = ..., header: _Optional[str] = ...) -> None: ...

class Limit(_message.Message):
    __slots__ = ("name", "scope", "per", "amounts", "mode", "tenant_header", "default_output_tokens", "unknown_price", "run_of", "forget_ms")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    PER_FIELD_NUMBER: _ClassVar[int]
    AMOUNTS_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    TENANT_HEADER_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_OUTPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    UNKNOWN_PRICE_FIELD_NUMBER: _ClassVar[int]
    RUN_OF_FIELD_NUMBER: _ClassVar[int]
    FORGET_MS_FIELD_NUMBER: _ClassVar[int]
    name: str
    scope: LimitScope
    per: _containers.RepeatedCompositeFieldContainer[LimitPer]
    amounts: _containers.RepeatedCompositeFieldContainer[LimitAmount]
    mode: LimitMode
    tenant_header: str
    default_output_tokens: int
    unknown_price: UnknownPrice
    run_of: str
    forget_ms: int
    def __init__(self, name: _Optional[str] = ..., scope: _Optional[_Union[LimitScope, _Mapping]] = ..., per: _Optional[_Iterable[_Union[LimitPer, _Mapping]]] = ..., amounts: _Optional[_Iterable[_Union[LimitAmount, _Mapping]]] = ..., mode: _Optional[_Union[LimitMode, str]] = ..., tenant_header: _Optional[str] = ..., default_output_tokens: _Optional[int] = ..., unknown_price: _Optional[_Union[UnknownPrice, str]] = ..., run_of: _Optional[str] = ..., forget_ms: _Optional[int] = ...) -> None: ...

class LimitsStorage(_message.Message):
    __slots__ = ("redis", "on_failure")
    REDIS_FIELD_NUMBER: _ClassVar[int]
    ON_FAILURE_FIELD_NUMBER: _ClassVar[int]
    redis: _secret_pb2.SecretText
    on_failure: StoreFailure
    def __init__(self, redis: _Optional[_Union[_secret_pb2.SecretText, _Mapping]] = ..., on_failure: _Optional[_Union[StoreFailure, str]] = ...) -> None: ...
