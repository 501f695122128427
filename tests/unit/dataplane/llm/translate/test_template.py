import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataplane.llm.translate.template import Template

KEY = b'"content":'


def event(words: bytes, tail: bytes = b"") -> bytes:
    return b'{"id":"a","choices":[{"delta":{"content":%b},"finish":null}]%b}' % (words, tail)


def learnt(words: bytes = b'"Hi"', tail: bytes = b"") -> Template:
    template = Template()
    template.learn(event(words, tail), KEY, words)
    return template


@pytest.mark.parametrize(
    "words", [b'" you"', b'"\\"q\\" \\n \\u00e9"', "é ☀️".encode().join([b'"', b'"'])]
)
def test_event_with_other_words_is_recognised(words: bytes) -> None:
    assert learnt().words(event(words)) == words


@pytest.mark.parametrize(
    "data",
    [
        event(b'""'),
        event(b"null"),
        event(b'"a","content":"b"'),
        event(b'"a').replace(b"}", b""),
        event(b'"a\\x"'),
        event(b'"a\x01"'),
        event(b'"\\ud83d"'),
        event(b'"a"', b',"usage":{}'),
        event(b'"a"').replace(b'"id":"a"', b'"id":"b"'),
        event(b'"a"').replace(b"null", b'"stop"'),
        b"",
    ],
)
def test_what_says_something_else_is_not(data: bytes) -> None:
    assert learnt().words(data) is None


def test_a_space_after_the_key_is_no_obstacle() -> None:
    template = Template()
    template.learn(b'{"content": "a"}', KEY, b'"a"')
    assert template.words(b'{"content": "b"}') == b'"b"'


def test_padding_of_another_length_is_passed_over() -> None:
    template = learnt(tail=b',"obfuscation":"aB3"')
    assert template.words(event(b'"x"', b',"obfuscation":"9fK2p"')) == b'"x"'
    assert template.words(event(b'"x"', b',"obfuscation":"9f","usage":{}')) is None


def test_nothing_is_recognised_before_or_after_it_is_forgotten() -> None:
    template = Template()
    assert template.words(event(b'"a"')) is None
    template.learn(event(b'"a"'), KEY, b'"a"')
    template.forget()
    assert template.words(event(b'"a"')) is None


def test_an_event_that_has_the_key_twice_teaches_nothing() -> None:
    template = Template()
    template.learn(b'{"content":"a","x":{"content":"a"}}', KEY, b'"a"')
    assert template.words(b'{"content":"b","x":{"content":"a"}}') is None


def test_learning_ends_where_every_event_differs() -> None:
    template = Template()
    for number in range(20):
        tail = b',"t":%d' % number
        template.learn(event(b'"a"', tail), KEY, b'"a"')
    assert template.words(event(b'"b"', b',"t":7')) == b'"b"'  # the last that was learnt
    assert template.words(event(b'"b"', b',"t":19')) is None


@given(st.binary(max_size=12))
def test_what_is_recognised_is_json_with_these_words(middle: bytes) -> None:
    data = event(b'"%b"' % middle)
    words = learnt().words(data)
    if words is None:
        return
    told = msgspec.json.decode(data.decode("utf-8", "replace"))
    assert told["choices"][0]["delta"]["content"] == msgspec.json.decode(
        words.decode("utf-8", "replace")
    )
