"""An ONNX model's products in int8."""

import pytest

from dataplane.intent.rewire import rewire


@pytest.mark.parametrize(
    "model",
    [b"", b"not a model", b"\x3a\xff\xff\xff\xff\x7f", b"\x3a\x02\x0a\x00", bytes(range(256))],
    ids=["empty", "text", "cut short", "no weights", "bytes"],
)
def test_what_is_not_the_expected_model_comes_back_unchanged(model: bytes) -> None:
    assert rewire(model) is model
