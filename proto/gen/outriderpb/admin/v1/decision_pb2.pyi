from outriderpb.fleet.v1 import explanation_pb2 as _explanation_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ExplainRequest(_message.Message):
    __slots__ = ("listener", "body", "worker")
    LISTENER_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    WORKER_FIELD_NUMBER: _ClassVar[int]
    listener: str
    body: bytes
    worker: str
    def __init__(self, listener: _Optional[str] = ..., body: _Optional[bytes] = ..., worker: _Optional[str] = ...) -> None: ...

class ExplainResponse(_message.Message):
    __slots__ = ("explanation", "worker")
    EXPLANATION_FIELD_NUMBER: _ClassVar[int]
    WORKER_FIELD_NUMBER: _ClassVar[int]
    explanation: _explanation_pb2.Explanation
    worker: str
    def __init__(self, explanation: _Optional[_Union[_explanation_pb2.Explanation, _Mapping]] = ..., worker: _Optional[str] = ...) -> None: ...
