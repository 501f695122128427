"""What a data port answers by itself: health, the list of models, and that it knows nothing else.
Pure.
"""

from urllib.parse import unquote

import msgspec

from dataplane.runtime.config import AgentTarget, Listener, ModelTarget, RuntimeConfig
from dataplane.runtime.messages import LocalReply, ResponseDetail

CHAT = "/v1/chat/completions"
MODELS = "/v1/models"
HEALTH = "/healthz"

_JSON = (("content-type", "application/json"),)
_ENCODER = msgspec.json.Encoder()
_READ = ("GET", "HEAD")


def answer(config: RuntimeConfig, listener: Listener, method: str, path: str) -> LocalReply:
    """The answer to anything but a chat completion."""
    if path == CHAT:
        return _only(method, path, ("POST",))
    if path == HEALTH:
        if method not in _READ:
            return _only(method, path, _READ)
        return _json({"status": "ok"})
    if path == MODELS or path.startswith(MODELS + "/"):
        if method not in _READ:
            return _only(method, path, _READ)
        return _models(config, listener, unquote(path[len(MODELS) + 1 :]))
    return LocalReply(404, f"There is nothing at {path[:200]}.", ResponseDetail.ROUTE_NOT_FOUND)


def _only(method: str, path: str, allowed: tuple[str, ...]) -> LocalReply:
    return LocalReply(
        405,
        f"{method} is not possible at {path[:200]}; use {' or '.join(allowed)}.",
        ResponseDetail.METHOD_NOT_ALLOWED,
        (("allow", ", ".join(allowed)),),
    )


def _models(config: RuntimeConfig, listener: Listener, wanted: str) -> LocalReply:
    shown: dict[str, dict[str, object]] = {}
    for route in listener.routes:
        target = route.target
        match target:
            case ModelTarget(providers=providers):
                name = route.model_id
                provider = config.providers.get(providers[0]) if providers else None
                owner = provider.provider if provider is not None else "outrider"
            case AgentTarget(agent=agent):
                name, owner = route.model_id or agent, "outrider"
        if name and name not in shown:
            shown[name] = {"id": name, "object": "model", "created": 0, "owned_by": owner}
    if not wanted:
        return _json({"object": "list", "data": list(shown.values())})
    if wanted in shown:
        return _json(shown[wanted])
    return LocalReply(
        404,
        f"The model `{wanted[:128]}` does not exist on this listener.",
        ResponseDetail.MODEL_NOT_FOUND,
    )


def _json(value: object) -> LocalReply:
    return LocalReply(200, "", ResponseDetail.LOCAL, _JSON, _ENCODER.encode(value))
