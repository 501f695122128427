"""Reading and replacing `model` without touching the rest."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dataplane.llm.wire.body import SMALL_BYTES, peek, with_model
from dataplane.llm.wire.peek import Peek
from dataplane.runtime.messages import LocalReply, ResponseDetail

LARGE = b" " * SMALL_BYTES


def found(body: bytes) -> Peek:
    it = peek(body)
    assert isinstance(it, Peek)
    return it


@pytest.mark.parametrize("padding", [b"", LARGE], ids=["small", "large"])
@pytest.mark.parametrize(
    ("body", "model", "stream"),
    [
        (b'{"model":"a","stream":true}', "a", True),
        (b'{"stream":null,"model":"a"}', "a", False),
        (b'{ "messages" : [{"model":"x"}] , "model" : "a\\u00e9\\n" }', "a\u00e9\n", False),
        (b'{"\\u006dodel":"a"}', "a", False),
        (b"{}", None, False),
        (b'{"model":null,"stream":true}', None, True),
        ('{"model":"naïve","x":"日本"}'.encode(), "naïve", False),
    ],
)
def test_model_and_stream_are_read_and_the_body_kept(
    body: bytes, model: str | None, stream: bool, padding: bytes
) -> None:
    it = found(padding + body)
    assert (it.model, it.stream, it.body) == (model, stream, padding + body)


@pytest.mark.parametrize("padding", [b"", LARGE], ids=["small", "large"])
@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"a","model":"b"}',
        b'{"model":"b","x":1,"model":"b"}',
        b'{"model":"a","\\u006dodel":"b"}',
        b'{"\\u006dodel":"a","model":"b"}',
        b'{"mo\\u0064el":"a","m\\u006fdel":"b"}',
        b'{"x":{"model":"c"},"model":null,"model":"b"}',
        b'{"model":"bc","model":"b"}',
    ],
)
def test_of_two_models_the_last_is_used_and_the_only_one_sent(body: bytes, padding: bytes) -> None:
    it = found(padding + body)
    assert it.model == "b"
    pairs = json.loads(it.body, object_pairs_hook=list)
    assert [value for name, value in pairs if name == "model"] == ["b"]
    sent = json.loads(with_model(it, "z"), object_pairs_hook=list)
    assert [value for name, value in sent if name == "model"] == ["z"]


@pytest.mark.parametrize(
    ("body", "changed"),
    [
        (b'{"model":"a"}', b'{"model":"z"}'),
        (
            b'{ "x":"model", "model"\n:\t"a" , "y":1.0}',
            b'{ "x":"model", "model"\n:\t"z" , "y":1.0}',
        ),
        (b'{"model":"a\\"b\\\\","x":1}', b'{"model":"z","x":1}'),
        (b'{"x":"\\"model\\":\\"q\\"","model":"a"}', b'{"x":"\\"model\\":\\"q\\"","model":"z"}'),
        (b'{"x":{"model":"a"},"model":"a"}', b'{"x":{"model":"a"},"model":"z"}'),
        (b'{"\\u006dodel":"a"}', b'{"\\u006dodel":"z"}'),
        (b"{}", b'{"model":"z"}'),
        (b" { } ", b' {"model":"z" } '),
        (b'{"x":1}', b'{"model":"z","x":1}'),
        (b'{"x":{"model":"b"}}', b'{"model":"z","x":{"model":"b"}}'),
        (b'{"model" : null}', b'{"model" : "z"}'),
    ],
)
@pytest.mark.parametrize("padding", [b"", LARGE], ids=["small", "large"])
def test_only_the_model_changes(body: bytes, changed: bytes, padding: bytes) -> None:
    assert with_model(found(padding + body), "z") == padding + changed


def test_new_model_is_quoted_as_json() -> None:
    assert json.loads(with_model(found(b'{"model":"a"}'), 'z"\\\n'))["model"] == 'z"\\\n'


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
keys = st.sampled_from(["model", "stream", "messages", "x", "model\\", '"model"']) | st.text()


@given(
    members=st.lists(st.tuples(keys, json_values), max_size=6),
    model=st.text(),
    at=st.integers(0, 6),
    ascii_only=st.booleans(),
    padding=st.sampled_from([b"", LARGE]),
    separators=st.sampled_from([(",", ":"), (" , ", " : "), (",\n", ":\t")]),
)
@example([("model", 1)], "a", 1, True, b"", (",", ":"))
def test_what_is_sent_says_what_was_routed_by(
    members: list[tuple[str, object]],
    model: str,
    at: int,
    ascii_only: bool,
    padding: bytes,
    separators: tuple[str, str],
) -> None:
    members = [(name, value) for name, value in members if name != "stream"]
    members.insert(at, ("model", model))
    members = [*members, ("model", model)] if members[-1][0] == "model" else members
    comma, colon = separators
    text = comma.join(
        json.dumps(name, ensure_ascii=ascii_only)
        + colon
        + json.dumps(value, ensure_ascii=ascii_only)
        for name, value in members
    )
    try:
        body = padding + ("{" + text + "}").encode()
    except UnicodeEncodeError:
        return
    it = peek(body)
    expected = dict(members)
    if not all(isinstance(value, str | None) for name, value in members if name == "model"):
        assert isinstance(it, LocalReply)
        return
    if isinstance(it, LocalReply):  # lone surrogates are no text
        assert it.detail is ResponseDetail.INVALID_JSON
        return
    assert it.model == expected["model"]
    if len(expected) == len(members):
        assert it.body == body
    assert json.loads(it.body) == expected
    pairs = json.loads(with_model(it, "new"), object_pairs_hook=list)
    assert [v for n, v in pairs if n == "model"] == ["new"]


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", "invalid_json"),
        (b"{", "invalid_json"),
        (b'{"model":"a"} x', "invalid_json"),
        (b'{"a":' * 5000, "invalid_json"),
        (b'{"\xff":1,"model":"a","model":"a"}', "invalid_json"),
        (b"[]", "invalid_body"),
        (b'"model"', "invalid_body"),
        (b'{"model":1}', "invalid_body"),
        (b'{"model":"a","stream":"yes"}', "invalid_body"),
    ],
)
def test_what_is_no_chat_request_is_refused(body: bytes, detail: str) -> None:
    it = peek(body)
    assert isinstance(it, LocalReply)
    assert (it.status, it.detail) == (400, detail)


@pytest.mark.parametrize("padding", [b"", b" " * 9000])
@pytest.mark.parametrize("twice", [b"", b',"model":"m"'])
def test_preferences_that_a_request_brings_along_are_seen(padding: bytes, twice: bytes) -> None:
    body = b'{"model":"m","routing_preferences":[]' + twice + padding + b"}"
    assert found(body).inline
    assert found(b'{"model":"m","routing_preferences":null}').inline
    assert not found(b'{"model":"m","messages":["routing_preferences"]' + padding + b"}").inline


@pytest.mark.parametrize("padding", [b"", LARGE], ids=["small", "large"])
@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"a","max_tokens":"many","n":[1],"messages":7,"generationConfig":0}',
        b'{"model":"a","model":"b","max_tokens":3,"max_tokens":4}',
        b'{"model":7}',
        b"[]",
        b"{",
    ],
)
def test_what_features_ask_for_changes_nothing_of_what_is_routed_by(
    body: bytes, padding: bytes
) -> None:
    body = padding + body
    plain, more = peek(body), peek(body, surveys=True)
    if isinstance(plain, LocalReply) or isinstance(more, LocalReply):
        assert more == plain
        return
    assert (more.body, more.model, more.start) == (plain.body, plain.model, plain.start)
    assert plain.survey is None
    assert more.survey is not None
    if len(more.survey.max_tokens) == 1:
        assert bytes(more.survey.max_tokens) == b"4"
