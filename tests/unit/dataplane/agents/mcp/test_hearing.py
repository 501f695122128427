"""The words of a tool's answer."""

from typing import Any

import pytest

from dataplane.agents.mcp.hearing import said
from dataplane.llm.hub.answer import Failure
from dataplane.mcp.message import Message, encode, read

TEXT = {"type": "text", "text": "In 1825."}
IMAGE = {"type": "image", "data": "", "mimeType": "image/png"}


def heard(**response: Any) -> str | Failure:
    message = read(encode({"jsonrpc": "2.0", "id": 1, **response}))
    assert isinstance(message, Message)
    return said(message)


def result(*content: Any, **more: Any) -> str | Failure:
    return heard(result={"content": list(content), **more})


def test_texts_are_the_answer() -> None:
    assert result(TEXT, IMAGE, {"type": "text", "text": "In England."}) == (
        "In 1825.\n\nIn England."
    )


def test_resources_are_told_by_text_or_address() -> None:
    told = {"type": "resource", "resource": {"uri": "x://a", "text": "All of it."}}
    link = {"type": "resource_link", "uri": "https://a.test/b", "name": "b"}
    assert result(told, link) == "All of it.\n\n[b](https://a.test/b)"


def test_structured_content_stands_in_for_words() -> None:
    assert result(structuredContent={"year": 1825}) == '{"year":1825}'
    assert result(TEXT, structuredContent={"year": 1825}) == "In 1825."


def test_nothing_is_an_answer_without_words() -> None:
    assert result() == ""


def test_answer_that_only_shows_is_no_answer() -> None:
    found = result(IMAGE, {"type": "<b>"})
    assert isinstance(found, Failure)
    assert (found.status, found.message) == (502, "The tool's answer has no words: it is image.")


@pytest.mark.parametrize(
    ("content", "told"),
    [([TEXT], "In 1825."), ([], "The tool failed and does not say why.")],
)
def test_tool_that_failed_is_a_failure_in_its_words(content: list[Any], told: str) -> None:
    found = result(*content, isError=True)
    assert isinstance(found, Failure)
    assert (found.status, found.code, found.message) == (424, "tool_error", told)


def test_tool_that_wants_input_is_a_failure() -> None:
    found = heard(result={"resultType": "input_required", "inputRequests": {}})
    assert isinstance(found, Failure)
    assert found.status == 424


@pytest.mark.parametrize(
    ("code", "status"), [(-32602, 424), (-32601, 424), (-32603, 502), (7, 502)]
)
def test_error_of_json_rpc_is_a_failure(code: int, status: int) -> None:
    found = heard(error={"code": code, "message": "No."})
    assert isinstance(found, Failure)
    assert (found.status, found.code, found.message) == (status, str(code), "No.")


@pytest.mark.parametrize("response", [{"result": 1}, {"result": {"content": "x"}}, {"error": []}])
def test_nonsense_is_never_taken_for_words(response: dict[str, Any]) -> None:
    found = heard(**response)
    assert isinstance(found, Failure)
    assert found.status == 502
