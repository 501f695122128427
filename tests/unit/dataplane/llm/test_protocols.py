import pytest

from dataplane.llm.protocols import Protocol, protocol_of


def test_chat_is_known_by_its_path() -> None:
    assert protocol_of("/v1/chat/completions") is Protocol.CHAT


@pytest.mark.parametrize("path", ["/v1/chat/completions/", "/v1/messages", "/", ""])
def test_other_paths_speak_nothing_we_know(path: str) -> None:
    assert protocol_of(path) is None
