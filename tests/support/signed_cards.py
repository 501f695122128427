"""Cards of agents, signed by others' means."""

from typing import Any

import jwt
import rfc8785
from a2a.server.request_handlers.response_helpers import agent_card_to_dict
from a2a.utils.signing import create_agent_card_signer

from tests.support.a2a_server import card
from tests.support.issuer import SigningKey

Json = dict[str, Any]


def signed_by_the_sdk(key: SigningKey, **header: Any) -> Json:
    """A card as the SDK's own server serves it: with fields of 0.3 that are not signed."""
    protected: Any = {"kid": key.kid, "alg": key.algorithm, "typ": "JOSE"} | header
    signer = create_agent_card_signer(key.private, protected)
    found: Json = agent_card_to_dict(signer(card("http://127.0.0.1:9", "1.0", "JSONRPC")))
    return found


def signed_as_it_is(raw: Json, key: SigningKey, **header: Any) -> Json:
    """As the SDK for Go signs: the document, whatever is in it."""
    token = jwt.PyJWS().encode(
        rfc8785.dumps(raw), key.private, key.algorithm, {"kid": key.kid, "typ": "JOSE"} | header
    )
    protected, _, signature = token.split(".")
    return raw | {"signatures": [{"protected": protected, "signature": signature}]}
