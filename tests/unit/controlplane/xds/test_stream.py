"""One ADS stream: order, make before break, refusals, and a client that does anything."""

import logging
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from outriderpb.v1 import limit_pb2
from outriderpb.xds.v3 import ads_pb2

from controlplane.snapshot.resource import Resource, ResourceType
from controlplane.xds.edition import Edition, Library
from controlplane.xds.stream import Answer, Stream, legible
from tests.support.examples import share_of
from tests.support.holder import Holder
from tests.support.snapshots import cluster, endpoints, listener, route, snapshot

if TYPE_CHECKING:
    from controlplane.xds.subscription import Update

CLUSTER, ROUTE, LISTENER = ResourceType.CLUSTER, ResourceType.ROUTE, ResourceType.LISTENER
ENDPOINTS = ResourceType.ENDPOINTS


def edition(*resources: Resource) -> Edition:
    return Edition.of(snapshot(*resources))


def holder() -> Holder:
    return Holder(Stream("node-1", Library()))


def wildcard() -> Holder:
    made = holder()
    for kind in (LISTENER, ROUTE, CLUSTER):
        made.subscribe(kind)
    return made


BEFORE = edition(cluster("c1"), route("r1"), listener("l1", 1))
AFTER = edition(cluster("c2"), route("r2"), listener("l2", 2))


def test_types_go_out_in_order_whatever_the_order_of_requests() -> None:
    assert wildcard().settle(BEFORE) == ["cluster +c1", "route +r1", "listener +l1"]


def test_removals_follow_all_additions_in_reverse_order() -> None:
    node = wildcard()
    node.settle(BEFORE)
    assert node.settle(AFTER) == [
        "cluster +c2",
        "route +r2",
        "listener +l2-l1",
        "route -r1",
        "cluster -c1",
    ]


def test_no_node_ever_holds_a_cluster_without_its_endpoints() -> None:
    """A request that began before a change may be sent at any moment of it, and to where it led."""
    node = wildcard()
    node.subscribe(ENDPOINTS)
    for now in (
        edition(cluster("c1"), endpoints("c1"), route("r1"), listener("l1")),
        edition(cluster("c2"), endpoints("c2"), route("r2"), listener("l1")),
    ):
        while (update := node.stream.next(now)) is not None:
            node.take(update)
            assert node.held[CLUSTER].keys() <= node.held[ENDPOINTS].keys(), node.log
    assert node.held[ENDPOINTS].keys() == {"c2"}


def test_additions_take_effect_with_the_last_of_them_and_removals_each_by_itself() -> None:
    node = wildcard()
    node.settle(BEFORE)
    assert not node.more
    told = []
    while (update := node.stream.next(AFTER)) is not None:
        node.take(update)
        told.append(node.more)
    assert told == [True, True, False, False, False]


def test_what_was_taken_takes_effect_though_another_edition_needs_nothing_more() -> None:
    node = wildcard()
    node.settle(BEFORE)
    more = edition(cluster("c1"), cluster("c2"), route("r2"), listener("l1", 1))
    update = node.stream.next(more)
    assert update is not None
    node.take(update)
    assert node.more
    enough = edition(cluster("c1"), cluster("c2"), route("r1"), listener("l1", 1))
    assert node.settle(enough) == ["listener"]
    assert not node.more
    assert node.settle(enough) == []


def test_what_was_taken_takes_effect_though_the_end_of_its_change_was_refused() -> None:
    node = wildcard()
    node.settle(BEFORE)
    after = edition(cluster("c1"), cluster("c2"), route("r1"), listener("l1", 2))
    first = node.stream.next(after)
    assert first is not None
    node.take(first)
    last = node.stream.next(after)
    assert last is not None
    node.refuse(last, "the port is taken")
    enough = edition(cluster("c1"), cluster("c2"), route("r1"), listener("l1", 1))
    assert node.settle(enough) == ["listener"]
    assert not node.more


def test_a_change_that_comes_while_an_update_is_in_flight_takes_effect_too() -> None:
    node = wildcard()
    node.settle(BEFORE)
    in_flight = node.stream.next(
        edition(cluster("c1"), route("r1"), route("r2"), listener("l1", 1))
    )
    assert in_flight is not None
    after = edition(cluster("c1"), cluster("c2"), route("r1"), route("r2"), listener("l1", 1))
    update = node.stream.next(after)
    assert update is not None
    assert update.kind is CLUSTER
    node.take(in_flight)
    node.take(update)
    node.settle(after)
    assert node.held[CLUSTER].keys() == {"c1", "c2"}
    assert not node.more


EDITIONS = [
    edition(*map(cluster, clusters), *map(route, routes), listener("l1"))
    for clusters in (["c1"], ["c1", "c2"])
    for routes in (["r1"], ["r1", "r2"])
]


