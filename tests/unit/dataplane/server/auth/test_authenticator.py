"""Who calls: what is shown, what is accepted, and for how long."""

from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataplane.runtime.auth import ApiKey, Auth
from dataplane.runtime.messages import LocalReply, ResponseDetail
from dataplane.runtime.principal import Principal
from dataplane.server.auth.authenticator import MAX_ACCEPTED, RECHECK_S, Authenticator
from dataplane.server.incoming import REQUEST_SHAPES, Incoming
from tests.support.bare import serving

KEY = b"sk-outrider-0123456789"
ALICE = Principal("alice", "acme")
DAY = 86_400.0
SERVING = serving()


class World:
    """A listener with keys, and two clocks."""

    def __init__(self, *keys: ApiKey, **auth: Any) -> None:
        self.wall = 1000 * DAY
        self.now = 0.0
        by_digest = {key.digest: key for key in keys}
        self.it = Authenticator(Auth(api_keys=True, **auth), "models", by_digest, lambda: self.wall)

    def incoming(self, *headers: tuple[bytes, bytes], target: str = "/v1/x") -> Incoming:
        names = tuple(name for name, _ in headers)
        values = tuple(value for _, value in headers)
        shape = REQUEST_SHAPES.make(names)
        return Incoming(SERVING, "POST", target, names, values, shape, self.now)

    def ask(self, *headers: tuple[bytes, bytes], target: str = "/v1/x") -> str | LocalReply:
        """The id of the caller, empty for nobody, or the refusal."""
        incoming = self.incoming(*headers, target=target)
        refusal = self.it.refusal(incoming)
        if refusal is not None:
            assert incoming.principal is None
            return refusal
        return incoming.principal.id if incoming.principal is not None else ""

    def bearer(self, key: bytes = KEY) -> str | LocalReply:
        return self.ask((b"authorization", b"Bearer " + key))


def key(name: str = "alice", text: bytes = KEY, **fields: Any) -> ApiKey:
    principal = ALICE if name == "alice" else Principal(name)
    return ApiKey(principal, sha256(text).digest(), **fields)


def status(reply: str | LocalReply) -> tuple[int, str]:
    assert isinstance(reply, LocalReply)
    return reply.status, reply.detail.value


REFUSED = (401, "unauthenticated")


@pytest.mark.parametrize(
    "header",
    [
        (b"authorization", b"Bearer " + KEY),
        (b"Authorization", b"bearer   " + KEY),
        (b"X-Api-Key", KEY),
        (b"api-key", KEY),
        (b"x-goog-api-key", KEY),
        (b"x-outrider-key", KEY),
    ],
)
def test_every_form_of_an_sdk_is_read_and_then_remembered(header: tuple[bytes, bytes]) -> None:
    world = World(key())
    assert [world.ask(header) for _ in range(3)] == ["alice"] * 3


def test_googles_parameter_is_read() -> None:
    world = World(key())
    assert world.ask((b"host", b"h"), target=f"/v1beta/x?alt=sse&key={KEY.decode()}") == "alice"


def test_no_credential_is_told_how_to_show_one() -> None:
    refusal = World(key()).ask((b"host", b"h"))
    assert status(refusal) == REFUSED
    assert isinstance(refusal, LocalReply)
    assert refusal.headers == (("www-authenticate", 'Bearer realm="outrider"'),)


@pytest.mark.parametrize(
    "value",
    [
        b"Bearer ",
        b"Bearer sk-outrider-0123456788",
        b"Basic " + KEY,
        b"Bearer " + KEY + b" x",
        b"Bearer " + KEY + b"x" * 9000,
        b"\xff\x00",
    ],
)
def test_what_is_not_a_key_is_refused_time_and_again(value: bytes) -> None:
    world = World(key())
    assert [status(world.ask((b"authorization", value))) for _ in range(2)] == [REFUSED] * 2


def test_digest_of_a_key_is_no_key() -> None:
    world = World(key())
    assert status(world.bearer(sha256(KEY).hexdigest().encode())) == REFUSED


def test_signature_of_aws_is_refused_with_the_way_out() -> None:
    refusal = World(key()).ask((b"authorization", b"AWS4-HMAC-SHA256 Credential=AKID/x"))
    assert isinstance(refusal, LocalReply)
    assert "AWS_BEARER_TOKEN_BEDROCK" in refusal.message


def test_of_two_credentials_the_good_one_counts() -> None:
    world = World(key())
    shown = ((b"authorization", b"Bearer of-somebody"), (b"x-api-key", KEY))
    assert [world.ask(*shown) for _ in range(2)] == ["alice"] * 2


def test_with_its_own_header_the_usual_ones_are_not_for_us() -> None:
    world = World(key(), own_header=True)
    assert status(world.bearer()) == REFUSED
    shown = ((b"authorization", b"Bearer of-a-provider"), (b"x-outrider-key", KEY))
    assert [world.ask(*shown) for _ in range(2)] == ["alice"] * 2


def test_expired_key_is_refused_and_a_remembered_one_is_checked_again() -> None:
    world = World(key(expires=1000 * DAY + 30))
    assert world.bearer() == "alice"
    world.now = world.wall = 29.0
    world.wall = 1000 * DAY + 29
    assert world.bearer() == "alice"
    world.now, world.wall = 30.0, 1000 * DAY + 30
    refusal = world.bearer()
    assert status(refusal) == REFUSED
    assert isinstance(refusal, LocalReply)
    assert "expired" in refusal.message


def test_clock_that_is_set_forward_is_met_within_a_minute() -> None:
    world = World(key(expires=1010 * DAY))
    assert world.bearer() == "alice"
    world.wall = 1011 * DAY
    world.now = RECHECK_S
    assert status(world.bearer()) == REFUSED


def test_disabled_key_is_refused_and_so_told() -> None:
    refusal = World(key(disabled=True)).bearer()
    assert isinstance(refusal, LocalReply)
    assert "disabled" in refusal.message


def test_key_of_another_listener_is_forbidden() -> None:
    assert status(World(key(listeners=frozenset(("agents",)))).bearer()) == (403, "forbidden")
    assert World(key(listeners=frozenset(("models", "agents")))).bearer() == "alice"


def test_where_nobody_must_who_is_not_known_is_nobody() -> None:
    world = World(key(), key("old", b"old-key", disabled=True), required=False)
    assert world.ask((b"host", b"h")) == ""
    assert world.bearer(b"sk-whatever") == ""
    assert world.bearer() == "alice"
    assert status(world.bearer(b"old-key")) == REFUSED, "known, and not good: that is told"


def test_remembered_credentials_are_bounded() -> None:
    keys = [key(f"k{number}", b"key-%d" % number) for number in range(MAX_ACCEPTED + 50)]
    world = World(*keys)
    for number in range(len(keys)):
        assert world.bearer(b"key-%d" % number) == f"k{number}"
    assert len(world.it._accepted) == MAX_ACCEPTED
    assert world.bearer(b"key-0") == "k0"


@given(st.binary(max_size=200), st.sampled_from([b"authorization", b"x-api-key"]))
def test_no_bytes_but_the_key_open(value: bytes, name: bytes) -> None:
    world = World(key())
    shown = value[7:].strip() if value[:7].lower() == b"bearer " else value
    if shown != KEY:
        reply = world.ask((name, value))
        assert isinstance(reply, LocalReply)
        assert reply.detail is ResponseDetail.UNAUTHENTICATED
