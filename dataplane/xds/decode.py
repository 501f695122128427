"""Wire -> runtime values, one resource at a time.

A resource is decoded once: an update that brings a version we have keeps the object we have, so
everything compiled from it can be kept by identity. An error names the resource, because it is what
the operator reads of a refusal.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from google.protobuf.message import DecodeError as WireError
from google.protobuf.message import Message
from outriderpb.v1 import (
    agent_pb2,
    api_key_pb2,
    cluster_pb2,
    endpoint_pb2,
    filter_pb2,
    limit_pb2,
    listener_pb2,
    mcp_pb2,
    model_metrics_pb2,
    model_pb2,
    model_routing_pb2,
    preference_pb2,
    route_pb2,
    state_storage_pb2,
    tracing_pb2,
)
from outriderpb.xds.v3 import ads_pb2

from dataplane.filters.api import UnusableFilterError
from dataplane.filters.builtin import made
from dataplane.intent.embed import missing_packages
from dataplane.runtime import config
from dataplane.runtime.orchestrator import Orchestrator
from dataplane.runtime.precedence import Precedence
from dataplane.xds.agents import agent
from dataplane.xds.auth import api_key, auth, card_signing, tls
from dataplane.xds.choosing import model_metrics, model_routing, preference
from dataplane.xds.clusters import cluster, endpoints, priority
from dataplane.xds.fields import BadFieldError, given, same, seconds, secret
from dataplane.xds.limits import limit, limits_storage
from dataplane.xds.mcp import mcp_server, members
from dataplane.xds.orchestrator import orchestrator
from dataplane.xds.plans import running
from dataplane.xds.prompts import prompt_rules, prompt_target
from dataplane.xds.providers import provider
from dataplane.xds.resource import Decoded, Named, ResourceKind, fingerprint
from dataplane.xds.retry import route_policy
from dataplane.xds.secrets import SecretReader, SecretUnavailableError
from dataplane.xds.state_storage import state_storage


class UndecodableError(Exception):
    """A resource this data plane cannot use; the text says which and why."""


def decode(
    kind: ResourceKind, wire: ads_pb2.Resource, known: Named, secrets: SecretReader
) -> Decoded:
    """One resource of an update. Raises UndecodableError.

    :param known: what is accepted of this kind: an unchanged resource is returned as it is.
    """
    name, body = wire.name, wire.resource.value
    if not name:
        raise UndecodableError(f"a {kind.label} without a name")
    if wire.resource.type_url != kind.url:
        raise UndecodableError(f"{kind.label} {name!r}: is a {wire.resource.type_url or 'nothing'}")
    have = known.get(name)
    if have is not None and have.version == wire.version and have.body == body:
        return have
    message_class, read = DECODERS[kind]
    try:
        message = message_class.FromString(body)
        value = read(name, message, secrets)
    except WireError as e:
        raise UndecodableError(f"{kind.label} {name!r}: not a valid message") from e
    except (BadFieldError, SecretUnavailableError) as e:
        raise UndecodableError(f"{kind.label} {name!r}: {e}") from e
    return Decoded(kind, name, wire.version, body, value, fingerprint(kind, name, wire.version))


def _filter(name: str, m: filter_pb2.Filter, secrets: SecretReader) -> config.Filter:
    same(name, m.id, "id")
    read = config.Filter(
        name,
        m.cluster,
        m.path_prefix,
        seconds(m.timeout_ms, 10.0),
        m.kind or "http",
        m.fails_open,
        m.settings or "{}",
        secret(m.connection, secrets) if m.HasField("connection") else None,
    )
    try:
        filter_ = made(read)
    except UnusableFilterError as e:
        raise BadFieldError(str(e)) from e
    missing = missing_packages() if filter_.needs_encoder else ()
    if missing:
        what = f"needs the embedded encoder, and there is no {', '.join(missing)}"
        raise BadFieldError(f"{what}: install outrider[router] with the data plane")
    return replace(read, made=filter_)


def _tracing(_: str, m: tracing_pb2.Tracing, __: SecretReader) -> config.Tracing:
    if not 0.0 <= m.sampling_percent <= 100.0:
        raise BadFieldError(f"sampling_percent {m.sampling_percent} is not between 0 and 100")
    return config.Tracing(
        endpoint=given(m.endpoint, "endpoint"),
        sampling_percent=m.sampling_percent,
        static_attributes=tuple(sorted(m.static_attributes.items())),
        header_prefixes=tuple(m.header_prefixes),
    )


def _route(name: str, m: route_pb2.Route, secrets: SecretReader) -> config.Route:
    same(name, m.name, "name")
    return config.Route(
        name=name,
        listener=given(m.listener, "listener"),
        target=_target(m, secrets),
        models=tuple(m.models),
        is_default=m.is_default,
        model_id=m.model_id,
        retry=route_policy(m),
        priority=priority(m),
        input_filters=tuple(m.input_filters),
        output_filters=tuple(m.output_filters),
    )


def _target(m: route_pb2.Route, secrets: SecretReader) -> config.Target:
    match m.WhichOneof("target"):
        case "model":
            if not m.model.providers:
                raise BadFieldError("leads to no model provider")
            return config.ModelTarget(tuple(m.model.providers))
        case "agent":
            one = m.agent
            return config.AgentTarget(
                agent=given(one.agent, "agent"),
                description=one.description,
                is_default=one.is_default,
                input_filters=tuple(one.input_filters),
                output_filters=tuple(one.output_filters),
                position=one.position,
                examples=tuple(one.examples),
                choosable=not one.unchosen,
                on_failure=tuple(one.on_failure),
            )
        case "prompt":
            return prompt_target(m.prompt, secrets)
        case _:
            raise BadFieldError("leads to a kind of target that this data plane does not know")


KINDS: Mapping[int, config.ListenerKind] = {
    listener_pb2.LISTENER_KIND_AGENT: config.ListenerKind.AGENT,
    listener_pb2.LISTENER_KIND_MODEL: config.ListenerKind.MODEL,
    listener_pb2.LISTENER_KIND_PROMPT: config.ListenerKind.PROMPT,
    listener_pb2.LISTENER_KIND_MCP: config.ListenerKind.MCP,
}


PRECEDENCES: Mapping[int, Precedence] = {
    listener_pb2.PRECEDENCE_DEFAULT: Precedence.DEFAULT,
    listener_pb2.PRECEDENCE_LOW: Precedence.LOW,
    listener_pb2.PRECEDENCE_HIGH: Precedence.HIGH,
}


def _listener(name: str, m: listener_pb2.Listener, _: SecretReader) -> config.Listener:
    same(name, m.name, "name")
    guarded = m.kind == listener_pb2.LISTENER_KIND_GUARDED
    kind = KINDS.get(m.guarded if guarded else m.kind)
    if kind is None:
        raise BadFieldError(f"kind {m.kind} is not one this data plane knows")
    if m.port > 65535:
        raise BadFieldError(f"port {m.port} is not between 0 and 65535")
    return config.Listener(
        name=name,
        kind=kind,
        address=given(m.address, "address"),
        port=m.port,
        timeout_s=seconds(m.timeout_ms, 300.0),
        limits=_limits(m.limits),
        input_filters=tuple(m.input_filters),
        output_filters=tuple(m.output_filters),
        min_confidence=m.min_confidence,
        running=running(m.plan),
        mcp_servers=members(m),
        allowed_origins=frozenset(m.allowed_origins),
        public_url=m.public_url,
        card_signing=(
            card_signing(m.card_signing, m.public_url) if m.HasField("card_signing") else None
        ),
        orchestrator=(
            orchestrator(m.orchestrator) if m.HasField("orchestrator") else Orchestrator()
        ),
        auth=auth(m.auth) if m.HasField("auth") else None,
        tls=tls(m.tls) if m.HasField("tls") else None,
        drop_untranslatable=m.drop_untranslatable,
        prompt=prompt_rules(m.prompt) if kind is config.ListenerKind.PROMPT else None,
    )


def _limits(m: listener_pb2.Limits) -> config.Limits:
    """Zero means not set: a limit of nothing would refuse every request."""
    default = config.Limits()
    return config.Limits(
        max_header_bytes=m.max_header_bytes or default.max_header_bytes,
        max_body_bytes=m.max_body_bytes or default.max_body_bytes,
        max_requests=m.max_requests or default.max_requests,
        receive_timeout_s=seconds(m.receive_timeout_ms, default.receive_timeout_s),
        idle_timeout_s=seconds(m.idle_timeout_ms, default.idle_timeout_s),
        max_queue=m.max_queue if m.HasField("max_queue") else default.max_queue,
        queue_timeout_s=(
            m.queue_timeout_ms / 1000 if m.HasField("queue_timeout_ms") else default.queue_timeout_s
        ),
        max_buffered_bytes=m.max_buffered_bytes or default.max_buffered_bytes,
        precedence=PRECEDENCES.get(m.precedence, Precedence.DEFAULT),
    )


DECODERS: Mapping[ResourceKind, tuple[type[Message], Callable[..., object]]] = {
    ResourceKind.CLUSTER: (cluster_pb2.Cluster, cluster),
    ResourceKind.ENDPOINTS: (endpoint_pb2.Endpoints, endpoints),
    ResourceKind.MODEL_PROVIDER: (model_pb2.ModelProvider, provider),
    ResourceKind.AGENT: (agent_pb2.Agent, agent),
    ResourceKind.FILTER: (filter_pb2.Filter, _filter),
    ResourceKind.MCP_SERVER: (mcp_pb2.McpServer, mcp_server),
    ResourceKind.TRACING: (tracing_pb2.Tracing, _tracing),
    ResourceKind.MODEL_METRICS: (model_metrics_pb2.ModelMetrics, model_metrics),
    ResourceKind.STATE_STORAGE: (state_storage_pb2.StateStorage, state_storage),
    ResourceKind.ROUTE: (route_pb2.Route, _route),
    ResourceKind.PREFERENCE: (preference_pb2.RoutingPreference, preference),
    ResourceKind.MODEL_ROUTING: (model_routing_pb2.ModelRouting, model_routing),
    ResourceKind.API_KEY: (api_key_pb2.ApiKey, api_key),
    ResourceKind.LIMITS_STORAGE: (limit_pb2.LimitsStorage, limits_storage),
    ResourceKind.LIMIT: (limit_pb2.Limit, limit),
    ResourceKind.LISTENER: (listener_pb2.Listener, _listener),
}
