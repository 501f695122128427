from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class StreamRecovery(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STREAM_RECOVERY_UNSPECIFIED: _ClassVar[StreamRecovery]
    STREAM_RECOVERY_CONTINUE: _ClassVar[StreamRecovery]
    STREAM_RECOVERY_RESUME: _ClassVar[StreamRecovery]
    STREAM_RECOVERY_ERROR: _ClassVar[StreamRecovery]
STREAM_RECOVERY_UNSPECIFIED: StreamRecovery
STREAM_RECOVERY_CONTINUE: StreamRecovery
STREAM_RECOVERY_RESUME: StreamRecovery
STREAM_RECOVERY_ERROR: StreamRecovery

class MinThroughput(_message.Message):
    __slots__ = ("bytes_per_second", "tokens_per_second", "window_ms")
    BYTES_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    TOKENS_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    WINDOW_MS_FIELD_NUMBER: _ClassVar[int]
    bytes_per_second: float
    tokens_per_second: float
    window_ms: int
    def __init__(self, bytes_per_second: _Optional[float] = ..., tokens_per_second: _Optional[float] = ..., window_ms: _Optional[int] = ...) -> None: ...

class BackOff(_message.Message):
    __slots__ = ("base_interval_ms", "max_interval_ms")
    BASE_INTERVAL_MS_FIELD_NUMBER: _ClassVar[int]
    MAX_INTERVAL_MS_FIELD_NUMBER: _ClassVar[int]
    base_interval_ms: int
    max_interval_ms: int
    def __init__(self, base_interval_ms: _Optional[int] = ..., max_interval_ms: _Optional[int] = ...) -> None: ...

class RetryBudget(_message.Message):
    __slots__ = ("budget_percent", "min_retry_concurrency")
    BUDGET_PERCENT_FIELD_NUMBER: _ClassVar[int]
    MIN_RETRY_CONCURRENCY_FIELD_NUMBER: _ClassVar[int]
    budget_percent: float
    min_retry_concurrency: int
    def __init__(self, budget_percent: _Optional[float] = ..., min_retry_concurrency: _Optional[int] = ...) -> None: ...

class Hedge(_message.Message):
    __slots__ = ("after_ms", "max_tokens", "tools")
    AFTER_MS_FIELD_NUMBER: _ClassVar[int]
    MAX_TOKENS_FIELD_NUMBER: _ClassVar[int]
    TOOLS_FIELD_NUMBER: _ClassVar[int]
    after_ms: int
    max_tokens: int
    tools: bool
    def __init__(self, after_ms: _Optional[int] = ..., max_tokens: _Optional[int] = ..., tools: _Optional[bool] = ...) -> None: ...

class RetryPolicy(_message.Message):
    __slots__ = ("num_retries", "per_try_timeout_ms", "idle_timeout_ms", "first_token_timeout_ms", "min_throughput", "back_off", "max_retry_after_ms", "retry_budget", "hedge", "stream_recovery")
    NUM_RETRIES_FIELD_NUMBER: _ClassVar[int]
    PER_TRY_TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    IDLE_TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    FIRST_TOKEN_TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    MIN_THROUGHPUT_FIELD_NUMBER: _ClassVar[int]
    BACK_OFF_FIELD_NUMBER: _ClassVar[int]
    MAX_RETRY_AFTER_MS_FIELD_NUMBER: _ClassVar[int]
    RETRY_BUDGET_FIELD_NUMBER: _ClassVar[int]
    HEDGE_FIELD_NUMBER: _ClassVar[int]
    STREAM_RECOVERY_FIELD_NUMBER: _ClassVar[int]
    num_retries: int
    per_try_timeout_ms: int
    idle_timeout_ms: int
    first_token_timeout_ms: int
    min_throughput: MinThroughput
    back_off: BackOff
    max_retry_after_ms: int
    retry_budget: RetryBudget
    hedge: Hedge
    stream_recovery: StreamRecovery
    def __init__(self, num_retries: _Optional[int] = ..., per_try_timeout_ms: _Optional[int] = ..., idle_timeout_ms: _Optional[int] = ..., first_token_timeout_ms: _Optional[int] = ..., min_throughput: _Optional[_Union[MinThroughput, _Mapping]] = ..., back_off: _Optional[_Union[BackOff, _Mapping]] = ..., max_retry_after_ms: _Optional[int] = ..., retry_budget: _Optional[_Union[RetryBudget, _Mapping]] = ..., hedge: _Optional[_Union[Hedge, _Mapping]] = ..., stream_recovery: _Optional[_Union[StreamRecovery, str]] = ...) -> None: ...
