from dataplane.llm.hub.delta import Begin, PartBegin, TextDelta, broken, says_nothing
from dataplane.llm.hub.parts import Text, Thinking, ToolCall


def test_broken_stream_is_the_providers_fault() -> None:
    failure = broken("it ended").failure
    assert (failure.status, failure.message) == (502, "The model's stream broke: it ended.")


def test_beginning_of_a_text_says_nothing_and_that_of_a_call_does() -> None:
    begin = Begin("a", "m")
    assert says_nothing([begin, PartBegin(Text("")), PartBegin(Thinking(""))])
    assert not says_nothing([begin, PartBegin(Text("")), TextDelta(b'"a"')])
    assert not says_nothing([begin, PartBegin(ToolCall("c", "f", ""))])
