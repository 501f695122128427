from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SecretText(_message.Message):
    __slots__ = ("parts",)
    class Part(_message.Message):
        __slots__ = ("literal", "env", "file")
        LITERAL_FIELD_NUMBER: _ClassVar[int]
        ENV_FIELD_NUMBER: _ClassVar[int]
        FILE_FIELD_NUMBER: _ClassVar[int]
        literal: str
        env: str
        file: str
        def __init__(self, literal: _Optional[str] = ..., env: _Optional[str] = ..., file: _Optional[str] = ...) -> None: ...
    PARTS_FIELD_NUMBER: _ClassVar[int]
    parts: _containers.RepeatedCompositeFieldContainer[SecretText.Part]
    def __init__(self, parts: _Optional[_Iterable[_Union[SecretText.Part, _Mapping]]] = ...) -> None: ...
