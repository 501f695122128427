from outriderpb.v1 import retry_pb2 as _retry_pb2
from outriderpb.v1 import secret_pb2 as _secret_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Operation(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OPERATION_UNSPECIFIED: _ClassVar[Operation]
    OPERATION_CHAT: _ClassVar[Operation]
    OPERATION_COMPLETIONS: _ClassVar[Operation]
    OPERATION_EMBEDDINGS: _ClassVar[Operation]
    OPERATION_RESPONSES: _ClassVar[Operation]
    OPERATION_MESSAGES: _ClassVar[Operation]
    OPERATION_COUNT_TOKENS: _ClassVar[Operation]
    OPERATION_GENERATE_CONTENT: _ClassVar[Operation]
    OPERATION_GEMINI_COUNT_TOKENS: _ClassVar[Operation]
    OPERATION_CONVERSE: _ClassVar[Operation]

class AuthScheme(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    AUTH_SCHEME_UNSPECIFIED: _ClassVar[AuthScheme]
    AUTH_SCHEME_X_API_KEY: _ClassVar[AuthScheme]
    AUTH_SCHEME_API_KEY: _ClassVar[AuthScheme]
    AUTH_SCHEME_X_GOOG_API_KEY: _ClassVar[AuthScheme]
    AUTH_SCHEME_SIGV4: _ClassVar[AuthScheme]
    AUTH_SCHEME_NONE: _ClassVar[AuthScheme]

class Prefill(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PREFILL_BY_NAME: _ClassVar[Prefill]
    PREFILL_NONE: _ClassVar[Prefill]
    PREFILL_PLAIN: _ClassVar[Prefill]
    PREFILL_PREFIX: _ClassVar[Prefill]
    PREFILL_REPEATED: _ClassVar[Prefill]
    PREFILL_TEMPLATE: _ClassVar[Prefill]

class OnUntranslatable(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ON_UNTRANSLATABLE_REFUSE: _ClassVar[OnUntranslatable]
    ON_UNTRANSLATABLE_DROP: _ClassVar[OnUntranslatable]
OPERATION_UNSPECIFIED: Operation
OPERATION_CHAT: Operation
OPERATION_COMPLETIONS: Operation
OPERATION_EMBEDDINGS: Operation
OPERATION_RESPONSES: Operation
OPERATION_MESSAGES: Operation
OPERATION_COUNT_TOKENS: Operation
OPERATION_GENERATE_CONTENT: Operation
OPERATION_GEMINI_COUNT_TOKENS: Operation
OPERATION_CONVERSE: Operation
AUTH_SCHEME_UNSPECIFIED: AuthScheme
AUTH_SCHEME_X_API_KEY: AuthScheme
AUTH_SCHEME_API_KEY: AuthScheme
AUTH_SCHEME_X_GOOG_API_KEY: AuthScheme
AUTH_SCHEME_SIGV4: AuthScheme
AUTH_SCHEME_NONE: AuthScheme
PREFILL_BY_NAME: Prefill
PREFILL_NONE: Prefill
PREFILL_PLAIN: Prefill
PREFILL_PREFIX: Prefill
PREFILL_REPEATED: Prefill
PREFILL_TEMPLATE: Prefill
ON_UNTRANSLATABLE_REFUSE: OnUntranslatable
ON_UNTRANSLATABLE_DROP: OnUntranslatable

class Header(_message.Message):
    __slots__ = ("name", "value")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    name: str
    value: _secret_pb2.SecretText
    def __init__(self, name: _Optional[str] = ..., value: _Optional[_Union[_secret_pb2.SecretText, _Mapping]] = ...) -> None: ...

class Api(_message.Message):
    __slots__ = ("operation", "path", "stream_path", "auth", "headers")
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    STREAM_PATH_FIELD_NUMBER: _ClassVar[int]
    AUTH_FIELD_NUMBER: _ClassVar[int]
    HEADERS_FIELD_NUMBER: _ClassVar[int]
    operation: Operation
    path: str
    stream_path: str
    auth: AuthScheme
    headers: _containers.RepeatedCompositeFieldContainer[Header]
    def __init__(self, operation: _Optional[_Union[Operation, str]] = ..., path: _Optional[str] = ..., stream_path: _Optional[str] = ..., auth: _Optional[_Union[AuthScheme, str]] = ..., headers: _Optional[_Iterable[_Union[Header, _Mapping]]] = ...) -> None: ...

class Dialect(_message.Message):
    __slots__ = ("max_completion_tokens", "developer_role", "no_stream_usage", "no_json_schema", "reasoning_content", "default_max_tokens", "keeps_responses", "openai_fields", "cache_control", "top_k", "prefill")
    MAX_COMPLETION_TOKENS_FIELD_NUMBER: _ClassVar[int]
    DEVELOPER_ROLE_FIELD_NUMBER: _ClassVar[int]
    NO_STREAM_USAGE_FIELD_NUMBER: _ClassVar[int]
    NO_JSON_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    REASONING_CONTENT_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_MAX_TOKENS_FIELD_NUMBER: _ClassVar[int]
    KEEPS_RESPONSES_FIELD_NUMBER: _ClassVar[int]
    OPENAI_FIELDS_FIELD_NUMBER: _ClassVar[int]
    CACHE_CONTROL_FIELD_NUMBER: _ClassVar[int]
    TOP_K_FIELD_NUMBER: _ClassVar[int]
    PREFILL_FIELD_NUMBER: _ClassVar[int]
    max_completion_tokens: bool
    developer_role: bool
    no_stream_usage: bool
    no_json_schema: bool
    reasoning_content: bool
    default_max_tokens: int
    keeps_responses: bool
    openai_fields: bool
    cache_control: bool
    top_k: bool
    prefill: Prefill
    def __init__(self, max_completion_tokens: _Optional[bool] = ..., developer_role: _Optional[bool] = ..., no_stream_usage: _Optional[bool] = ..., no_json_schema: _Optional[bool] = ..., reasoning_content: _Optional[bool] = ..., default_max_tokens: _Optional[int] = ..., keeps_responses: _Optional[bool] = ..., openai_fields: _Optional[bool] = ..., cache_control: _Optional[bool] = ..., top_k: _Optional[bool] = ..., prefill: _Optional[_Union[Prefill, str]] = ...) -> None: ...

class Aws(_message.Message):
    __slots__ = ("region", "service", "access_key_id", "secret_access_key", "session_token")
    REGION_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    ACCESS_KEY_ID_FIELD_NUMBER: _ClassVar[int]
    SECRET_ACCESS_KEY_FIELD_NUMBER: _ClassVar[int]
    SESSION_TOKEN_FIELD_NUMBER: _ClassVar[int]
    region: str
    service: str
    access_key_id: _secret_pb2.SecretText
    secret_access_key: _secret_pb2.SecretText
    session_token: _secret_pb2.SecretText
    def __init__(self, region: _Optional[str] = ..., service: _Optional[str] = ..., access_key_id: _Optional[_Union[_secret_pb2.SecretText, _Mapping]] = ..., secret_access_key: _Optional[_Union[_secret_pb2.SecretText, _Mapping]] = ..., session_token: _Optional[_Union[_secret_pb2.SecretText, _Mapping]] = ...) -> None: ...

class ModelProvider(_message.Message):
    __slots__ = ("name", "provider", "model", "cluster", "access_keys", "passthrough_auth", "headers", "apis", "dialect", "aws", "on_untranslatable", "retry")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    CLUSTER_FIELD_NUMBER: _ClassVar[int]
    ACCESS_KEYS_FIELD_NUMBER: _ClassVar[int]
    PASSTHROUGH_AUTH_FIELD_NUMBER: _ClassVar[int]
    HEADERS_FIELD_NUMBER: _ClassVar[int]
    APIS_FIELD_NUMBER: _ClassVar[int]
    DIALECT_FIELD_NUMBER: _ClassVar[int]
    AWS_FIELD_NUMBER: _ClassVar[int]
    ON_UNTRANSLATABLE_FIELD_NUMBER: _ClassVar[int]
    RETRY_FIELD_NUMBER: _ClassVar[int]
    name: str
    provider: str
    model: str
    cluster: str
    access_keys: _containers.RepeatedCompositeFieldContainer[_secret_pb2.SecretText]
    passthrough_auth: bool
    headers: _containers.RepeatedCompositeFieldContainer[Header]
    apis: _containers.RepeatedCompositeFieldContainer[Api]
    dialect: Dialect
    aws: Aws
    on_untranslatable: OnUntranslatable
    retry: _retry_pb2.RetryPolicy
    def __init__(self, name: _Optional[str] = ..., provider: _Optional[str] = ..., model: _Optional[str] = ..., cluster: _Optional[str] = ..., access_keys: _Optional[_Iterable[_Union[_secret_pb2.SecretText, _Mapping]]] = ..., passthrough_auth: _Optional[bool] = ..., headers: _Optional[_Iterable[_Union[Header, _Mapping]]] = ..., apis: _Optional[_Iterable[_Union[Api, _Mapping]]] = ..., dialect: _Optional[_Union[Dialect, _Mapping]] = ..., aws: _Optional[_Union[Aws, _Mapping]] = ..., on_untranslatable: _Optional[_Union[OnUntranslatable, str]] = ..., retry: _Optional[_Union[_retry_pb2.RetryPolicy, _Mapping]] = ...) -> None: ...
