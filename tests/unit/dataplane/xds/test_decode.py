import pytest
from outriderpb.v1 import filter_pb2, listener_pb2, route_pb2
from outriderpb.xds.v3 import ads_pb2

from dataplane.intent import embed
from dataplane.runtime.config import AgentTarget, Endpoint, ListenerKind, ModelProvider, Secret
from dataplane.xds.decode import UndecodableError, decode
from dataplane.xds.resource import NOTHING, ResourceKind
from dataplane.xds.secrets import Secrets
from tests.support import ads

SECRETS = Secrets({"KEY": "sk-123"})


def value(kind: ResourceKind, wire: ads_pb2.Resource) -> object:
    return decode(kind, wire, NOTHING, SECRETS).value


def refusal(kind: ResourceKind, wire: ads_pb2.Resource) -> str:
    with pytest.raises(UndecodableError) as e:
        decode(kind, wire, NOTHING, SECRETS)
    return str(e.value)


def test_secret_is_resolved_and_does_not_show() -> None:
    made = value(ResourceKind.MODEL_PROVIDER, ads.provider("gpt", "c", env="KEY", header="blue"))
    assert isinstance(made, ModelProvider)
    assert made.access_keys == (Secret("sk-123"),)
    assert made.headers == (("x-team", Secret("blue")),)
    assert "sk-123" not in repr(made)


def test_missing_secret_names_provider_and_variable() -> None:
    wire = ads.provider("openai/gpt-4o", "c", env="NO_SUCH_KEY")
    assert refusal(ResourceKind.MODEL_PROVIDER, wire) == (
        "model provider 'openai/gpt-4o': environment variable NO_SUCH_KEY is not set or empty"
    )


def test_unchanged_resource_stays_the_same_object() -> None:
    wire = ads.cluster("a")
    first = decode(ResourceKind.CLUSTER, wire, NOTHING, SECRETS)
    again = decode(ResourceKind.CLUSTER, wire, {"a": first}, SECRETS)
    assert again is first


def test_new_version_is_decoded_anew() -> None:
    first = decode(ResourceKind.CLUSTER, ads.cluster("a"), NOTHING, SECRETS)
    second = decode(ResourceKind.CLUSTER, ads.cluster("a", "2"), {"a": first}, SECRETS)
    assert second is not first
    assert second.fingerprint != first.fingerprint


def test_endpoints_keep_order_and_default_weight() -> None:
    made = value(ResourceKind.ENDPOINTS, ads.endpoints("a", 80, 81))
    assert made == (Endpoint("127.0.0.1", 80, 1), Endpoint("127.0.0.1", 81, 1))


def test_listener_fields_not_set_get_defaults() -> None:
    made = value(ResourceKind.LISTENER, ads.listener("l", kind="AGENT"))
    assert made.kind is ListenerKind.AGENT  # type: ignore[attr-defined] # value is an object
    assert made.timeout_s == 300.0  # type: ignore[attr-defined]
    assert made.limits.max_requests == 10_000  # type: ignore[attr-defined]


def test_agent_route_carries_its_target() -> None:
    made = value(ResourceKind.ROUTE, ads.agent_route("l", "weather", position=2, default=True))
    assert made.target == AgentTarget(  # type: ignore[attr-defined]
        "weather", "", is_default=True, position=2
    )


CLUSTER, ROUTE, LISTENER = ResourceKind.CLUSTER, ResourceKind.ROUTE, ResourceKind.LISTENER
REFUSED = {
    "no name": (CLUSTER, ads.wire(CLUSTER, "", ads_pb2.Node()), "a cluster without a name"),
    "other type inside": (
        CLUSTER,
        ads.listener("a"),
        "cluster 'a': is a type.googleapis.com/outrider.v1.Listener",
    ),
    "nothing inside": (CLUSTER, ads_pb2.Resource(name="a"), "cluster 'a': is a nothing"),
    "random bytes": (
        CLUSTER,
        ads_pb2.Resource(
            name="a", resource={"type_url": CLUSTER.url, "value": b"\xff\xff\xff\xff"}
        ),
        "cluster 'a': not a valid message",
    ),
    "name of another": (
        CLUSTER,
        ads.wire(CLUSTER, "a", ads_pb2.Node(id="b")),
        "cluster 'a': its name inside is 'b'",
    ),
    "endpoint port": (
        ResourceKind.ENDPOINTS,
        ads.endpoints("a", 70_000),
        "endpoints 'a': endpoint 127.0.0.1: port 70000 is not between 1 and 65535",
    ),
    "unknown target": (
        ROUTE,
        ads.wire(ROUTE, "l/x", route_pb2.Route(name="l/x", listener="l")),
        "route 'l/x': leads to a kind of target that this data plane does not know",
    ),
    "unknown listener kind": (
        LISTENER,
        ads.wire(LISTENER, "l", listener_pb2.Listener(name="l", address="::1")),
        "listener 'l': kind 0 is not one this data plane knows",
    ),
    "header injection": (
        ResourceKind.MODEL_PROVIDER,
        ads.provider("p", "c", header="a\r\nx-admin: 1"),
        "model provider 'p': a header value has a line break, control or non-ASCII character",
    ),
}


@pytest.mark.parametrize(("kind", "wire", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_unusable_resource_is_refused_by_name(
    kind: ResourceKind, wire: ads_pb2.Resource, reason: str
) -> None:
    assert refusal(kind, wire) == reason


def test_a_semantic_cache_is_refused_where_there_is_no_encoder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(embed, "MODEL_PACKAGE", "no_such_package")
    message = filter_pb2.Filter(id="kept", kind="cache", settings='{"mode":"semantic"}')
    said = refusal(ResourceKind.FILTER, ads.wire(ResourceKind.FILTER, "kept", message))
    assert "kept" in said
    assert "needs the embedded encoder, and there is no no_such_package" in said
    assert "install outrider[router] with the data plane" in said
    exact = ads.wire(ResourceKind.FILTER, "kept", filter_pb2.Filter(id="kept", kind="cache"))
    assert value(ResourceKind.FILTER, exact)
