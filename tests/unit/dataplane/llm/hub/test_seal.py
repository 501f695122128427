from dataplane.llm.hub.seal import opened, seal
from dataplane.runtime.protocols import Protocol


def test_a_seal_is_opened_by_its_own_protocol() -> None:
    assert opened(seal(Protocol.GEMINI, "a.b"), Protocol.GEMINI) == "a.b"


def test_a_seal_is_opened_by_no_other() -> None:
    assert opened(seal(Protocol.GEMINI, "a"), Protocol.MESSAGES) == ""
    assert opened("EqRk", Protocol.MESSAGES) == ""


def test_nothing_stays_nothing() -> None:
    assert seal(Protocol.CHAT, "") == ""
