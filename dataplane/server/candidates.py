"""One (route, provider) compiled for the relay: everything about it that no request can change.

Built when the first request needs it (a thousand routes must not stall a reload) and kept over
reloads as long as its parts are the same objects.
"""

from urllib.parse import quote

from dataplane.observe.metrics import Series
from dataplane.runtime.config import Cluster, ModelProvider, Route
from dataplane.runtime.protocols import Operation
from dataplane.server.heads import (
    CREDENTIALS,
    Names,
    Shapes,
    Template,
    drop_from_request,
    escaped,
    named_by_connection,
)
from dataplane.server.incoming import Incoming
from dataplane.upstream.pool import EndpointPool


class Candidate:
    """A provider that may answer a route's requests."""

    __slots__ = (
        "_after",
        "_before",
        "_replaced",
        "_templates",
        "authority",
        "cluster",
        "endpoints",
        "model",
        "name",
        "only",
        "provider",
        "route",
        "route_name",
        "series",
    )

    def __init__(
        self,
        route: Route,
        provider: ModelProvider,
        cluster: Cluster,
        endpoints: tuple[EndpointPool, ...],
        series: Series,
    ) -> None:
        self.route = route
        self.provider = provider
        self.cluster = cluster
        self.endpoints = endpoints
        self.only = endpoints[0] if len(endpoints) == 1 else None
        """The endpoint, when there is no choice."""
        self.series = series
        self.name = provider.name
        self.model = provider.model
        self.route_name = route.name
        self.authority = (cluster.authority or (cluster.sni if cluster.tls else "")).encode()
        """Host header; empty: each endpoint's own."""
        replaced = {name.lower().encode() for name, _ in provider.headers}
        if not provider.passthrough_auth:
            replaced |= CREDENTIALS
        self._replaced = frozenset(replaced)
        path = _chat_path(provider)
        self._before = b"POST " + escaped(path.encode()) + b" HTTP/1.1\r\nhost: %b\r\n"
        self._after = (
            escaped(_fixed_lines(provider))
            + b"x-request-id: %b\r\ntraceparent: %b\r\ncontent-length: %d\r\n\r\n%b"
        )
        self._templates = Shapes(self._template)

    def made_of(
        self, route: Route, provider: ModelProvider | None, cluster: Cluster | None
    ) -> bool:
        """Whether a new configuration says the very same things as when this was built."""
        return self.route is route and self.provider is provider and self.cluster is cluster

    def message(
        self,
        endpoint: EndpointPool,
        incoming: Incoming,
        request_id: bytes,
        traceparent: bytes,
        body: bytes,
    ) -> bytes:
        """The whole request for the upstream."""
        names = incoming.names
        values = incoming.values
        template = self._templates.get(names) or self._templates.make(names)
        if incoming.shape.connection:
            named = named_by_connection(values, incoming.shape.connection)
            if named:
                template = self._template(names, named)
        return template.text % (
            self.authority or endpoint.authority,
            *template.pick(values),
            request_id,
            traceparent,
            len(body),
            body,
        )

    def _template(self, names: Names, named: frozenset[bytes] = frozenset()) -> Template:
        replaced = self._replaced | named
        return Template(
            self._before, names, lambda name: drop_from_request(name, replaced), self._after
        )


def _chat_path(provider: ModelProvider) -> str:
    chat = (api for api in provider.apis if api.operation is Operation.CHAT)
    api = next(chat, provider.apis[0])
    return api.path.replace("{model}", quote(provider.model, safe=""))


def _fixed_lines(provider: ModelProvider) -> bytes:
    """Credentials first, then the operator's own headers, which therefore may replace them."""
    lines = []
    own = {name.lower() for name, _ in provider.headers}
    if provider.access_keys and "authorization" not in own:
        lines.append(("authorization", f"Bearer {provider.access_keys[0].reveal()}"))
    lines += [(name, value.reveal()) for name, value in provider.headers]
    return b"".join(f"{name}: {value}\r\n".encode() for name, value in lines)
