"""How large an image is, read from the first bytes of its base64."""

import base64
import struct

HEAD_CHARS = 64 * 1024
"""As many are decoded: before a JPEG's size there may stand a preview and a colour profile."""


def image_size(data: str) -> tuple[int, int] | None:
    """(width, height) in pixels of a PNG, GIF, JPEG or WebP; None when it cannot be told."""
    head = data[:HEAD_CHARS]
    try:
        raw = base64.b64decode(head[: len(head) // 4 * 4])
        if raw.startswith(b"\x89PNG\r\n\x1a\n"):
            width, height = struct.unpack_from(">II", raw, 16)
        elif raw.startswith((b"GIF87a", b"GIF89a")):
            width, height = struct.unpack_from("<HH", raw, 6)
        elif raw.startswith(b"RIFF") and raw[8:12] == b"WEBP":
            width, height = _webp(raw)
        elif raw.startswith(b"\xff\xd8"):
            width, height = _jpeg(raw)
        else:
            return None
    except (ValueError, struct.error, IndexError):
        return None
    return (width, height) if width and height else None


def _webp(raw: bytes) -> tuple[int, int]:
    kind = raw[12:16]
    if kind == b"VP8X":
        width, height = struct.unpack_from("<3s3s", raw, 24)
        return int.from_bytes(width, "little") + 1, int.from_bytes(height, "little") + 1
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", raw, 21)
        return (bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1
    width, height = struct.unpack_from("<HH", raw, 26)
    return width & 0x3FFF, height & 0x3FFF


def _jpeg(raw: bytes) -> tuple[int, int]:
    at = 2
    while True:
        if raw[at] != 0xFF:
            raise ValueError("not a marker")
        marker = raw[at + 1]
        if marker == 0xFF or 0xD0 <= marker <= 0xD8 or marker == 0x01:
            at += 1 if marker == 0xFF else 2  # fill bytes and markers without a length
            continue
        # SOF0..SOF15 tell the size; C4, C8 and CC in between are tables.
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", raw, at + 5)
            return width, height
        (length,) = struct.unpack_from(">H", raw, at + 2)
        at += 2 + length
