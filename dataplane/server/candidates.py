"""One (route, provider, operation) compiled for the relay: everything about it that no request can
change.

Built when the first request needs it (a thousand routes must not stall a reload) and kept over
reloads as long as its parts are the same objects.
"""

from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import quote

from dataplane.llm.cache_markers import marks_of
from dataplane.llm.recovery.prefill import form_of
from dataplane.observe.series import Series
from dataplane.resilience.keys import Keys
from dataplane.resilience.standing import Standing
from dataplane.resilience.throughput import Throughput
from dataplane.runtime.config import Api, AuthScheme, Aws, Cluster, ModelProvider, Route
from dataplane.runtime.protocols import Operation, Protocol
from dataplane.runtime.retry import Recovery, laid_over
from dataplane.server.credentials import (
    credential_line,
    may_pass,
    parameter_names,
    passed_on,
    without_keys,
)
from dataplane.server.heads import (
    Names,
    Shapes,
    Template,
    drop_from_request,
    escaped,
    named_by_connection,
    stays_with_protocol,
)
from dataplane.server.incoming import Incoming
from dataplane.upstream.aws import sign
from dataplane.upstream.cluster import ClusterState
from dataplane.upstream.endpoint import UpstreamEndpoint
from dataplane.wheel import NEVER

if TYPE_CHECKING:
    from collections.abc import Callable

LOOK_S = 2.0
_HOST = b" HTTP/1.1\r\nhost: %b\r\n"
_END = b"x-request-id: %b\r\ntraceparent: %b\r\ncontent-length: %d\r\n\r\n%b"
_TRANSLATED = (("content-type", "application/json"), ("accept-encoding", "identity"))
"""Of requests that we write ourselves; we read the answers, so they must be plain."""