@given(st.lists(st.sampled_from([*range(len(EDITIONS)), "ack", "refuse", "look"]), max_size=30))
def test_nothing_that_was_taken_waits_for_more_once_all_is_at_rest(steps: list[int | str]) -> None:
    node = wildcard()
    current = EDITIONS[0]
    node.settle(current)
    sent: list[Update] = []
    for step in steps:
        if isinstance(step, int):
            current = EDITIONS[step]
        elif step != "look" and sent:
            (node.take if step == "ack" else node.refuse)(sent.pop(0))
        if (update := node.stream.next(current)) is not None:
            sent.append(update)
    # Another edition, or what was refused is not sent again; removals would end a change.
    names = {CLUSTER: ["c1", "c2"], ROUTE: ["r1", "r2"], LISTENER: ["l1"]}
    current = edition(
        *map(cluster, names[CLUSTER]),
        *map(route, names[ROUTE]),
        listener("l1"),
        endpoints("nobody asks for these"),
    )
    while sent or (update := node.stream.next(current)) is not None:
        if sent:
            node.take(sent.pop(0))
        elif update is not None:
            node.take(update)
    assert not node.more
    assert {kind: sorted(node.held[kind]) for kind in names} == names


def test_a_type_waits_for_the_ack_of_the_one_before() -> None:
    node = wildcard()
    first = node.stream.next(BEFORE)
    assert first is not None
    assert node.stream.next(BEFORE) is None
    node.take(first)
    second = node.stream.next(BEFORE)
    assert second is not None
    assert (first.kind, second.kind) == (CLUSTER, ROUTE)


def test_types_nobody_subscribed_to_hold_nothing_back() -> None:
    node = holder()
    node.subscribe(LISTENER)
    assert node.settle(BEFORE) == ["listener +l1"]


def test_a_newer_snapshot_replaces_the_one_under_way() -> None:
    node = wildcard()
    node.settle(BEFORE)
    update = node.stream.next(AFTER)
    assert update is not None
    node.take(update)
    newest = edition(cluster("c3"), route("r1"), listener("l1", 1))
    assert node.settle(newest) == ["cluster +c3", "cluster -c1,-c2"]


def test_refusal_holds_the_rest_of_the_snapshot_back() -> None:
    node = wildcard()
    node.settle(BEFORE)
    update = node.stream.next(AFTER)
    assert update is not None
    heard = node.refuse(update, "bad cluster")
    assert (heard.answer, heard.version) == (Answer.NACK, AFTER.version)
    assert node.stream.next(AFTER) is None
    assert node.held[LISTENER].keys() == {"l1"}
    assert node.stream.whole_version == BEFORE.version


def test_a_repaired_snapshot_follows_a_refusal() -> None:
    node = wildcard()
    node.settle(BEFORE)
    update = node.stream.next(AFTER)
    assert update is not None
    node.refuse(update)
    repaired = edition(cluster("c1"), route("r2"), listener("l1", 1))
    assert node.settle(repaired) == ["route +r2", "route -r1"]
    assert node.stream.whole_version == repaired.version
    assert all(state.refusal is None for state in node.stream.types())


def test_what_was_refused_for_another_types_sake_is_tried_again() -> None:
    node = wildcard()
    node.settle(BEFORE)
    broken = edition(cluster("c1"), route("r2"), listener("l1", 1))
    update = node.stream.next(broken)
    assert update is not None
    node.refuse(update, "route r2 leads to unknown cluster c2")
    repaired = edition(cluster("c1"), cluster("c2"), route("r2"), listener("l1", 1))
    assert node.settle(repaired) == ["cluster +c2", "route +r2", "route -r1"]


def test_a_nonce_of_another_type_answers_nothing() -> None:
    node = wildcard()
    update = node.stream.next(BEFORE)
    assert update is not None
    heard = node.stream.receive(
        ads_pb2.DeltaDiscoveryRequest(type_url=ROUTE.url, response_nonce=update.nonce), 0.0
    )
    assert heard.answer is Answer.NONE
    assert node.stream.next(BEFORE) is None


def test_a_stale_nonce_answers_nothing_but_its_names_count() -> None:
    node = holder()
    node.subscribe(ROUTE, "r1")
    node.settle(BEFORE)
    heard = node.subscribe(ROUTE, "r2", nonce="route-77")
    assert heard.answer is Answer.NONE
    assert node.settle(AFTER) == ["route +r2", "route -r1"]


def test_a_first_request_may_carry_the_nonce_of_an_old_stream() -> None:
    node = holder()
    assert node.subscribe(ROUTE, nonce="route-5").answer is Answer.NONE
    assert node.settle(BEFORE) == ["route +r1"]


def test_a_refusal_is_one_because_it_carries_an_error() -> None:
    node = wildcard()
    update = node.stream.next(BEFORE)
    assert update is not None
    request = ads_pb2.DeltaDiscoveryRequest(type_url=CLUSTER.url, response_nonce=update.nonce)
    request.error_detail.SetInParent()
    assert node.stream.receive(request, 0.0).answer is Answer.NACK


