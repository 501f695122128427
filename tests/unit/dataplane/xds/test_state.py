from outriderpb.xds.v3 import ads_pb2

from dataplane.runtime.config import Route
from dataplane.xds.decode import decode
from dataplane.xds.resource import NOTHING, ResourceKind
from dataplane.xds.secrets import Secrets
from dataplane.xds.state import Answer, Update, XdsState
from tests.support import ads

CLUSTER, ENDPOINTS = ResourceKind.CLUSTER, ResourceKind.ENDPOINTS
PROVIDER, AGENT = ResourceKind.MODEL_PROVIDER, ResourceKind.AGENT
ROUTE, LISTENER = ResourceKind.ROUTE, ResourceKind.LISTENER


def send(
    state: XdsState,
    kind: ResourceKind,
    *wires: ads_pb2.Resource,
    removed: tuple[str, ...] = (),
) -> Answer:
    decoded = tuple(decode(kind, one, NOTHING, Secrets({})) for one in wires)
    return state.receive(Update(kind, decoded, removed))


def state_of(*updates: tuple[ResourceKind, ads_pb2.Resource]) -> XdsState:
    state = XdsState()
    for kind, wire in updates:
        answer = send(state, kind, wire)
        assert answer.error == ""
        state = answer.state
    return state


def model_state() -> XdsState:
    return state_of(
        (CLUSTER, ads.cluster("c")),
        (ENDPOINTS, ads.endpoints("c", 80)),
        (PROVIDER, ads.provider("p", "c")),
        (ROUTE, ads.model_route("l", "p", "p", "v/p", to="p", default=True)),
        (LISTENER, ads.listener("l", 10000)),
    )


def test_config_is_joined_from_all_kinds() -> None:
    config = model_state().config
    assert config.clusters["c"].endpoints[0].port == 80
    assert config.listeners["l"].by_model["v/p"].name == "l/p"
    assert config.listeners["l"].default_route is config.listeners["l"].routes[0]


def test_update_with_a_dangling_name_leaves_everything_as_it_was() -> None:
    state = model_state()
    answer = send(
        state,
        ROUTE,
        ads.model_route("l", "fine", "fine", to="p"),
        ads.model_route("l", "bad", "bad", to="nobody"),
    )
    assert answer.error == "route 'l/bad': unknown model provider 'nobody'"
    assert answer.state is state


def test_removal_of_what_is_used_is_refused() -> None:
    answer = send(model_state(), CLUSTER, removed=("c",))
    assert answer.error == "model provider 'p': unknown cluster 'c'"


def test_route_waits_for_its_listener() -> None:
    state = state_of(
        (CLUSTER, ads.cluster("c")),
        (PROVIDER, ads.provider("p", "c")),
        (ROUTE, ads.model_route("later", "p", "p", to="p")),
    )
    assert state.config.listeners == {}
    answer = send(state, LISTENER, ads.listener("later"))
    assert list(answer.state.config.listeners["later"].by_model) == ["p"]


def test_endpoints_wait_for_their_cluster() -> None:
    state = state_of((ENDPOINTS, ads.endpoints("c", 80)), (CLUSTER, ads.cluster("c")))
    assert len(state.config.clusters["c"].endpoints) == 1


def test_route_of_the_other_kind_waits_until_the_listener_changes_kind() -> None:
    state = send(model_state(), AGENT, ads.agent("a", "c")).state
    state = send(state, ROUTE, ads.agent_route("l", "a")).state
    assert [route.name for route in state.config.listeners["l"].routes] == ["l/p"]
    state = send(state, LISTENER, ads.listener("l", 10000, "AGENT", version="2")).state
    assert [route.name for route in state.config.listeners["l"].routes] == ["l/a"]


def test_agents_stand_in_their_configured_order() -> None:
    state = state_of((CLUSTER, ads.cluster("c")))
    state = send(state, AGENT, ads.agent("z", "c"), ads.agent("a", "c")).state
    state = send(state, ROUTE, ads.agent_route("l", "a", 1), ads.agent_route("l", "z", 0)).state
    listener = send(state, LISTENER, ads.listener("l", kind="AGENT")).state.config.listeners["l"]
    assert [route.name for route in listener.routes] == ["l/z", "l/a"]
    assert listener.default_route is listener.routes[0]


def test_name_claimed_twice_during_a_rename_goes_to_the_first_by_name() -> None:
    routes = ads.model_route("l", "b", "m", to="p"), ads.model_route("l", "a", "m", to="p")
    config = send(model_state(), ROUTE, *routes).state.config
    assert config.listeners["l"].by_model["m"].name == "l/a"


def test_a_wildcard_is_found_by_its_prefix_and_not_by_name() -> None:
    route = ads.model_route("l", "w", "openai/*", "mine/*", to="p")
    listener = send(model_state(), ROUTE, route).state.config.listeners["l"]
    assert {prefix: one.name for prefix, one in listener.by_prefix.items()} == {
        "openai": "l/w",
        "mine": "l/w",
    }
    assert "openai/*" not in listener.by_model


def test_unchanged_values_stay_the_same_objects() -> None:
    state = send(model_state(), LISTENER, ads.listener("other", 10001)).state
    before = state.config
    more = ads.model_route("l", "q", "q", to="p")
    after = send(state, ROUTE, more).state.config
    assert after.listeners["other"] is before.listeners["other"]
    assert after.listeners["l"] is not before.listeners["l"]
    assert after.listeners["l"].by_model["p"] is before.listeners["l"].by_model["p"]
    assert after.clusters is before.clusters
    assert after.providers is before.providers


def test_update_that_says_nothing_new_keeps_the_config() -> None:
    state = model_state()
    held = state.resources.of(CLUSTER)["c"]
    assert state.receive(Update(CLUSTER, (held,), ("never-there",))).state is state


def test_version_depends_on_content_not_on_the_way() -> None:
    state = model_state()
    detour = send(state, ROUTE, ads.model_route("l", "q", "q", to="p")).state
    back = send(detour, ROUTE, removed=("l/q",)).state
    assert detour.config.version != state.config.version
    assert back.config.version == state.config.version


def test_resource_named_twice_in_one_update_is_refused() -> None:
    answer = send(XdsState(), CLUSTER, ads.cluster("c"), ads.cluster("c", "2"))
    assert answer.error == "cluster 'c' is in the update twice"


def test_resource_both_changed_and_removed_is_refused() -> None:
    answer = send(XdsState(), CLUSTER, ads.cluster("c"), removed=("c",))
    assert answer.error == "cluster 'c' is both changed and removed"


def test_many_problems_are_told_in_part() -> None:
    state = model_state()
    routes = [ads.model_route("l", f"r{i}", f"r{i}", to="nobody") for i in range(9)]
    assert send(state, ROUTE, *routes).error.endswith("(and 4 more)")


def test_restore_takes_a_whole_set_at_once() -> None:
    state = model_state()
    restored = XdsState().restore(state.resources).state
    assert restored.config == state.config
    assert isinstance(restored.config.listeners["l"].routes[0], Route)
