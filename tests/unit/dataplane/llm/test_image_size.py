"""How large an image is, by its first bytes."""

import base64
import struct

import pytest

from dataplane.llm.image_size import image_size

PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sIIB", 13, b"IHDR", 640, 480, 8) + bytes(10)
GIF = b"GIF89a" + struct.pack("<HH", 640, 480) + bytes(10)
JPEG = (
    b"\xff\xd8\xff\xe0" + struct.pack(">H", 16) + bytes(14)
    + b"\xff\xc4" + struct.pack(">H", 4) + bytes(2)
    + b"\xff\xff\xc2" + struct.pack(">HBHH", 17, 8, 480, 640) + bytes(10)
)  # fmt: skip
RIFF = b"RIFF" + bytes(4) + b"WEBP"
VP8X = RIFF + b"VP8X" + bytes(8) + (639).to_bytes(3, "little") + (479).to_bytes(3, "little")
VP8L = RIFF + b"VP8L" + bytes(5) + struct.pack("<I", 639 | 479 << 14)
VP8 = RIFF + b"VP8 " + bytes(10) + struct.pack("<HH", 640, 480)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(PNG, id="png"),
        pytest.param(GIF, id="gif"),
        pytest.param(JPEG, id="jpeg"),
        pytest.param(VP8X, id="webp-extended"),
        pytest.param(VP8L, id="webp-lossless"),
        pytest.param(VP8, id="webp-lossy"),
    ],
)
def test_size_is_read(raw: bytes) -> None:
    assert image_size(base64.b64encode(raw).decode()) == (640, 480)


@pytest.mark.parametrize("raw", [PNG, GIF, JPEG, VP8X, VP8L, VP8])
def test_cut_image_never_raises(raw: bytes) -> None:
    for end in range(len(raw)):
        assert image_size(base64.b64encode(raw[:end]).decode()) in (None, (640, 480))


@pytest.mark.parametrize("data", ["", "é", "AAAA", "not base64!", "/9j/"])
def test_what_is_no_image_has_no_size(data: str) -> None:
    assert image_size(data) is None
