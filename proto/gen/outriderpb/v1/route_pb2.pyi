from outriderpb.v1 import prompt_pb2 as _prompt_pb2
from outriderpb.v1 import retry_pb2 as _retry_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Priority(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PRIORITY_UNSPECIFIED: _ClassVar[Priority]
    PRIORITY_HIGH: _ClassVar[Priority]
PRIORITY_UNSPECIFIED: Priority
PRIORITY_HIGH: Priority

class ModelTarget(_message.Message):
    __slots__ = ("providers",)
    PROVIDERS_FIELD_NUMBER: _ClassVar[int]
    providers: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, providers: _Optional[_Iterable[str]] = ...) -> None: ...

class AgentTarget(_message.Message):
    __slots__ = ("agent", "description", "is_default", "input_filters", "position", "examples", "output_filters", "unchosen", "on_failure")
    AGENT_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    IS_DEFAULT_FIELD_NUMBER: _ClassVar[int]
    INPUT_FILTERS_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    EXAMPLES_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FILTERS_FIELD_NUMBER: _ClassVar[int]
    UNCHOSEN_FIELD_NUMBER: _ClassVar[int]
    ON_FAILURE_FIELD_NUMBER: _ClassVar[int]
    agent: str
    description: str
    is_default: bool
    input_filters: _containers.RepeatedScalarFieldContainer[str]
    position: int
    examples: _containers.RepeatedScalarFieldContainer[str]
    output_filters: _containers.RepeatedScalarFieldContainer[str]
    unchosen: bool
    on_failure: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, agent: _Optional[str] = ..., description: _Optional[str] = ..., is_default: _Optional[bool] = ..., input_filters: _Optional[_Iterable[str]] = ..., position: _Optional[int] = ..., examples: _Optional[_Iterable[str]] = ..., output_filters: _Optional[_Iterable[str]] = ..., unchosen: _Optional[bool] = ..., on_failure: _Optional[_Iterable[str]] = ...) -> None: ...

class Route(_message.Message):
    __slots__ = ("name", "listener", "models", "is_default", "model_id", "model", "agent", "prompt", "retry", "priority", "input_filters", "output_filters")
    NAME_FIELD_NUMBER: _ClassVar[int]
    LISTENER_FIELD_NUMBER: _ClassVar[int]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    IS_DEFAULT_FIELD_NUMBER: _ClassVar[int]
    MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    AGENT_FIELD_NUMBER: _ClassVar[int]
    PROMPT_FIELD_NUMBER: _ClassVar[int]
    RETRY_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    INPUT_FILTERS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FILTERS_FIELD_NUMBER: _ClassVar[int]
    name: str
    listener: str
    models: _containers.RepeatedScalarFieldContainer[str]
    is_default: bool
    model_id: str
    model: ModelTarget
    agent: AgentTarget
    prompt: _prompt_pb2.PromptTarget
    retry: _retry_pb2.RetryPolicy
    priority: Priority
    input_filters: _containers.RepeatedScalarFieldContainer[str]
    output_filters: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., listener: _Optional[str] = ..., models: _Optional[_Iterable[str]] = ..., is_default: _Optional[bool] = ..., model_id: _Optional[str] = ..., model: _Optional[_Union[ModelTarget, _Mapping]] = ..., agent: _Optional[_Union[AgentTarget, _Mapping]] = ..., prompt: _Optional[_Union[_prompt_pb2.PromptTarget, _Mapping]] = ..., retry: _Optional[_Union[_retry_pb2.RetryPolicy, _Mapping]] = ..., priority: _Optional[_Union[Priority, str]] = ..., input_filters: _Optional[_Iterable[str]] = ..., output_filters: _Optional[_Iterable[str]] = ...) -> None: ...
