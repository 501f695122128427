"""What a tool is called with."""

import pytest

from dataplane.llm.hub.parts import ToolCall
from dataplane.llm.translate.messages.tool_input import object_of, tool_input


@pytest.mark.parametrize(
    ("arguments", "given"),
    [
        pytest.param('{ "a": 1.0 }', b'{ "a": 1.0 }', id="as-it-was-spelt"),
        pytest.param("", b"{}", id="nothing"),
        pytest.param(" ", b"{}", id="blank"),
        pytest.param('{"a":', b'{"INVALID_JSON":"{\\"a\\":"}', id="cut"),
        pytest.param("[1]", b'{"INVALID_JSON":"[1]"}', id="a-list"),
        pytest.param("\ud83d", b'{"INVALID_JSON":"?"}', id="half-a-character"),
    ],
)
def test_input_is_an_object(arguments: str, given: bytes) -> None:
    assert bytes(object_of(arguments)) == given


def test_text_of_a_custom_tool_is_wrapped() -> None:
    assert bytes(tool_input(ToolCall("t", "f", "a\nb", custom=True))) == b'{"input":"a\\nb"}'