def test_an_answer_and_a_subscription_may_share_a_request() -> None:
    node = holder()
    node.subscribe(ROUTE, "r1")
    update = node.stream.next(BEFORE)
    assert update is not None
    assert node.subscribe(ROUTE, "r9", nonce=update.nonce).answer is Answer.ACK
    assert node.settle(BEFORE) == ["route -r9"]


def test_unknown_types_are_ignored_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    node = wildcard()
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            request = ads_pb2.DeltaDiscoveryRequest(type_url="type.googleapis.com/x.Future")
            assert node.stream.receive(request, 0.0).kind is None
    assert len(caplog.records) == 1
    assert node.settle(BEFORE) == ["cluster +c1", "route +r1", "listener +l1"]


def test_reconnect_resends_nothing() -> None:
    node = wildcard()
    node.settle(BEFORE)
    again = Holder(Stream("node-1", Library()))
    for kind in (CLUSTER, ROUTE, LISTENER):
        again.subscribe(kind, reported=node.held[kind])
    assert again.settle(BEFORE) == ["cluster", "route", "listener"]
    assert again.stream.whole_version == BEFORE.version


def test_a_node_is_not_whole_before_it_asked_for_listeners() -> None:
    node = holder()
    node.subscribe(CLUSTER)
    node.settle(BEFORE)
    assert node.stream.whole_version == ""


def test_states_tell_what_was_acked_refused_and_is_pending() -> None:
    node = wildcard()
    node.settle(BEFORE)
    update = node.stream.next(AFTER)
    assert update is not None
    clusters, routes, _ = node.stream.types()
    assert (clusters.pending, clusters.acked_version) == (True, BEFORE.version)
    node.refuse(update, "x" * 5000)
    clusters, routes, _ = node.stream.types()
    assert clusters.refusal is not None
    assert (clusters.refusal.version, clusters.refusal.at) == (AFTER.version, 7.0)
    assert len(clusters.refusal.reason) == 1024
    assert routes.refusal is None


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("plain", "plain"),
        ("a\nb\x1b[31mc\x00", "a b [31mc"),
        ("é" * 600, "é" * 512),
    ],
    ids=["plain", "control", "cut-between-characters"],
)
def test_reasons_are_made_legible(said: str, shown: str) -> None:
    assert legible(said) == shown


NAMES = st.sampled_from(["a", "b", "c"])
SNAPSHOTS = st.fixed_dictionaries(
    {
        "clusters": st.dictionaries(NAMES, st.integers(0, 2)),
        "routes": st.dictionaries(NAMES, st.integers(0, 2)),
        "listeners": st.dictionaries(NAMES, st.integers(0, 2)),
    }
)
STEPS = st.lists(
    st.one_of(SNAPSHOTS, st.sampled_from(["ack", "ack", "ack", "nack", "reconnect"]), NAMES),
    max_size=25,
)


def built(made: dict[str, dict[str, int]]) -> Edition:
    return edition(
        *(cluster(name, content) for name, content in made["clusters"].items()),
        *(route(name, content) for name, content in made["routes"].items()),
        *(listener(name, content) for name, content in made["listeners"].items()),
    )


@settings(max_examples=share_of(150))
@given(steps=STEPS, last=SNAPSHOTS)
def test_whatever_happens_a_node_ends_with_the_last_snapshot(
    steps: list[dict[str, dict[str, int]] | str], last: dict[str, dict[str, int]]
) -> None:
    node, now = wildcard(), BEFORE
    sent: list[Update] = []
    for step in steps:
        if isinstance(step, dict):
            now = built(step)
        elif step == "reconnect":
            held, node = node.held, holder()
            node.held = held
            sent.clear()
            for kind in (CLUSTER, ROUTE, LISTENER):
                node.subscribe(kind, reported=dict(held[kind]))
        elif step in ("ack", "nack"):
            if sent:
                node.take(sent.pop(0)) if step == "ack" else node.refuse(sent.pop(0))
        else:
            node.subscribe(ROUTE, step)
        if (update := node.stream.next(now)) is not None:
            assert update.kind not in {each.kind for each in sent}, "two in flight of one type"
            sent.append(update)
    for update in sent:
        node.take(update)
    # A snapshot that no earlier step can have had refused.
    final = built({**last, "clusters": {**last["clusters"], "final": 1}})
    node.settle(final)
    for kind in (CLUSTER, ROUTE, LISTENER):
        assert node.held[kind] == dict(final.sets[kind].versions)
    assert node.stream.whole_version == final.version
    assert node.settle(final) == []


def test_a_node_that_does_not_know_limits_gets_no_listener_to_serve_without_them() -> None:
    limit = Resource.of(ResourceType.LIMIT, "team", limit_pb2.Limit(name="team"))
    limited = edition(cluster("c1"), route("r1"), listener("l1", 1), limit)
    old = wildcard()
    assert old.settle(limited) == ["cluster +c1", "route +r1"]
    assert old.stream.whole_version == ""
    new = wildcard()
    new.subscribe(ResourceType.LIMIT)
    assert new.settle(limited)[-2:] == ["limit +team", "listener +l1"]
