from outriderpb.v1 import retry_pb2 as _retry_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AgentProtocol(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    AGENT_PROTOCOL_CHAT: _ClassVar[AgentProtocol]
    AGENT_PROTOCOL_RESPONSES: _ClassVar[AgentProtocol]
    AGENT_PROTOCOL_MESSAGES: _ClassVar[AgentProtocol]
    AGENT_PROTOCOL_A2A: _ClassVar[AgentProtocol]
    AGENT_PROTOCOL_MCP: _ClassVar[AgentProtocol]
AGENT_PROTOCOL_CHAT: AgentProtocol
AGENT_PROTOCOL_RESPONSES: AgentProtocol
AGENT_PROTOCOL_MESSAGES: AgentProtocol
AGENT_PROTOCOL_A2A: AgentProtocol
AGENT_PROTOCOL_MCP: AgentProtocol

class AgentVersion(_message.Message):
    __slots__ = ("name", "cluster", "path_prefix", "weight")
    NAME_FIELD_NUMBER: _ClassVar[int]
    CLUSTER_FIELD_NUMBER: _ClassVar[int]
    PATH_PREFIX_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    name: str
    cluster: str
    path_prefix: str
    weight: int
    def __init__(self, name: _Optional[str] = ..., cluster: _Optional[str] = ..., path_prefix: _Optional[str] = ..., weight: _Optional[int] = ...) -> None: ...

class Shadow(_message.Message):
    __slots__ = ("version", "percent", "max_concurrent", "timeout_ms", "answers_file")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    PERCENT_FIELD_NUMBER: _ClassVar[int]
    MAX_CONCURRENT_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    ANSWERS_FILE_FIELD_NUMBER: _ClassVar[int]
    version: str
    percent: float
    max_concurrent: int
    timeout_ms: int
    answers_file: str
    def __init__(self, version: _Optional[str] = ..., percent: _Optional[float] = ..., max_concurrent: _Optional[int] = ..., timeout_ms: _Optional[int] = ..., answers_file: _Optional[str] = ...) -> None: ...

class CardKeys(_message.Message):
    __slots__ = ("jwks_uri", "jwks_file", "jwks", "refresh_ms")
    JWKS_URI_FIELD_NUMBER: _ClassVar[int]
    JWKS_FILE_FIELD_NUMBER: _ClassVar[int]
    JWKS_FIELD_NUMBER: _ClassVar[int]
    REFRESH_MS_FIELD_NUMBER: _ClassVar[int]
    jwks_uri: str
    jwks_file: str
    jwks: str
    refresh_ms: int
    def __init__(self, jwks_uri: _Optional[str] = ..., jwks_file: _Optional[str] = ..., jwks: _Optional[str] = ..., refresh_ms: _Optional[int] = ...) -> None: ...

class Agent(_message.Message):
    __slots__ = ("id", "cluster", "path_prefix", "retry", "protocol", "drop_untranslatable", "tool", "tool_arguments", "versions", "shadow", "card_keys")
    ID_FIELD_NUMBER: _ClassVar[int]
    CLUSTER_FIELD_NUMBER: _ClassVar[int]
    PATH_PREFIX_FIELD_NUMBER: _ClassVar[int]
    RETRY_FIELD_NUMBER: _ClassVar[int]
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    DROP_UNTRANSLATABLE_FIELD_NUMBER: _ClassVar[int]
    TOOL_FIELD_NUMBER: _ClassVar[int]
    TOOL_ARGUMENTS_FIELD_NUMBER: _ClassVar[int]
    VERSIONS_FIELD_NUMBER: _ClassVar[int]
    SHADOW_FIELD_NUMBER: _ClassVar[int]
    CARD_KEYS_FIELD_NUMBER: _ClassVar[int]
    id: str
    cluster: str
    path_prefix: str
    retry: _retry_pb2.RetryPolicy
    protocol: AgentProtocol
    drop_untranslatable: bool
    tool: str
    tool_arguments: str
    versions: _containers.RepeatedCompositeFieldContainer[AgentVersion]
    shadow: Shadow
    card_keys: CardKeys
    def __init__(self, id: _Optional[str] = ..., cluster: _Optional[str] = ..., path_prefix: _Optional[str] = ..., retry: _Optional[_Union[_retry_pb2.RetryPolicy, _Mapping]] = ..., protocol: _Optional[_Union[AgentProtocol, str]] = ..., drop_untranslatable: _Optional[bool] = ..., tool: _Optional[str] = ..., tool_arguments: _Optional[str] = ..., versions: _Optional[_Iterable[_Union[AgentVersion, _Mapping]]] = ..., shadow: _Optional[_Union[Shadow, _Mapping]] = ..., card_keys: _Optional[_Union[CardKeys, _Mapping]] = ...) -> None: ...
