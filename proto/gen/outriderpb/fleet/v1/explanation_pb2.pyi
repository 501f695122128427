from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ExplanationScore(_message.Message):
    __slots__ = ("agent", "score")
    AGENT_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    agent: str
    score: float
    def __init__(self, agent: _Optional[str] = ..., score: _Optional[float] = ...) -> None: ...

class ExplanationStep(_message.Message):
    __slots__ = ("method", "agents", "confidence", "problem", "failed")
    METHOD_FIELD_NUMBER: _ClassVar[int]
    AGENTS_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    method: str
    agents: _containers.RepeatedScalarFieldContainer[str]
    confidence: float
    problem: str
    failed: bool
    def __init__(self, method: _Optional[str] = ..., agents: _Optional[_Iterable[str]] = ..., confidence: _Optional[float] = ..., problem: _Optional[str] = ..., failed: _Optional[bool] = ...) -> None: ...

class Explanation(_message.Message):
    __slots__ = ("listener", "agents", "by_default", "shape", "orchestrator", "method", "reason", "confidence", "min_confidence", "ask_below", "scores", "steps", "previous", "seconds")
    LISTENER_FIELD_NUMBER: _ClassVar[int]
    AGENTS_FIELD_NUMBER: _ClassVar[int]
    BY_DEFAULT_FIELD_NUMBER: _ClassVar[int]
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    ORCHESTRATOR_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    MIN_CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    ASK_BELOW_FIELD_NUMBER: _ClassVar[int]
    SCORES_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    listener: str
    agents: _containers.RepeatedScalarFieldContainer[str]
    by_default: bool
    shape: str
    orchestrator: str
    method: str
    reason: str
    confidence: float
    min_confidence: float
    ask_below: float
    scores: _containers.RepeatedCompositeFieldContainer[ExplanationScore]
    steps: _containers.RepeatedCompositeFieldContainer[ExplanationStep]
    previous: str
    seconds: float
    def __init__(self, listener: _Optional[str] = ..., agents: _Optional[_Iterable[str]] = ..., by_default: _Optional[bool] = ..., shape: _Optional[str] = ..., orchestrator: _Optional[str] = ..., method: _Optional[str] = ..., reason: _Optional[str] = ..., confidence: _Optional[float] = ..., min_confidence: _Optional[float] = ..., ask_below: _Optional[float] = ..., scores: _Optional[_Iterable[_Union[ExplanationScore, _Mapping]]] = ..., steps: _Optional[_Iterable[_Union[ExplanationStep, _Mapping]]] = ..., previous: _Optional[str] = ..., seconds: _Optional[float] = ...) -> None: ...