class Candidate:
    """A provider that may answer a route's requests."""

    __slots__ = (
        "_api",
        "_aws",
        "_before",
        "_credential",
        "_credentials",
        "_own",
        "_passes",
        "_replaced",
        "_special_always",
        "_stream_before",
        "_streamed",
        "_templates",
        "_wall",
        "authority",
        "breaker",
        "cluster",
        "hedge_after_s",
        "keys",
        "look_s",
        "marks",
        "model",
        "name",
        "paced",
        "patience_s",
        "plain",
        "policy",
        "prefill",
        "provider",
        "recovers",
        "route",
        "route_name",
        "series",
        "served_by",
        "standing",
        "state",
        "stream_patience_s",
        "target",
    )

    def __init__(
        self,
        route: Route,
        provider: ModelProvider,
        cluster: Cluster,
        state: ClusterState,
        series: Series,
        api: Api,
        target: Protocol | None,
        model: str,
        wall: "Callable[[], float]",
        standing: Standing,
        keys: Keys | None = None,
    ) -> None:
        """`target` is the protocol to translate to; None when the client speaks the API's own.
        `model` is the provider's name for the model, `wall` a clock for signatures, `standing` what
        is known of the cluster, `keys` says which of several is used next.
        """
        self.route = route
        self.provider = provider
        self.cluster = cluster
        self.state = state
        """Its endpoints, and which of them is asked."""
        self.series = series
        self.name = provider.name
        self.model = model
        self.target = target
        self.marks = marks_of(provider.provider, model, api.operation.protocol)
        """How the provider is told what to cache."""
        self.route_name = route.name
        self.served_by = f"{provider.provider}/{model}"
        """What clients are told when this is not who was asked first."""
        self.policy = laid_over(route.retry, provider.retry)
        self.patience_s = self.policy.per_try_timeout_s or NEVER
        """For an answer to begin."""
        self.stream_patience_s = min(self.patience_s, self.policy.idle_timeout_s or NEVER)
        """The same, when it is streamed: silence is a sign then."""
        self.paced = Throughput.wanted(self.policy)
        """Whether streams must not be too slow."""
        self.recovers = self.policy.stream_recovery is not Recovery.ERROR
        """Whether what a stream's client has is kept, so that somebody else can go on with it."""
        self.prefill = form_of(provider.dialect, model)
        """Whether and how the model is given the beginning of an answer."""
        self.standing = standing
        self.breaker = standing.breaker
        standing.loads = state
        self.look_s = min(self.policy.idle_timeout_s or LOOK_S, LOOK_S)
        """How often a stream is looked at that the client has a part of."""
        self.authority = (cluster.authority or (cluster.sni if cluster.tls else "")).encode()
        """Host header; empty: each endpoint's own."""
        self._api = api
        self._own = tuple((name.lower(), value.reveal()) for name, value in provider.headers)
        self._replaced = frozenset(name.encode() for name, _ in self._own)
        self._passes = provider.passthrough_auth
        self._wall = wall
        self._aws = None
        if api.auth is AuthScheme.SIGV4 and not self._passes:
            self._aws = provider.aws
        own_form = target is None and "alt=" in api.stream_path
        lines = [credential_line(api.auth, key.reveal()) for key in provider.access_keys]
        if self._replaced & {b"authorization"}:
            lines = []
        self._credential = lines[0] if lines and keys is None else b""
        self._credentials = lines
        """Of each key."""
        self.keys = keys if lines else None
        self.hedge_after_s = self.policy.hedge_after_s
        self.plain = target is None and self.keys is None and not self.hedge_after_s
        """Whether nothing about a request depends on more than the client."""
        signs = self._aws is not None
        self._special_always = self._passes or own_form or signs or self.keys is not None
        self._before = self._line(api.path)
        self._stream_before = self._line(api.stream_path) if api.stream_path else self._before
        self._templates = Shapes(partial(self._template, self._before))
        self._streamed = self._templates
        """Of streams; the same where their path is."""
        if api.stream_path:
            self._streamed = Shapes(partial(self._template, self._stream_before))

    @property
    def signs(self) -> bool:
        """Whether a request's head depends on all of its body."""
        return self._aws is not None

    def made_of(
        self, route: Route, provider: ModelProvider | None, cluster: Cluster | None
    ) -> bool:
        """Whether a new configuration says the very same things as when this was built."""
        return self.route is route and self.provider is provider and self.cluster is cluster

    def message(
        self,
        endpoint: UpstreamEndpoint,
        incoming: Incoming,
        request_id: bytes,
        traceparent: bytes,
        body: bytes,
        stream: bool = False,
        query: str = "",
        key: int = 0,
        more: int = 0,
    ) -> bytes:
        """The whole request for the upstream, or all of it but the last `more` bytes of its body;
        `key` is what `keys` has picked.
        """
        names = incoming.names
        values = incoming.values
        templates = self._streamed if stream else self._templates
        template = templates.get(names) or templates.make(names)
        if incoming.shape.connection:
            named = named_by_connection(values, incoming.shape.connection)
            if named:
                before = self._stream_before if stream else self._before
                template = self._template(before, names, named)
        authority = self.authority or endpoint.authority
        if query or self._special_always:
            return self._special(
                template,
                authority,
                incoming,
                request_id,
                traceparent,
                body,
                stream,
                query,
                key,
                more,
            )
        return template.text % (
            authority,
            *template.pick(values),
            request_id,
            traceparent,
            len(body) + more,
            body,
        )

    def _special(
        self,
        template: Template,
        authority: bytes,
        incoming: Incoming,
        request_id: bytes,
        traceparent: bytes,
        body: bytes,
        stream: bool,
        query: str,
        key: int,
        more: int,
    ) -> bytes:
        """As `message`, where the request's target or credential is the client's affair."""
        before = self._stream_before if stream else self._before
        credential = b""
        if self._passes and may_pass(incoming.serving.listener):
            credential = passed_on(self._api.auth, incoming.names, incoming.values, query)
        elif self.keys is not None:
            credential = self._credentials[key]
        target = self._target(stream, query if self.target is None else "")
        if self._aws is not None:
            credential = self._signature(target, authority, body, self._aws)
        return (b"POST %b HTTP/1.1\r\nhost: %b\r\n%b" + template.text[len(before) :]) % (
            target,
            authority,
            credential,
            *template.pick(incoming.values),
            request_id,
            traceparent,
            len(body) + more,
            body,
        )

    def _signature(self, target: bytes, authority: bytes, body: bytes, aws: Aws) -> bytes:
        path, _, query = target.decode().partition("?")
        host = authority.decode()
        added = sign("POST", host, path, query, (), body, aws, self._wall())
        return b"".join(f"{name}: {value}\r\n".encode() for name, value in added)

    def _path(self, path: str) -> str:
        return path.replace("{model}", quote(self.model, safe=""))

    def _line(self, path: str) -> bytes:
        return b"POST " + escaped(self._path(path).encode()) + _HOST

    def _target(self, stream: bool, query: str) -> bytes:
        """The path with our own parameters, and the client's others."""
        api = self._api
        path, _, ours = self._path((stream and api.stream_path) or api.path).partition("?")
        if self.target is None:
            ours = without_keys(ours, _ALT)  # the client reads the form it asked for
        theirs = without_keys(query, parameter_names(ours))
        whole = "&".join(filter(None, (ours, theirs)))
        return (f"{path}?{whole}" if whole else path).encode()

    def _template(
        self, before: bytes, names: Names, named: frozenset[bytes] = frozenset()
    ) -> Template:
        replaced = self._replaced | named
        translates = self.target is not None
        sent = {name.lower() for name in names} - named if not translates else set()
        return Template(
            before,
            names,
            lambda name: (
                drop_from_request(name, replaced) or (translates and stays_with_protocol(name))
            ),
            escaped(self._fixed(sent)) + _END,
        )

    def _fixed(self, sent: set[bytes]) -> bytes:
        """Credentials, what the API wants unless the client has `sent` it, the operator's own."""
        wanted = list(self._api.headers)
        if self.target is not None:
            wanted += _TRANSLATED
        lines = [
            (name, value)
            for name, value in wanted
            if name.encode() not in self._replaced and name.encode() not in sent
        ]
        lines += self._own
        text = b"".join(f"{name}: {value}\r\n".encode() for name, value in lines)
        return (b"" if self._passes else self._credential) + text


_ALT = frozenset(("alt",))


def api_for(provider: ModelProvider, operation: Operation) -> tuple[Api, Protocol | None] | None:
    """How a provider is asked for an operation, and the protocol to translate to, if any; None when
    it cannot be.
    """
    for api in provider.apis:
        if api.operation is operation:
            return api, None
    if operation.protocol is not None:
        for api in provider.apis:
            if api.operation.protocol is not None:
                return api, api.operation.protocol
    return None
