from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Problem(_message.Message):
    __slots__ = ("file", "line", "path", "message", "hint")
    FILE_FIELD_NUMBER: _ClassVar[int]
    LINE_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    HINT_FIELD_NUMBER: _ClassVar[int]
    file: str
    line: int
    path: str
    message: str
    hint: str
    def __init__(self, file: _Optional[str] = ..., line: _Optional[int] = ..., path: _Optional[str] = ..., message: _Optional[str] = ..., hint: _Optional[str] = ...) -> None: ...

class CheckRequest(_message.Message):
    __slots__ = ("config", "file_name")
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    FILE_NAME_FIELD_NUMBER: _ClassVar[int]
    config: str
    file_name: str
    def __init__(self, config: _Optional[str] = ..., file_name: _Optional[str] = ...) -> None: ...

class CheckResponse(_message.Message):
    __slots__ = ("problems", "snapshot_version")
    PROBLEMS_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_VERSION_FIELD_NUMBER: _ClassVar[int]
    problems: _containers.RepeatedCompositeFieldContainer[Problem]
    snapshot_version: str
    def __init__(self, problems: _Optional[_Iterable[_Union[Problem, _Mapping]]] = ..., snapshot_version: _Optional[str] = ...) -> None: ...

class ApplyRequest(_message.Message):
    __slots__ = ("config", "file_name", "author")
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    FILE_NAME_FIELD_NUMBER: _ClassVar[int]
    AUTHOR_FIELD_NUMBER: _ClassVar[int]
    config: str
    file_name: str
    author: str
    def __init__(self, config: _Optional[str] = ..., file_name: _Optional[str] = ..., author: _Optional[str] = ...) -> None: ...

class ApplyResponse(_message.Message):
    __slots__ = ("problems", "revision", "snapshot_version", "changed")
    PROBLEMS_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_VERSION_FIELD_NUMBER: _ClassVar[int]
    CHANGED_FIELD_NUMBER: _ClassVar[int]
    problems: _containers.RepeatedCompositeFieldContainer[Problem]
    revision: int
    snapshot_version: str
    changed: bool
    def __init__(self, problems: _Optional[_Iterable[_Union[Problem, _Mapping]]] = ..., revision: _Optional[int] = ..., snapshot_version: _Optional[str] = ..., changed: _Optional[bool] = ...) -> None: ...

class GetRequest(_message.Message):
    __slots__ = ("revision",)
    REVISION_FIELD_NUMBER: _ClassVar[int]
    revision: int
    def __init__(self, revision: _Optional[int] = ...) -> None: ...

class GetResponse(_message.Message):
    __slots__ = ("revision", "config", "file_name", "author", "applied_at", "snapshot_version")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    FILE_NAME_FIELD_NUMBER: _ClassVar[int]
    AUTHOR_FIELD_NUMBER: _ClassVar[int]
    APPLIED_AT_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_VERSION_FIELD_NUMBER: _ClassVar[int]
    revision: int
    config: str
    file_name: str
    author: str
    applied_at: str
    snapshot_version: str
    def __init__(self, revision: _Optional[int] = ..., config: _Optional[str] = ..., file_name: _Optional[str] = ..., author: _Optional[str] = ..., applied_at: _Optional[str] = ..., snapshot_version: _Optional[str] = ...) -> None: ...
