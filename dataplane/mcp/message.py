"""JSON-RPC messages as MCP has them, read as little as possible.

The rule: what nobody here has to know passes through byte for byte. A message is its members, each
the JSON that came; changing one leaves the others as they are.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import msgspec
from msgspec import Raw

Members = Mapping[str, Raw]
"""Of a JSON object, each as it came."""


class Code(IntEnum):
    """Codes of errors: JSON-RPC's, and MCP's of 2026-07-28."""

    PARSE_ERROR = -32700
    INVALID_REQUEST = -32600
    METHOD_NOT_FOUND = -32601
    INVALID_PARAMS = -32602
    INTERNAL_ERROR = -32603
    SERVER_ERROR = -32000
    """What servers of the SDKs use for a request that has no session."""
    SESSION_NOT_FOUND = -32001
    HEADER_MISMATCH = -32020
    UNSUPPORTED_VERSION = -32022


STATUS_OF: Mapping[int, int] = {
    Code.PARSE_ERROR: 400,
    Code.INVALID_REQUEST: 400,
    Code.INVALID_PARAMS: 400,
    Code.HEADER_MISMATCH: 400,
    Code.UNSUPPORTED_VERSION: 400,
    Code.METHOD_NOT_FOUND: 404,
}
"""The HTTP status that an error of 2026-07-28 has; others have 200."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Why something is no answer but an error."""

    code: int
    message: str
    status: int = 200
    """Of HTTP."""
    data: Any = None


@dataclass(frozen=True, slots=True)
class Message:
    """One message: a request, a notification or a response."""

    members: Members
    method: str = ""
    """Empty: a response."""
    id: bytes | None = None
    """As it came; None: a notification."""
    body: bytes = b""

    @property
    def is_request(self) -> bool:
        """Whether somebody waits for a response."""
        return bool(self.method) and self.id is not None

    @property
    def params(self) -> Members:
        """What is asked for; nothing when it is no object."""
        return members(self.members.get("params"))

    @property
    def result(self) -> Members | None:
        """Of a response that is no error."""
        raw = self.members.get("result")
        return None if raw is None else members(raw)

    @property
    def error(self) -> Members | None:
        """Of a response that is one."""
        raw = self.members.get("error")
        return None if raw is None else members(raw)

    def replaced(self, **changes: Any) -> "Message":
        """The same with other members."""
        changed = {**self.members, **{name: _raw(value) for name, value in changes.items()}}
        made = made_of(changed, encode(changed))
        assert made is not None
        return made


def read(body: bytes) -> Message | Refused:
    """A message that somebody has sent."""
    try:
        found = _MEMBERS.decode(body)
    except msgspec.ValidationError:
        what = "The body must be one JSON-RPC message; batches are not supported."
        return Refused(Code.INVALID_REQUEST, what, 400)
    except (msgspec.DecodeError, RecursionError):
        return Refused(Code.PARSE_ERROR, "The body is not JSON.", 400)
    made = made_of(found, body)
    if made is None:
        return Refused(Code.INVALID_REQUEST, "The body is not a JSON-RPC 2.0 message.", 400)
    return made


def made_of(found: Members, body: bytes) -> Message | None:
    """A message of its members; None: they make none."""
    if bytes(found.get("jsonrpc", b"")).strip() != b'"2.0"':
        return None
    method = text(found.get("method"))
    id_ = found.get("id")
    if id_ is not None and bytes(id_).strip()[:1] not in _ID_STARTS:
        return None
    if "method" in found:
        if not method:
            return None
    elif "result" not in found and "error" not in found:
        return None
    return Message(found, method, bytes(id_).strip() if id_ is not None else None, body)


def members(raw: Raw | bytes | None) -> Members:
    """Of an object; nothing of anything else."""
    if raw is None:
        return {}
    try:
        return _MEMBERS.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return {}


def items(raw: Raw | bytes | None) -> list[Raw]:
    """Of an array; nothing of anything else."""
    if raw is None:
        return []
    try:
        return _ITEMS.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return []


def text(raw: Raw | bytes | None) -> str:
    """A string; empty when it is none."""
    if raw is None:
        return ""
    try:
        return _TEXT.decode(raw)
    except msgspec.DecodeError:
        return ""


def value(raw: Raw | bytes | None) -> Any:
    """Whatever it is; None when it is no JSON."""
    try:
        return msgspec.json.decode(raw) if raw is not None else None
    except (msgspec.DecodeError, RecursionError):
        return None


def encode(found: Any) -> bytes:
    """JSON; what came as bytes goes out as they were."""
    return msgspec.json.encode(found)


def result(id_: bytes | None, found: Any) -> bytes:
    """A response."""
    return encode({"jsonrpc": "2.0", "id": _raw_id(id_), "result": found})


def error(id_: bytes | None, refused: Refused) -> bytes:
    """A response that is an error."""
    told: dict[str, Any] = {"code": int(refused.code), "message": refused.message}
    if refused.data is not None:
        told["data"] = refused.data
    return encode({"jsonrpc": "2.0", "id": _raw_id(id_), "error": told})


def request(id_: bytes, method: str, params: Any = None) -> bytes:
    """A request of ours."""
    asked: dict[str, Any] = {"jsonrpc": "2.0", "id": Raw(id_), "method": method}
    if params is not None:
        asked["params"] = params
    return encode(asked)


def notification(method: str, params: Any = None) -> bytes:
    """A notification of ours."""
    told: dict[str, Any] = {"jsonrpc": "2.0", "method": method}
    if params is not None:
        told["params"] = params
    return encode(told)


def _raw_id(id_: bytes | None) -> Raw:
    return Raw(id_ if id_ is not None else b"null")


def _raw(found: Any) -> Raw:
    return found if isinstance(found, Raw) else Raw(encode(found))


_MEMBERS = msgspec.json.Decoder(dict[str, Raw])
_ITEMS = msgspec.json.Decoder(list[Raw])
_TEXT = msgspec.json.Decoder(str)
_ID_STARTS = tuple(bytes((char,)) for char in b'"-0123456789')
