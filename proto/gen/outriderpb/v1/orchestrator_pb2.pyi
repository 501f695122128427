from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PromptForm(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PROMPT_FORM_GENERIC: _ClassVar[PromptForm]
    PROMPT_FORM_PLANO: _ClassVar[PromptForm]

class OrchestratorKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ORCHESTRATOR_KIND_EMBEDDED: _ClassVar[OrchestratorKind]
    ORCHESTRATOR_KIND_MODEL: _ClassVar[OrchestratorKind]
    ORCHESTRATOR_KIND_CASCADE: _ClassVar[OrchestratorKind]
PROMPT_FORM_GENERIC: PromptForm
PROMPT_FORM_PLANO: PromptForm
ORCHESTRATOR_KIND_EMBEDDED: OrchestratorKind
ORCHESTRATOR_KIND_MODEL: OrchestratorKind
ORCHESTRATOR_KIND_CASCADE: OrchestratorKind

class RoutingModel(_message.Message):
    __slots__ = ("provider", "form", "context_tokens", "timeout_ms")
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    FORM_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    provider: str
    form: PromptForm
    context_tokens: int
    timeout_ms: int
    def __init__(self, provider: _Optional[str] = ..., form: _Optional[_Union[PromptForm, str]] = ..., context_tokens: _Optional[int] = ..., timeout_ms: _Optional[int] = ...) -> None: ...

class Orchestrator(_message.Message):
    __slots__ = ("kind", "model", "ask_below", "embedded_timeout_ms")
    KIND_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    ASK_BELOW_FIELD_NUMBER: _ClassVar[int]
    EMBEDDED_TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    kind: OrchestratorKind
    model: RoutingModel
    ask_below: float
    embedded_timeout_ms: int
    def __init__(self, kind: _Optional[_Union[OrchestratorKind, str]] = ..., model: _Optional[_Union[RoutingModel, _Mapping]] = ..., ask_below: _Optional[float] = ..., embedded_timeout_ms: _Optional[int] = ...) -> None: ...
