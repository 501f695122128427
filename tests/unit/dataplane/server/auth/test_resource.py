"""Who is told which issuer's tokens a listener takes."""

from dataclasses import replace

import msgspec
import pytest

from dataplane.runtime.auth import Auth, Jwks, Jwt
from dataplane.runtime.config import Listener, ListenerKind
from dataplane.runtime.messages import LocalReply, ResponseDetail
from dataplane.server.auth.resource import PATH, challenged, describes, metadata

JWT = Jwt("https://issuer.test", ("us",), Jwks(text="{}"))
TOOLS = Listener("tools", ListenerKind.MCP, "127.0.0.1", 0, auth=Auth(jwt=JWT))
HEADERS = {"host": "tools.test:9000"}
REFUSED = LocalReply(401, "No.", ResponseDetail.UNAUTHENTICATED, (("www-authenticate", "Bearer"),))


def test_metadata_names_the_issuer_and_where_the_client_is() -> None:
    told = metadata(TOOLS, HEADERS.get)
    assert msgspec.json.decode(told.body or b"") == {
        "resource": "http://tools.test:9000/mcp",
        "authorization_servers": ["https://issuer.test"],
        "bearer_methods_supported": ["header"],
    }


def test_operators_own_address_goes_before_the_clients() -> None:
    desk = replace(TOOLS, kind=ListenerKind.AGENT, public_url="https://desk.test/")
    told = metadata(desk, HEADERS.get)
    assert b'"resource":"https://desk.test/mcp"' in (told.body or b"")


def test_refusal_leads_there() -> None:
    (challenge,) = challenged(REFUSED, TOOLS, HEADERS.get).headers
    where = f"http://tools.test:9000{PATH}/mcp"
    assert challenge == ("www-authenticate", f'Bearer, resource_metadata="{where}"')
    forbidden = replace(REFUSED, status=403)
    assert challenged(forbidden, TOOLS, HEADERS.get) is forbidden


@pytest.mark.parametrize(
    "listener",
    [
        replace(TOOLS, auth=None),
        replace(TOOLS, auth=Auth(api_keys=True)),
        replace(TOOLS, auth=Auth(jwt=JWT, own_header=True)),
        replace(TOOLS, auth=Auth(jwt=replace(JWT, issuer="a word"))),
        replace(TOOLS, kind=ListenerKind.MODEL),
    ],
    ids=["nobody", "keys", "own header", "no address", "models"],
)
def test_nothing_is_told_where_no_issuer_can_be_asked(listener: Listener) -> None:
    assert not describes(listener, PATH)
    assert challenged(REFUSED, listener, HEADERS.get) is REFUSED


def test_other_paths_tell_nothing() -> None:
    assert describes(TOOLS, PATH)
    assert describes(TOOLS, PATH + "/mcp")
    assert not describes(TOOLS, PATH + "/other")
