"""Who chooses: a model that exists and can be asked, and keys that mean something for its type.

Plano has one model for both choices: whichever of its two keys is given serves the other one, too.
"""

from typing import TYPE_CHECKING

from controlplane.config import schema, schema_orchestrator, schema_routing
from controlplane.config.rules import models, preferences
from controlplane.config.rules.findings import Findings, suggest

if TYPE_CHECKING:
    from controlplane.config.parse import Parsed
    from controlplane.config.problem import ConfigError, Path

PLANOS_WEIGHTS = "plano-orchestrator"
_OF_MODELS = ("model", "prompt", "context_length")


def agent_model(config: schema.Config) -> str | None:
    """The model that chooses among agents where a listener says nothing."""
    overrides = config.overrides or schema_routing.Overrides()
    return overrides.agent_orchestration_model or overrides.llm_routing_model


def preference_model(config: schema.Config) -> str | None:
    """The model that chooses preferences."""
    overrides = config.overrides or schema_routing.Overrides()
    return overrides.llm_routing_model or overrides.agent_orchestration_model


def orchestrator_of(
    config: schema.Config, listener: schema.Listener
) -> schema_orchestrator.Orchestrator:
    """Who chooses on a listener; its model and context are filled in."""
    given = listener.orchestrator
    planos = agent_model(config)
    if given is None:
        kind = "embedded" if planos is None else "model"
        given = schema_orchestrator.Orchestrator.model_validate({"type": kind})
    if given.type == "embedded":
        return given
    overrides = config.overrides or schema_routing.Overrides()
    length = given.context_length or overrides.orchestrator_model_context_length
    return given.model_copy(update={"model": given.model or planos, "context_length": length})


def asks_models(config: schema.Config) -> bool:
    """Whether an agent listener needs model providers."""
    agents = (listener for listener in config.listeners if listener.type == "agent")
    return any(orchestrator_of(config, listener).type != "embedded" for listener in agents)


def is_planos(model: str, prompt: str | None) -> bool:
    """Whether a model is asked in Plano's form."""
    return prompt == "plano" if prompt is not None else PLANOS_WEIGHTS in model.casefold()


def check(config: schema.Config, findings: Findings) -> None:
    """The models of `overrides`, and `orchestrator` of every listener."""
    overrides = config.overrides or schema_routing.Overrides()
    chooses = bool(preferences.preferences_of(config)) or any(
        listener.type == "agent" for listener in config.listeners
    )
    for key in ("llm_routing_model", "agent_orchestration_model"):
        name = getattr(overrides, key)
        if name is not None:
            path: Path = ("overrides", key)
            _model(config, name, path, findings)
            if not chooses:
                hint = "add 'routing_preferences' or an agent listener, or remove it"
                findings.add(path, "there is nothing to choose", hint)
    for index, listener in enumerate(config.listeners):
        if listener.orchestrator is not None:
            _block(config, listener, ("listeners", index, "orchestrator"), findings)


def _block(
    config: schema.Config, listener: schema.Listener, path: "Path", findings: Findings
) -> None:
    given = listener.orchestrator
    assert given is not None
    if listener.type != "agent":
        hint = "it is for agent listeners; preferences have overrides.llm_routing_model"
        findings.add(path, "means nothing in a model listener", hint)
    elif given.type == "embedded":
        for key in _OF_MODELS:
            if getattr(given, key) is not None:
                hint = "write type: model or type: cascade"
                findings.add((*path, key), "the embedded router has no model", hint)
    elif given.model is not None:
        _model(config, given.model, (*path, "model"), findings)
    elif agent_model(config) is None and not findings.blamed((*path, "model")):
        hint = "a model of 'model_providers'"
        findings.add((*path, "model"), "is missing", hint)
    if "ask_below" in given.model_fields_set and given.type != "cascade":
        hint = "write type: cascade"
        findings.add((*path, "ask_below"), "means nothing without a cascade", hint)


def _model(config: schema.Config, name: str, path: "Path", findings: Findings) -> None:
    """A model that a data plane can ask by itself."""
    known = models.models_of(config)
    serving = known.get(name)
    if serving is None or "*" in name:
        hint = suggest(name, known, "model providers")
        findings.add(path, f"unknown model {name!r}", hint)
        return
    provider = next(one for one in config.model_providers if models.name_of(one) == serving[0])
    if provider.aws is not None:
        hint = "use a Bedrock API key (access_key)"
        findings.add(path, "its requests are signed for AWS, which routing cannot do", hint)
    elif provider.passthrough_auth:
        hint = "give a provider with a key of its own"
        findings.add(path, "it has no key but the client's, which is not for routing", hint)


def notes(parsed: "Parsed") -> list["ConfigError"]:
    """What has no effect, or not the one that Plano's users expect."""
    config = parsed.config
    told: list[ConfigError] = []
    for index, listener in enumerate(config.listeners):
        path: Path = ("listeners", index)
        several = len(listener.agents) > 1
        if listener.router is not None and listener.orchestrator is None and several:
            if agent_model(config) is None:
                hint = "name its model in overrides.agent_orchestration_model to have it asked"
                what = "agents are chosen by the embedded router: there is no Plano-Orchestrator"
                told.append(parsed.error((*path, "router"), what, hint))
        elif listener.orchestrator is not None and not several:
            what = "has no effect: there is one agent"
            told.append(parsed.error((*path, "orchestrator"), what))
    return told
