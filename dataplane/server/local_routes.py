"""What a data port answers by itself: health, the lists of models, and that it knows nothing else.
Pure.
"""

from urllib.parse import unquote

import msgspec

from dataplane.runtime.config import (
    AgentTarget,
    Listener,
    ModelTarget,
    RuntimeConfig,
)
from dataplane.runtime.messages import LocalReply, ResponseDetail
from dataplane.runtime.principal import Principal
from dataplane.runtime.prompts import PromptTarget
from dataplane.runtime.protocols import CHAT_PATH, Protocol
from dataplane.server.auth.scope import permitted
from dataplane.server.surface import meant, nothing_at, only

MODELS = "/v1/models"
GOOGLE_MODELS = "/v1beta/models"
HEALTH = "/healthz"

_JSON = (("content-type", "application/json"),)
_ENCODER = msgspec.json.Encoder()
_READ = ("GET", "HEAD")
_EPOCH = "1970-01-01T00:00:00Z"
"""Anthropic's models have a date; nobody knows it here."""
_GOOGLE_METHODS = ["generateContent", "countTokens"]


def answer(
    config: RuntimeConfig,
    listener: Listener,
    method: str,
    path: str,
    speaks: Protocol = Protocol.CHAT,
    principal: Principal | None = None,
) -> LocalReply:
    """The answer to anything that is no request for a model; lists are in the shape of the API that
    the caller `speaks`, and have what it may ask for.
    """
    if path == CHAT_PATH:
        return only(method, path, ("POST",))
    if is_health(listener, path):
        return _json({"status": "ok"}) if method in _READ else only(method, path, _READ)
    for prefix in (MODELS, GOOGLE_MODELS):
        if path == prefix or path.startswith(prefix + "/"):
            if method not in _READ:
                return only(method, path, _READ)
            wanted = unquote(path[len(prefix) + 1 :])
            return _models(config, listener, wanted, speaks, principal)
    return nothing_at(path, meant(path, listener.kind))


def is_health(listener: Listener, path: str) -> bool:
    """Whether a path only asks if we are there: probes have no credentials."""
    return path == HEALTH or (path == "/" and listener.kind.is_of_models)


def _models(
    config: RuntimeConfig,
    listener: Listener,
    wanted: str,
    speaks: Protocol,
    principal: Principal | None,
) -> LocalReply:
    owners = _owners(config, listener)
    if listener.kind.is_of_models and principal is not None and principal.models:
        owners = {name: owners[name] for name in permitted(listener, principal, list(owners))}
    if wanted and wanted not in owners:
        return LocalReply(
            404,
            f"The model `{wanted[:128]}` does not exist on this listener.",
            ResponseDetail.MODEL_NOT_FOUND,
        )
    match speaks:
        case Protocol.MESSAGES:
            shown = [_anthropic(name) for name in owners]
            first, last = (shown[0]["id"], shown[-1]["id"]) if shown else (None, None)
            whole: object = {
                "data": shown,
                "has_more": False,
                "first_id": first,
                "last_id": last,
            }
            one: object = _anthropic(wanted)
        case Protocol.GEMINI:
            whole = {"models": [_google(name) for name in owners]}
            one = _google(wanted)
        case _:
            whole = {"object": "list", "data": [_openai(*entry) for entry in owners.items()]}
            one = _openai(wanted, owners.get(wanted, ""))
    return _json(one if wanted else whole)


def _owners(config: RuntimeConfig, listener: Listener) -> dict[str, str]:
    """The models to show, and who serves each."""
    owners: dict[str, str] = {}
    for route in listener.routes:
        match route.target:
            case ModelTarget(providers=providers):
                name = route.model_id
                provider = config.providers.get(providers[0]) if providers else None
                owner = provider.provider if provider is not None else "outrider"
            case AgentTarget(agent=agent):
                name, owner = route.model_id or agent, "outrider"
            case PromptTarget():
                continue
        if name:
            owners.setdefault(name, owner)
    return owners


def _openai(name: str, owner: str) -> dict[str, object]:
    return {"id": name, "object": "model", "created": 0, "owned_by": owner}


def _anthropic(name: str) -> dict[str, object]:
    return {"type": "model", "id": name, "display_name": name, "created_at": _EPOCH}


def _google(name: str) -> dict[str, object]:
    return {
        "name": f"models/{name}",
        "displayName": name,
        "supportedGenerationMethods": _GOOGLE_METHODS,
    }


def _json(value: object) -> LocalReply:
    return LocalReply(200, "", ResponseDetail.LOCAL, _JSON, _ENCODER.encode(value))
