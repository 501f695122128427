"""An agent's card: what an A2A agent says of itself, of either version.

Rule: a card never says where we connect to, only at which path: the host is the operator's.
"""

from dataclasses import dataclass
from urllib.parse import urlsplit

from dataplane.agents.a2a.v03 import Form
from dataplane.agents.a2a.values import Json, mapping, objects, strings, text
from dataplane.agents.described import Unknown

PATHS = ("/.well-known/agent-card.json", "/.well-known/agent.json")
"""Where cards are: of 1.0 and 0.3, and before that."""
JSON_RPC = "JSONRPC"
REST = "HTTP+JSON"


@dataclass(frozen=True, slots=True)
class Skill:
    """Something an agent can do."""

    id: str
    name: str
    description: str
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Interface:
    """How an agent is spoken to."""

    form: Form
    binding: str
    path: str
    """Of JSON-RPC; what REST's paths are added to."""


@dataclass(frozen=True, slots=True)
class Card:
    """A card as far as it is used."""

    name: str
    description: str
    skills: tuple[Skill, ...]
    interface: Interface
    streams: bool
    raw: Json
    """As it came."""

    def told(self) -> str:
        """What a router reads: the agent and its skills in plain sentences."""
        skills = (one.description or one.name for one in self.skills)
        return " ".join(filter(None, (self.description or self.name, *skills)))

    def examples(self) -> tuple[str, ...]:
        """Requests that it is meant for."""
        return tuple(example for skill in self.skills for example in skill.examples)


def read_card(raw: Json, prefix: str) -> Card | Unknown:
    """What a card says.

    :param prefix: the path of the agent's address, as the operator gave it.
    """
    interfaces = _interfaces(raw, prefix)
    if not interfaces:
        return Unknown("its card names no interface of JSON-RPC or HTTP+JSON")
    skills = tuple(
        Skill(
            text(one.get("id")),
            text(one.get("name")),
            text(one.get("description")),
            tuple(strings(one.get("examples"))),
        )
        for one in objects(raw.get("skills"))
    )
    streams = mapping(raw.get("capabilities")).get("streaming") is True
    best = min(interfaces, key=lambda one: (one.form is not Form.V1, one.binding != JSON_RPC))
    name, told = text(raw.get("name")), text(raw.get("description"))
    return Card(name, told, skills, best, streams, raw)


def _interfaces(raw: Json, prefix: str) -> list[Interface]:
    told = [
        (one.get("url"), one.get("protocolBinding"), one.get("protocolVersion") or "1.0")
        for one in objects(raw.get("supportedInterfaces"))
    ]
    if raw.get("url"):
        old = text(raw.get("protocolVersion")) or "0.3.0"
        old = old if old.startswith("0.") else "0.3.0"
        told.append((raw.get("url"), raw.get("preferredTransport") or JSON_RPC, old))
        told += [
            (one.get("url"), one.get("transport"), old)
            for one in objects(raw.get("additionalInterfaces"))
        ]
    found = []
    for url, binding, version in told:
        form = _form(text(version), text(binding))
        if form is not None and isinstance(url, str):
            found.append(Interface(form, text(binding), _path(url, prefix)))
    return found


def _form(version: str, binding: str) -> Form | None:
    if binding not in (JSON_RPC, REST):
        return None
    if version.startswith("1."):
        return Form.V1
    if version.startswith("0."):
        return Form.KINDS if binding == JSON_RPC else Form.PROTO
    return None


def _path(url: str, prefix: str) -> str:
    """The path of an interface, below the address that the operator gave."""
    try:
        path = urlsplit(url).path
    except ValueError:
        path = ""
    if not path.isascii() or any(char in path for char in " \r\n"):
        path = ""
    path = path.rstrip("/")
    if path == prefix or path.startswith(prefix + "/"):
        return path or "/"
    return prefix + path or "/"
