"""The protocol without sessions (2026-07-28), and what it calls what sessions have other words for.

The rule: what a request says in headers and in its body must agree, because whoever stands between
may have gone by the headers. A result says what kind it is; one of an older server is complete.
"""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Raw

from dataplane.mcp.merge import LISTS
from dataplane.mcp.message import Code, Members, Message, Refused, encode, members, text, value
from dataplane.mcp.session import LATEST, VERSIONS
from dataplane.mcp.versions import STATELESS, SUPPORTED

META = "io.modelcontextprotocol/"
VERSION_KEY = f"{META}protocolVersion"
CAPABILITIES_KEY = f"{META}clientCapabilities"
CLIENT_KEY = f"{META}clientInfo"
LEVEL_KEY = f"{META}logLevel"
SUBSCRIPTION_KEY = f"{META}subscriptionId"
SERVER_KEY = f"{META}serverInfo"
KEYS = (VERSION_KEY, CAPABILITIES_KEY, CLIENT_KEY, LEVEL_KEY)
NAMED_BY = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
"""What the header `mcp-name` repeats."""
LISTEN, DISCOVER, ACKNOWLEDGED = (
    "subscriptions/listen",
    "server/discover",
    "notifications/subscriptions/acknowledged",
)
OFFERED = frozenset((*NAMED_BY, *LISTS, LISTEN, DISCOVER, "completion/complete"))
CACHED = frozenset((*LISTS, "resources/read", DISCOVER))
"""Whose results say how long they are good: of older servers, not at all."""
CHANGES = {
    "toolsListChanged": "notifications/tools/list_changed",
    "promptsListChanged": "notifications/prompts/list_changed",
    "resourcesListChanged": "notifications/resources/list_changed",
}
"""What can be listened to, and what one hears."""
UPDATED = "notifications/resources/updated"
_WRAPPED = re.compile(r"=\?base64\?(.*)\?=")
_SAFE = re.compile(r"[\x20-\x7e]*")

Header = Callable[[str], str | None]


def is_stateless(header: Header, message: Message) -> bool:
    """Whether a message is of this protocol; what nobody knows is refused by it."""
    if message.method == "initialize":
        return False
    version = header("mcp-protocol-version")
    if version is not None:
        return version not in VERSIONS
    return VERSION_KEY in members(message.params.get("_meta"))


def refusal(header: Header, message: Message) -> Refused | None:
    """What a request says wrong about itself."""
    meta = members(message.params.get("_meta"))
    missing = [key for key in (VERSION_KEY, CAPABILITIES_KEY) if key not in meta]
    if missing:
        return Refused(Code.INVALID_PARAMS, f"params._meta lacks {' and '.join(missing)}.", 400)
    version = text(meta[VERSION_KEY])
    if header("mcp-protocol-version") != version:
        return _mismatch("mcp-protocol-version", "the version in _meta")
    if header("mcp-method") != message.method:
        return _mismatch("mcp-method", "the method")
    named = NAMED_BY.get(message.method)
    name = message.params.get(named) if named is not None else None
    if name is not None and unwrapped(header("mcp-name")) != text(name):
        return _mismatch("mcp-name", f"params.{named}")
    if version not in STATELESS:
        data = {"supported": list(SUPPORTED), "requested": version}
        return Refused(Code.UNSUPPORTED_VERSION, "Unsupported protocol version.", 400, data)
    if not isinstance(value(meta[CAPABILITIES_KEY]), dict):
        return Refused(Code.INVALID_PARAMS, f"{CAPABILITIES_KEY} is no object.", 400)
    return None


def _mismatch(name: str, what: str) -> Refused:
    return Refused(Code.HEADER_MISMATCH, f"The header {name} is not {what}.", 400)


def wrapped(word: str) -> str:
    """A value as a header has it."""
    if _SAFE.fullmatch(word) and word == word.strip() and not _WRAPPED.fullmatch(word):
        return word
    return f"=?base64?{base64.b64encode(word.encode()).decode()}?="


