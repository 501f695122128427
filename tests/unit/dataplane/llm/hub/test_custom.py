import msgspec

from dataplane.llm.hub.custom import as_function, grammar_of, unwrapped, wrapped
from dataplane.llm.hub.request import Tool

FLAT = msgspec.Raw(
    b'{"type":"custom","name":"patch","format":'
    b'{"type":"grammar","syntax":"lark","definition":"start: WORD"}}'
)
NESTED = msgspec.Raw(
    b'{"type":"custom","custom":{"name":"patch","format":'
    b'{"type":"grammar","grammar":{"syntax":"regex","definition":"a+"}}}}'
)


def test_grammar_is_found_in_the_form_of_responses() -> None:
    assert grammar_of(Tool("patch", kind="custom", raw=FLAT)) == ("lark", "start: WORD")


def test_grammar_is_found_in_the_form_of_chat() -> None:
    assert grammar_of(Tool("patch", kind="custom", raw=NESTED)) == ("regex", "a+")


def test_function_tells_the_grammar_in_its_description() -> None:
    function = as_function(Tool("patch", "Edits files.", kind="custom", raw=FLAT))
    assert function.description == (
        "Edits files.\n\nThe input must follow this lark grammar:\nstart: WORD"
    )
    assert function.kind == "function"


def test_call_comes_back_as_it_went() -> None:
    assert unwrapped(wrapped('*** Begin "Patch"\n')) == '*** Begin "Patch"\n'


def test_arguments_of_another_form_are_kept() -> None:
    assert unwrapped('{"text":1}') == '{"text":1}'
