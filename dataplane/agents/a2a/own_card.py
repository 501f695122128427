"""The card of an agent listener, which is an A2A agent itself; of both versions in one document.

Rule: every address in it is the gateway's own, and who must show a credential to ask reads here
which; who has not shown one learns no more than that.
"""

from collections.abc import Mapping

from dataplane.agents.a2a.card import JSON_RPC, REST, Card
from dataplane.agents.a2a.values import Json, objects, present, strings
from dataplane.runtime.auth import Auth
from dataplane.runtime.config import AgentTarget, Listener

PATH = "/a2a"
"""JSON-RPC; REST is below it."""
VERSION = "1.0.0"
"""Of listeners that front several agents: their configs have none."""
_TEXT = ["text/plain"]


def own_card(
    listener: Listener, cards: Mapping[str, Card], base: str, *, known_caller: bool
) -> Json:
    """The document.

    :param base: where the caller reaches us: "https://host:port".
    :param known_caller: whether it may know what is behind the listener.
    """
    targets = [route.target for route in listener.routes if isinstance(route.target, AgentTarget)]
    only = cards.get(targets[0].agent) if len(targets) == 1 else None
    if not known_caller:
        made = _closed(listener)
    elif only is not None:
        made = _of_one(only)
    else:
        made = _of_all(listener, targets, cards)
    return made | _connection(base) | _capabilities(made) | _security(listener.auth)


def _closed(listener: Listener) -> Json:
    told = "What it does is told to callers that show a credential."
    skill = {"id": listener.name, "name": listener.name, "description": told, "tags": ["agent"]}
    return _head(listener.name, told, [skill])


def _of_one(card: Card) -> Json:
    """The agent's own, with what stands for its own address left out."""
    kept = ("provider", "documentationUrl", "iconUrl", "defaultInputModes", "defaultOutputModes")
    raw = card.raw
    skills = [
        {"tags": []} | {name: one[name] for name in one if not name.startswith("security")}
        for one in objects(raw.get("skills"))
    ]
    made = _head(card.name, card.description or card.name, skills)
    version = raw.get("version")
    made |= {name: raw[name] for name in kept if raw.get(name)}
    return made | ({"version": version} if isinstance(version, str) and version else {})


def _of_all(listener: Listener, targets: list[AgentTarget], cards: Mapping[str, Card]) -> Json:
    skills: list[Json] = []
    for target in targets:
        card = cards.get(target.agent)
        told = target.description or (card.told() if card is not None else "") or target.agent
        skill: Json = {
            "id": target.agent,
            "name": card.name if card is not None and card.name else target.agent,
            "description": told,
            "tags": _tags(card),
        }
        skills.append(skill | present(examples=list(target.examples)))
    names = ", ".join(target.agent for target in targets)
    return _head(listener.name, f"Whoever fits of these agents answers: {names}.", skills)


def _tags(card: Card | None) -> list[str]:
    skills = objects(card.raw.get("skills")) if card is not None else []
    tags = dict.fromkeys(tag for one in skills for tag in strings(one.get("tags")))
    return list(tags) or ["agent"]


def _head(name: str, description: str, skills: list[Json]) -> Json:
    return {
        "name": name,
        "description": description,
        "version": VERSION,
        "defaultInputModes": _TEXT,
        "defaultOutputModes": _TEXT,
        "skills": skills,
    }


def _connection(base: str) -> Json:
    url = base + PATH
    pairs = [(binding, version) for version in ("1.0", "0.3") for binding in (JSON_RPC, REST)]
    return {
        "supportedInterfaces": [
            {"url": url, "protocolBinding": binding, "protocolVersion": version}
            for binding, version in pairs
        ],
        # what 0.3 reads
        "url": url,
        "preferredTransport": JSON_RPC,
        "protocolVersion": "0.3.0",
        "additionalInterfaces": [
            {"url": url, "transport": binding} for binding in (JSON_RPC, REST)
        ],
    }


def _capabilities(_: Json) -> Json:
    told = {"streaming": True, "pushNotifications": False, "stateTransitionHistory": False}
    return {"capabilities": told | {"extendedAgentCard": True}} | {
        "supportsAuthenticatedExtendedCard": True
    }


def _security(auth: Auth | None) -> Json:
    """How callers show who they are, in the words of both versions."""
    if auth is None:
        return {}
    schemes: Json = {}
    if auth.own_header:
        told = {"in": "header", "name": "x-outrider-key"}
        ours = {"location": "header", "name": "x-outrider-key"}
        schemes["key"] = {"type": "apiKey", "apiKeySecurityScheme": ours} | told
    elif auth.api_keys or auth.jwt is not None:
        scheme = {"scheme": "bearer"}
        schemes["bearer"] = {"type": "http", "httpAuthSecurityScheme": scheme} | scheme
    if auth.client_certificate is not None:
        schemes["certificate"] = {"type": "mutualTLS", "mtlsSecurityScheme": {}}
    wanted = list(schemes) if auth.required else []
    return {"securitySchemes": schemes} | present(
        securityRequirements=[{"schemes": {name: {"list": []}}} for name in wanted],
        security=[{name: []} for name in wanted],
    )