def unwrapped(word: str | None) -> str | None:
    """The value that a header has; None: there is none, or nobody can read it."""
    found = _WRAPPED.fullmatch(word) if word is not None else None
    if found is None:
        return word
    try:
        return base64.b64decode(found[1], validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None


def headers(message: Message) -> tuple[tuple[str, str], ...]:
    """What a request says about itself in headers."""
    named = NAMED_BY.get(message.method)
    name = text(message.params.get(named)) if named is not None else ""
    about = (("mcp-protocol-version", STATELESS[-1]), ("mcp-method", message.method))
    return (*about, ("mcp-name", wrapped(name))) if name else about


def stamped(message: Message, asked: Members, level: str = "") -> Message:
    """A request of a session as one that stands for itself; `asked` are params of `initialize`."""
    meta: dict[str, Any] = dict(members(message.params.get("_meta")))
    meta |= {
        VERSION_KEY: STATELESS[-1],
        CAPABILITIES_KEY: asked.get("capabilities", {}),
        CLIENT_KEY: asked.get("clientInfo", {"name": "unknown", "version": "0"}),
    }
    if level:
        meta[LEVEL_KEY] = level
    return message.replaced(params={**message.params, "_meta": meta})


def initialization(meta: Members) -> Raw:
    """What a request that stands for itself would have begun a session with."""
    return Raw(
        encode(
            {
                "protocolVersion": LATEST,
                "capabilities": meta.get(CAPABILITIES_KEY, {}),
                "clientInfo": meta.get(CLIENT_KEY, {"name": "unknown", "version": "0"}),
            }
        )
    )


def plain(message: Message, id_: bytes) -> Message:
    """A request as a session has it, under another id, which is its progress token, too."""
    params = dict(message.params)
    meta: dict[str, Any] = {k: v for k, v in members(params.get("_meta")).items() if k not in KEYS}
    if "progressToken" in meta:
        meta["progressToken"] = Raw(id_)
    params.pop("_meta", None)
    for name in ("inputResponses", "requestState"):
        params.pop(name, None)
    if meta:
        params["_meta"] = Raw(encode(meta))
    return message.replaced(id=Raw(id_), params=params)


def completed(method: str, result: Mapping[str, Any], about: Any) -> dict[str, Any]:
    """A result of an older server, or of several, as this protocol has it.

    :param about: the server's own words about itself.
    """
    meta = result.get("_meta")
    named = {**(meta if isinstance(meta, dict) else members(meta)), SERVER_KEY: about}
    made: dict[str, Any] = {"resultType": "complete", **result, "_meta": named}
    if method in CACHED:
        made = {"ttlMs": 0, "cacheScope": "private", **made}
    return made


def bare(result: Members) -> dict[str, Raw]:
    """A result as sessions have it."""
    ours = ("resultType", "ttlMs", "cacheScope")
    return {name: raw for name, raw in result.items() if name not in ours}


def discovered(told: Members, *, name: str) -> dict[str, Any]:
    """An answer to `initialize` made of one to `server/discover`."""
    about = members(told.get("_meta")).get(SERVER_KEY, {"name": name, "version": "0"})
    made: dict[str, Any] = {
        "protocolVersion": LATEST,
        "capabilities": told.get("capabilities", {}),
        "serverInfo": about,
    }
    if "instructions" in told:
        made["instructions"] = told["instructions"]
    return made


def input_required(key: str, asked: Message, state: str) -> dict[str, Any]:
    """A server's request to the client, as a result that wants an answer first."""
    request: dict[str, Any] = {"method": asked.method, "params": asked.members.get("params", {})}
    return {
        "resultType": "input_required",
        "inputRequests": {key: request},
        "requestState": state,
    }


def wants_input(result: Members) -> bool:
    """Whether a result is none yet."""
    return text(result.get("resultType")) == "input_required"


def heard(wanted: Members, notification: Message, subscription: bytes) -> bytes | None:
    """What a subscriber hears of what a server says; None: nothing."""
    method = notification.method
    for key, name in CHANGES.items():
        if method == name and bytes(wanted.get(key, b"")) == b"true":
            break
    else:
        uris = value(wanted.get("resourceSubscriptions")) or []
        if method != UPDATED or text(notification.params.get("uri")) not in uris:
            return None
    return tagged(method, notification.params, subscription)


def tagged(method: str, params: Mapping[str, Any], subscription: bytes) -> bytes:
    """A notification on a subscription's stream."""
    meta = {**members(_raw(params.get("_meta"))), SUBSCRIPTION_KEY: Raw(subscription)}
    return encode({"jsonrpc": "2.0", "method": method, "params": {**params, "_meta": meta}})


def _raw(found: Any) -> Raw | None:
    return found if isinstance(found, Raw) else None
