from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Mode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MODE_UNSPECIFIED: _ClassVar[Mode]
    MODE_SEQUENCE: _ClassVar[Mode]
    MODE_PARALLEL: _ClassVar[Mode]
    MODE_LOOP: _ClassVar[Mode]

class Progress(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PROGRESS_UNSPECIFIED: _ClassVar[Progress]
    PROGRESS_ON_REQUEST: _ClassVar[Progress]
    PROGRESS_NEVER: _ClassVar[Progress]
    PROGRESS_ALWAYS: _ClassVar[Progress]
MODE_UNSPECIFIED: Mode
MODE_SEQUENCE: Mode
MODE_PARALLEL: Mode
MODE_LOOP: Mode
PROGRESS_UNSPECIFIED: Progress
PROGRESS_ON_REQUEST: Progress
PROGRESS_NEVER: Progress
PROGRESS_ALWAYS: Progress

class Step(_message.Message):
    __slots__ = ("agents", "merge", "loop")
    AGENTS_FIELD_NUMBER: _ClassVar[int]
    MERGE_FIELD_NUMBER: _ClassVar[int]
    LOOP_FIELD_NUMBER: _ClassVar[int]
    agents: _containers.RepeatedScalarFieldContainer[str]
    merge: str
    loop: bool
    def __init__(self, agents: _Optional[_Iterable[str]] = ..., merge: _Optional[str] = ..., loop: _Optional[bool] = ...) -> None: ...

class Plan(_message.Message):
    __slots__ = ("mode", "merge", "steps", "max_agents", "max_steps", "max_repeats", "max_depth", "budget_tokens", "budget_cost_nano", "progress", "budget_calls")
    MODE_FIELD_NUMBER: _ClassVar[int]
    MERGE_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    MAX_AGENTS_FIELD_NUMBER: _ClassVar[int]
    MAX_STEPS_FIELD_NUMBER: _ClassVar[int]
    MAX_REPEATS_FIELD_NUMBER: _ClassVar[int]
    MAX_DEPTH_FIELD_NUMBER: _ClassVar[int]
    BUDGET_TOKENS_FIELD_NUMBER: _ClassVar[int]
    BUDGET_COST_NANO_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    BUDGET_CALLS_FIELD_NUMBER: _ClassVar[int]
    mode: Mode
    merge: str
    steps: _containers.RepeatedCompositeFieldContainer[Step]
    max_agents: int
    max_steps: int
    max_repeats: int
    max_depth: int
    budget_tokens: int
    budget_cost_nano: int
    progress: Progress
    budget_calls: int
    def __init__(self, mode: _Optional[_Union[Mode, str]] = ..., merge: _Optional[str] = ..., steps: _Optional[_Iterable[_Union[Step, _Mapping]]] = ..., max_agents: _Optional[int] = ..., max_steps: _Optional[int] = ..., max_repeats: _Optional[int] = ..., max_depth: _Optional[int] = ..., budget_tokens: _Optional[int] = ..., budget_cost_nano: _Optional[int] = ..., progress: _Optional[_Union[Progress, str]] = ..., budget_calls: _Optional[int] = ...) -> None: ...
