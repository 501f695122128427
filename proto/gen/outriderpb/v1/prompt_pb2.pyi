from outriderpb.v1 import model_pb2 as _model_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PromptParameter(_message.Message):
    __slots__ = ("name", "description", "type", "required", "default", "enum", "in_path", "format")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    REQUIRED_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_FIELD_NUMBER: _ClassVar[int]
    ENUM_FIELD_NUMBER: _ClassVar[int]
    IN_PATH_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    name: str
    description: str
    type: str
    required: bool
    default: str
    enum: _containers.RepeatedScalarFieldContainer[str]
    in_path: bool
    format: str
    def __init__(self, name: _Optional[str] = ..., description: _Optional[str] = ..., type: _Optional[str] = ..., required: _Optional[bool] = ..., default: _Optional[str] = ..., enum: _Optional[_Iterable[str]] = ..., in_path: _Optional[bool] = ..., format: _Optional[str] = ...) -> None: ...

class PromptTarget(_message.Message):
    __slots__ = ("name", "description", "is_default", "position", "parameters", "cluster", "path", "http_method", "http_headers", "timeout_ms", "answers_itself", "system_prompt", "examples")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    IS_DEFAULT_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    CLUSTER_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    HTTP_METHOD_FIELD_NUMBER: _ClassVar[int]
    HTTP_HEADERS_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    ANSWERS_ITSELF_FIELD_NUMBER: _ClassVar[int]
    SYSTEM_PROMPT_FIELD_NUMBER: _ClassVar[int]
    EXAMPLES_FIELD_NUMBER: _ClassVar[int]
    name: str
    description: str
    is_default: bool
    position: int
    parameters: _containers.RepeatedCompositeFieldContainer[PromptParameter]
    cluster: str
    path: str
    http_method: str
    http_headers: _containers.RepeatedCompositeFieldContainer[_model_pb2.Header]
    timeout_ms: int
    answers_itself: bool
    system_prompt: str
    examples: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., description: _Optional[str] = ..., is_default: _Optional[bool] = ..., position: _Optional[int] = ..., parameters: _Optional[_Iterable[_Union[PromptParameter, _Mapping]]] = ..., cluster: _Optional[str] = ..., path: _Optional[str] = ..., http_method: _Optional[str] = ..., http_headers: _Optional[_Iterable[_Union[_model_pb2.Header, _Mapping]]] = ..., timeout_ms: _Optional[int] = ..., answers_itself: _Optional[bool] = ..., system_prompt: _Optional[str] = ..., examples: _Optional[_Iterable[str]] = ...) -> None: ...

class PromptRules(_message.Message):
    __slots__ = ("system_prompt", "function_calling_model", "embedded", "tool_messages", "forgets_answers")
    SYSTEM_PROMPT_FIELD_NUMBER: _ClassVar[int]
    FUNCTION_CALLING_MODEL_FIELD_NUMBER: _ClassVar[int]
    EMBEDDED_FIELD_NUMBER: _ClassVar[int]
    TOOL_MESSAGES_FIELD_NUMBER: _ClassVar[int]
    FORGETS_ANSWERS_FIELD_NUMBER: _ClassVar[int]
    system_prompt: str
    function_calling_model: str
    embedded: bool
    tool_messages: bool
    forgets_answers: bool
    def __init__(self, system_prompt: _Optional[str] = ..., function_calling_model: _Optional[str] = ..., embedded: _Optional[bool] = ..., tool_messages: _Optional[bool] = ..., forgets_answers: _Optional[bool] = ...) -> None: ...
