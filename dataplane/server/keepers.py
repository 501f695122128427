"""Providers that keep the Responses they give: whom to ask for one that we do not have. Pure.

An id does not say which provider gave it, so each is asked in turn, with its own credential, until
one knows it.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dataplane.runtime.config import Api, ModelProvider, ModelTarget, Route
from dataplane.runtime.headers import for_services
from dataplane.runtime.messages import Headers, Request
from dataplane.runtime.protocols import Operation
from dataplane.server.auth.scope import permits
from dataplane.server.credentials import (
    as_headers,
    credential_line,
    may_pass,
    passed_on,
    without_keys,
)

if TYPE_CHECKING:
    from dataplane.server.downstream import Call

MAX_ASKED = 4
"""Different providers; the same one serves many models."""
COLLECTION = "/v1/responses"


def keepers(call: "Call") -> Iterator[tuple[ModelProvider, Request]]:
    """The providers of a call's listener that may know a response, and what to ask of each."""
    asked: set[object] = set()
    for route in call.listener.routes:
        if not isinstance(route.target, ModelTarget) or not _permitted(call, route):
            continue
        for name in route.target.providers:
            provider = call.config.providers.get(name)
            api = _api(provider) if provider is not None else None
            if provider is None or api is None:
                continue
            cluster = call.config.clusters.get(provider.cluster)
            same = (cluster and cluster.endpoints, api.path, provider.access_keys)
            if same not in asked and len(asked) < MAX_ASKED:
                asked.add(same)
                yield provider, _request(call, provider, api)


def _permitted(call: "Call", route: Route) -> bool:
    """Whether the caller may ask what the route leads to: who may not, may not read its answers."""
    principal = call.principal
    if principal is None or not principal.models:
        return True
    return any(permits(call.listener, principal.models, word) for word in route.models)


def _api(provider: ModelProvider) -> Api | None:
    if not provider.dialect.keeps_responses:
        return None
    return next((api for api in provider.apis if api.operation is Operation.RESPONSES), None)


def _request(call: "Call", provider: ModelProvider, api: Api) -> Request:
    path, _, ours = api.path.partition("?")
    rest = call.request.path.removeprefix(COLLECTION)
    query = "&".join(filter(None, (ours, without_keys(call.request.query))))
    return Request(
        call.request.method, path + rest, _headers(call, provider, api), call.request.body, query
    )


def _headers(call: "Call", provider: ModelProvider, api: Api) -> Headers:
    line = b""
    if provider.passthrough_auth and may_pass(call.listener):
        names = tuple(name.encode("latin-1") for name, _ in call.request.headers)
        values = tuple(value.encode("utf-8", "replace") for _, value in call.request.headers)
        line = passed_on(api.auth, names, values, call.request.query)
    elif not provider.passthrough_auth:
        keys = provider.access_keys
        line = credential_line(api.auth, keys[0].reveal()) if keys else b""
    own = tuple((name.lower(), secret.reveal()) for name, secret in provider.headers)
    replaced = {name for name, _ in own}
    others = (*for_services(call.request.headers), *as_headers(line))
    return (*((name, value) for name, value in others if name.lower() not in replaced), *own)
