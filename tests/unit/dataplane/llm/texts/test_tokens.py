from typing import Any

from dataplane.filters.event import Event
from dataplane.filters.form import Form
from dataplane.llm.texts.tokens import drop_tokens


def test_probabilities_are_dropped_wherever_they_are() -> None:
    said: Any = {"choices": [{"logprobs": {"content": []}, "delta": {}}], "logprobs": [1]}
    drop_tokens(said)
    assert said == {"choices": [{"delta": {}}], "logprobs": []}


def test_an_event_with_other_words_tells_no_probabilities() -> None:
    raw = b'data: {"choices":[{"index":0,"delta":{"content":"x"},"logprobs":{"content":[]}}]}\n\n'
    event = Event(raw, Form())
    event.slots[0].text = "y"
    assert b"logprobs" not in event.rewritten().raw
