"""AWS event stream frames, written and read apart from the code that is tested with them."""

import json
import struct
import zlib
from typing import Any

STRING = 7
"""The header type of a text."""


def frame(headers: dict[str, str], payload: bytes) -> bytes:
    """One frame; all headers are texts."""
    head = b"".join(
        struct.pack("!B", len(name))
        + name.encode()
        + struct.pack("!BH", STRING, len(value.encode()))
        + value.encode()
        for name, value in headers.items()
    )
    prelude = struct.pack("!II", 16 + len(head) + len(payload), len(head))
    message = prelude + struct.pack("!I", zlib.crc32(prelude)) + head + payload
    return message + struct.pack("!I", zlib.crc32(message))


def of_line(line: str) -> bytes:
    """{"event-type": "...", "payload": {...}} (or "exception-type") as the frame Bedrock sends."""
    told: dict[str, Any] = json.loads(line)
    payload = json.dumps(told.pop("payload"), separators=(",", ":"), ensure_ascii=False).encode()
    kind = "exception" if "exception-type" in told else "event"
    headers = {f":{name}": value for name, value in told.items()}
    headers |= {":content-type": "application/json", ":message-type": kind}
    return frame(headers, payload)


def lines(stream: bytes) -> str:
    """A stream of frames as text: one line of JSON each. Fails on a wrong checksum."""
    shown = []
    while stream:
        total, head_size, prelude_sum = struct.unpack_from("!III", stream)
        message, (message_sum,) = stream[: total - 4], struct.unpack_from("!I", stream, total - 4)
        assert prelude_sum == zlib.crc32(stream[:8])
        assert message_sum == zlib.crc32(message)
        headers = _headers(message[12 : 12 + head_size])
        payload = json.loads(message[12 + head_size :])
        shown.append(json.dumps(headers | {"payload": payload}, ensure_ascii=False) + "\n")
        stream = stream[total:]
    return "".join(shown)


def _headers(head: bytes) -> dict[str, object]:
    headers: dict[str, object] = {}
    while head:
        name_size = head[0]
        name = head[1 : 1 + name_size].decode()
        kind, size = struct.unpack_from("!BH", head, 1 + name_size)
        assert kind == STRING
        at = 4 + name_size
        headers[name.removeprefix(":")] = head[at : at + size].decode()
        head = head[at + size :]
    return headers
