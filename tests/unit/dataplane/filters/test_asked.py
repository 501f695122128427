from dataplane.filters.asked import Asked
from dataplane.runtime.messages import Request
from dataplane.runtime.protocols import Operation

CHAT = Request("POST", "/", (), b'{"messages":[{"role":"user","content":"Hi"}],"seed":1}')


def test_a_request_that_nobody_changed_is_the_same() -> None:
    asked = Asked(CHAT, Operation.CHAT)
    assert asked.question == "Hi"
    assert asked.rewritten() is CHAT


def test_texts_and_instructions_change_it_together() -> None:
    asked = Asked(CHAT, Operation.CHAT)
    asked.slots[0].text = "Ho"
    assert asked.instruct("Be brief.")
    assert asked.question == "Ho"
    assert asked.rewritten().body == (
        b'{"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Ho"}],'
        b'"seed":1}'
    )


def test_json_that_was_changed_is_said_so() -> None:
    asked = Asked(CHAT, Operation.CHAT)
    asked.json["seed"] = 2
    asked.changed()
    assert b'"seed":2' in asked.rewritten().body


def test_what_is_no_json_has_no_texts() -> None:
    asked = Asked(Request("POST", "/", (), b"{"), Operation.CHAT)
    assert (asked.json, list(asked.slots), asked.question) == (None, [], "")
    assert not asked.instruct("x")
    assert asked.rewritten() is asked.request


def test_embeddings_have_no_place_for_instructions() -> None:
    asked = Asked(Request("POST", "/", (), b'{"input":["a","b"]}'), Operation.EMBEDDINGS)
    assert [slot.text for slot in asked.slots] == ["a", "b"]
    assert not asked.instruct("x")
