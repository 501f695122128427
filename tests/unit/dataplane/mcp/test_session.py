from msgspec import Raw

from dataplane.mcp.session import LATEST, Peer, Session, agreed, decoded


def test_session_is_kept_as_bytes() -> None:
    asked = Raw(b'{"capabilities": {"x":1.0}}')
    began = Session("me", LATEST, asked, level="debug", uris=("x://a",))
    session = began.with_peer("a", Peer(LATEST, "s1", Raw(b"{}"), "127.0.0.1:1"))
    again = decoded(session.encoded())
    assert again is not None
    assert (again.owner, again.peers["a"].session) == ("me", "s1")
    assert (again.level, again.uris) == ("debug", ("x://a",))
    assert again.peers["a"].endpoint == "127.0.0.1:1"
    assert bytes(again.asked) == bytes(asked)


def test_what_is_no_session_is_none() -> None:
    assert decoded(b"{}") is None
    assert decoded(b"\xff") is None


def test_version_is_the_clients_if_it_is_known() -> None:
    assert agreed("2025-03-26") == "2025-03-26"
    assert agreed("2099-01-01") == LATEST
