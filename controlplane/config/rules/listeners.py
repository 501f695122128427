"""Listeners: ports that can be bound together, agents and filters that exist."""

from collections.abc import Iterable
from ipaddress import ip_address

from controlplane.config import schema
from controlplane.config.problem import Path
from controlplane.config.rules import filters, mcp, prompts
from controlplane.config.rules.agents import SAY_THEMSELVES
from controlplane.config.rules.findings import Findings, suggest

PORTS = {"model": 12000, "prompt": 10000}
"""Plano's defaults."""
CARD_KEYS = ("public_url", "card_signing")
PROMPT_KEYS = ("choose_by", "function_calling_model", "tool_messages")


def check(config: schema.Config, findings: Findings) -> None:
    """Everything under `listeners`."""
    if not config.listeners:
        findings.add(("listeners",), "is empty", "nothing is served without a listener")
    names: dict[str, Path] = {}
    bound: list[tuple[str, int, int]] = []
    for index, listener in enumerate(config.listeners):
        path: Path = ("listeners", index)
        findings.once(names, listener.name, (*path, "name"), "listener")
        _address(listener, path, bound, findings)
        filters.chains(config, listener, path, findings)
        match listener.type:
            case "agent":
                _agent_listener(config, listener, path, findings)
            case "model" | "prompt":
                _model_listener(config, listener, path, findings)
            case "mcp":
                mcp.listener(config, listener, path, findings)
        if listener.type == "prompt":
            prompts.check_listener(config, listener, path, findings)
        else:
            _means_nothing(listener, PROMPT_KEYS, "prompt", path, findings)
        if listener.type != "agent":
            _means_nothing(listener, CARD_KEYS, "agent", path, findings)
        if listener.type != "mcp":
            _means_nothing(listener, ("mcp_servers",), "MCP", path, findings)
        if listener.type not in ("mcp", "agent"):
            _means_nothing(listener, ("allowed_origins",), "agent and MCP", path, findings)


def port_of(listener: schema.Listener) -> int:
    """The port to listen on, with the default of its type."""
    return PORTS.get(listener.type, 0) if listener.port is None else listener.port


def _address(
    listener: schema.Listener, path: Path, bound: list[tuple[str, int, int]], findings: Findings
) -> None:
    address = "127.0.0.1" if listener.address == "localhost" else listener.address
    try:
        ip_address(address)
    except ValueError:
        hint = "write 0.0.0.0 for every address, 127.0.0.1 for this machine only"
        if ":" in address and address.rpartition(":")[2].isdigit():
            hint = "the port has a key of its own: port"
        findings.add((*path, "address"), f"{listener.address!r} is not an IP address", hint)
        return
    if listener.port is None and listener.type in ("agent", "mcp"):
        findings.add((*path, "port"), "is missing", "the port to listen on")
        return
    port = port_of(listener)
    for other, other_port, index in bound:
        if port == other_port != 0 and (other == address or {other, address} & {"0.0.0.0", "::"}):
            at = ("listeners", index, "port")
            hint = f"the first one is in line {findings.line(at)}"
            findings.add((*path, "port"), f"port {port} is taken by another listener", hint)
            break
    bound.append((address, port, path[-1] if isinstance(path[-1], int) else 0))


def _agent_listener(
    config: schema.Config, listener: schema.Listener, path: Path, findings: Findings
) -> None:
    if not listener.agents:
        hint = "list at least one, with id and description"
        findings.add((*path, "agents"), "an agent listener needs agents", hint)
    known = dict.fromkeys(agent.id for agent in config.agents)
    speaking = {agent.id for agent in config.agents if agent.protocol in SAY_THEMSELVES}
    seen: dict[str, Path] = {}
    default: Path = ()
    for index, agent in enumerate(listener.agents):
        at: Path = (*path, "agents", index)
        findings.once(seen, agent.id, (*at, "id"), "agent of this listener")
        if agent.id not in known:
            hint = _unknown_agent(config, agent.id, known)
            findings.add((*at, "id"), f"unknown agent {agent.id!r}", hint)
        elif agent.description is None and agent.id not in speaking:
            hint = "what the agent can do, in plain sentences"
            findings.add((*at, "description"), "is missing", hint)
        if agent.default and default:
            hint = f"the first one is in line {findings.line(default)}"
            findings.add((*at, "default"), "a second default agent in this listener", hint)
        elif agent.default:
            default = (*at, "default")
        filters.chains(config, agent, at, findings)
    nowhere = listener.public_url is None and not findings.blamed((*path, "public_url"))
    if listener.card_signing is not None and nowhere:
        hint = "else we would sign whatever address a client says in its Host header"
        findings.add((*path, "card_signing"), "needs 'public_url'", hint)


def _unknown_agent(config: schema.Config, name: str, known: Iterable[str]) -> str:
    if any(name == one.id for one in config.filters):
        return "it is a filter; agents are entries of the top-level 'agents'"
    return suggest(name, known, "agents")


def _model_listener(
    config: schema.Config, listener: schema.Listener, path: Path, findings: Findings
) -> None:
    if listener.agents:
        hint = "write type: agent, or remove its agents"
        findings.add((*path, "agents"), f"a {listener.type} listener has no agents", hint)
    if listener.type == "model":
        _means_nothing(listener, ("min_confidence",), "agent", path, findings)
    if not config.model_providers:
        hint = "add an entry to the top-level 'model_providers'"
        what = f"a {listener.type} listener needs model providers"
        findings.add((*path, "type"), what, hint)


def _means_nothing(
    listener: schema.Listener, keys: Iterable[str], kind: str, path: Path, findings: Findings
) -> None:
    for key in keys:
        if key in listener.model_fields_set:
            hint = f"it is for {kind} listeners"
            findings.add((*path, key), f"means nothing in a {listener.type} listener", hint)
