"""The delta rules of one type on one stream."""

import pytest

from controlplane.snapshot.resource import Resource, ResourceType
from controlplane.xds.edition import Edition, Library
from controlplane.xds.subscription import Subscription, Update
from tests.support.holder import message
from tests.support.snapshots import listener, route, snapshot


def edition(*resources: Resource) -> Edition:
    return Edition.of(snapshot(*resources))


def subscription(*names: str, reported: dict[str, str] | None = None) -> Subscription:
    made = Subscription(ResourceType.ROUTE, Library())
    made.change(names, (), reported or {})
    return made


def sent(update: Update | None) -> tuple[set[str], set[str]]:
    assert update is not None
    response = message(update)
    return {each.name for each in response.resources}, set(response.removed_resources)


def deliver(subscribed: Subscription, now: Edition) -> tuple[set[str], set[str]]:
    update = subscribed.additions(now)
    names = sent(update)
    assert update is not None
    assert subscribed.ack(update.nonce) == now.version
    return names


ONE = edition(route("a"), route("b"))
CHANGED = edition(route("a", 1), route("b"))
SMALLER = edition(route("b"))
ADDED = edition(route("a"), route("b"), route("c"))


def test_empty_first_request_subscribes_to_everything() -> None:
    assert deliver(subscription(), ONE) == ({"a", "b"}, set())


def test_star_subscribes_to_everything() -> None:
    assert deliver(subscription("*"), ONE) == ({"a", "b"}, set())


def test_only_what_changed_is_sent() -> None:
    subscribed = subscription()
    deliver(subscribed, ONE)
    assert deliver(subscribed, CHANGED) == ({"a"}, set())


def test_equal_content_is_not_sent_again() -> None:
    subscribed = subscription()
    deliver(subscribed, ONE)
    assert subscribed.additions(edition(route("b"), route("a"))) is None


def test_first_answer_comes_even_when_there_is_nothing() -> None:
    subscribed = subscription()
    assert deliver(subscribed, edition()) == (set(), set())
    assert subscribed.additions(edition()) is None


def test_update_carries_versions_names_and_type() -> None:
    update = subscription().additions(ONE)
    assert update is not None
    response = message(update)
    assert response.system_version_info == ONE.version
    assert response.type_url == "type.googleapis.com/outrider.v1.Route"
    assert response.nonce == update.nonce != ""
    assert {each.name: each.version for each in response.resources} == dict(
        ONE.sets[ResourceType.ROUTE].versions
    )
    assert all(each.resource.type_url == response.type_url for each in response.resources)


def test_one_update_is_in_flight_and_the_rest_is_coalesced() -> None:
    subscribed = subscription()
    first = subscribed.additions(ONE)
    assert first is not None
    assert subscribed.additions(CHANGED) is None
    assert subscribed.additions(ADDED) is None
    subscribed.ack(first.nonce)
    assert deliver(subscribed, ADDED) == ({"c"}, set())


def test_answer_with_another_nonce_is_no_answer() -> None:
    subscribed = subscription()
    update = subscribed.additions(ONE)
    assert update is not None
    assert subscribed.ack("route-99") is None
    assert subscribed.nack("", "bad", 1.0) is None
    assert subscribed.pending
    assert subscribed.ack(update.nonce) == ONE.version


def test_an_answer_counts_once() -> None:
    subscribed = subscription()
    update = subscribed.additions(ONE)
    assert update is not None
    subscribed.ack(update.nonce)
    assert subscribed.nack(update.nonce, "changed my mind", 1.0) is None
    assert subscribed.refusal is None


def test_nonces_of_one_type_differ() -> None:
    subscribed = subscription()
    first = subscribed.additions(ONE)
    assert first is not None
    subscribed.ack(first.nonce)
    second = subscribed.additions(CHANGED)
    assert second is not None
    assert first.nonce != second.nonce


def refused(subscribed: Subscription, now: Edition) -> None:
    update = subscribed.additions(now)
    assert update is not None
    assert subscribed.nack(update.nonce, "bad route", 5.0) == now.version


def test_nacked_version_is_not_resent() -> None:
    subscribed = subscription()
    deliver(subscribed, ONE)
    refused(subscribed, CHANGED)
    assert subscribed.additions(CHANGED) is None
    assert not subscribed.settled(CHANGED)
    assert subscribed.refusal is not None
    assert (subscribed.refusal.reason, subscribed.refusal.at) == ("bad route", 5.0)


def test_after_a_nack_the_next_snapshot_is_sent_against_what_was_acked() -> None:
    subscribed = subscription()
    deliver(subscribed, ONE)
    refused(subscribed, CHANGED)
    again = edition(route("a", 1), route("b"), route("c"))
    assert deliver(subscribed, again) == ({"a", "c"}, set())
    assert subscribed.refusal is None


def test_going_back_after_a_nack_sends_nothing_and_clears_it() -> None:
    subscribed = subscription()
    deliver(subscribed, ONE)
    refused(subscribed, CHANGED)
    assert subscribed.additions(ONE) is None
    assert subscribed.settled(ONE)
    assert subscribed.refusal is None


def test_name_asked_for_after_a_nack_is_answered_alone() -> None:
    subscribed = subscription("a")
    deliver(subscribed, ONE)
    refused(subscribed, CHANGED)
    subscribed.change(("b",), (), {})
    assert deliver(subscribed, CHANGED) == ({"b"}, set())
    assert not subscribed.settled(CHANGED)


def test_refused_name_is_sent_again_with_the_next_snapshot() -> None:
    subscribed = subscription("b")
    deliver(subscribed, ONE)
    subscribed.change(("a",), (), {})
    refused(subscribed, ONE)
    assert subscribed.additions(ONE) is None
    assert deliver(subscribed, ADDED) == ({"a"}, set())


def test_removal_is_held_back_until_asked_for() -> None:
    subscribed = subscription()
    deliver(subscribed, ONE)
    assert subscribed.additions(SMALLER) is None
    removal = subscribed.removals(SMALLER)
    assert sent(removal) == (set(), {"a"})
    assert removal is not None
    subscribed.ack(removal.nonce)
    assert subscribed.removals(SMALLER) is None


def test_name_that_returns_before_its_removal_is_sent_not_removed() -> None:
    subscribed = subscription()
    deliver(subscribed, ONE)
    assert subscribed.additions(SMALLER) is None
    assert deliver(subscribed, CHANGED) == ({"a"}, set())
    assert subscribed.removals(CHANGED) is None


def test_refused_removal_waits_for_another_snapshot() -> None:
    subscribed = subscription()
    deliver(subscribed, ONE)
    assert subscribed.additions(SMALLER) is None
    removal = subscribed.removals(SMALLER)
    assert removal is not None
    subscribed.nack(removal.nonce, "in use", 1.0)
    assert subscribed.removals(SMALLER) is None
    other = edition(route("b", 1))
    assert deliver(subscribed, other) == ({"b"}, set())
    assert sent(subscribed.removals(other)) == (set(), {"a"})


def test_listener_is_removed_in_the_update_that_adds_its_successor() -> None:
    subscribed = Subscription(ResourceType.LISTENER, Library())
    subscribed.change((), (), {})
    deliver(subscribed, edition(listener("old", 80)))
    successor = edition(listener("new", 80))
    assert deliver(subscribed, successor) == ({"new"}, {"old"})
    assert subscribed.removals(successor) is None


def test_named_subscription_gets_only_its_names() -> None:
    subscribed = subscription("a")
    assert deliver(subscribed, ONE) == ({"a"}, set())
    assert subscribed.additions(ADDED) is None
    assert deliver(subscribed, edition(route("a", 2))) == ({"a"}, set())
    assert subscribed.removals(edition(route("a", 2))) is None


def test_unknown_name_is_removed_once_and_sent_when_created() -> None:
    subscribed = subscription("a", "c")
    assert deliver(subscribed, ONE) == ({"a"}, {"c"})
    assert subscribed.additions(ONE) is None
    assert subscribed.additions(edition(route("a"))) is None
    assert deliver(subscribed, ADDED) == ({"c"}, set())


def test_new_name_under_an_unchanged_snapshot_is_answered_at_once() -> None:
    subscribed = subscription("a")
    deliver(subscribed, ONE)
    subscribed.change(("b",), (), {})
    assert deliver(subscribed, ONE) == ({"b"}, set())


def test_resubscribing_to_a_known_name_resends_it() -> None:
    subscribed = subscription("a")
    deliver(subscribed, ONE)
    subscribed.change(("a",), (), {})
    assert deliver(subscribed, ONE) == ({"a"}, set())
    assert subscribed.additions(ONE) is None


def test_name_beside_the_wildcard_may_be_unknown() -> None:
    subscribed = subscription("*", "c")
    assert deliver(subscribed, ONE) == ({"a", "b"}, {"c"})
    assert deliver(subscribed, ADDED) == ({"c"}, set())


def test_dropped_name_is_not_sent_any_more() -> None:
    subscribed = subscription("a", "b")
    deliver(subscribed, ONE)
    subscribed.change((), ("a",), {})
    assert subscribed.additions(CHANGED) is None
    assert subscribed.additions(SMALLER) is None
    assert subscribed.removals(SMALLER) is None


def test_dropping_every_name_is_not_the_wildcard() -> None:
    subscribed = subscription("a")
    deliver(subscribed, ONE)
    subscribed.change((), ("a",), {})
    assert subscribed.additions(ADDED) is None


def test_dropping_the_wildcard_keeps_the_names() -> None:
    subscribed = subscription("*", "a")
    deliver(subscribed, ONE)
    subscribed.change((), ("*",), {})
    assert deliver(subscribed, edition(route("a", 3), route("b", 3))) == ({"a"}, set())


def test_name_dropped_under_the_wildcard_is_told_again() -> None:
    subscribed = subscription("*", "a")
    deliver(subscribed, ONE)
    subscribed.change((), ("a",), {})
    assert deliver(subscribed, ONE) == ({"a"}, set())


def test_asking_for_the_wildcard_again_resends_everything_and_still_removes() -> None:
    subscribed = subscription()
    deliver(subscribed, ONE)
    subscribed.change(("*",), (), {})
    assert deliver(subscribed, SMALLER) == ({"b"}, set())
    assert sent(subscribed.removals(SMALLER)) == (set(), {"a"})


def versions(of: Edition) -> dict[str, str]:
    return dict(of.sets[ResourceType.ROUTE].versions)


def test_reconnect_with_equal_versions_resends_nothing() -> None:
    assert deliver(subscription(reported=versions(ONE)), ONE) == (set(), set())


def test_reconnect_with_older_versions_gets_the_difference() -> None:
    old = edition(route("a"), route("b"), route("z"))
    subscribed = subscription(reported=versions(old))
    new = edition(route("a"), route("b", 4))
    assert deliver(subscribed, new) == ({"b"}, set())
    assert sent(subscribed.removals(new)) == (set(), {"z"})


def test_reconnect_by_name_resends_nothing() -> None:
    subscribed = subscription("a", reported={"a": versions(ONE)["a"]})
    assert deliver(subscribed, ONE) == (set(), set())
    assert deliver(subscribed, CHANGED) == ({"a"}, set())


def test_versions_reported_later_are_ignored() -> None:
    subscribed = subscription("a")
    deliver(subscribed, ONE)
    subscribed.change(("b",), (), {"b": versions(ONE)["b"]})
    assert deliver(subscribed, ONE) == ({"b"}, set())


@pytest.mark.parametrize("names", [(), ("*",)], ids=["implicit", "explicit"])
def test_bytes_are_shared_between_streams(names: tuple[str, ...]) -> None:
    library = Library()
    bodies = []
    for _ in range(2):
        subscribed = Subscription(ResourceType.ROUTE, library)
        subscribed.change(names, (), {})
        update = subscribed.additions(ONE)
        assert update is not None
        bodies.append(update.body)
    assert bodies[0] is bodies[1]


def test_streams_that_report_the_same_share_one_difference() -> None:
    library = Library()
    bodies = []
    for _ in range(2):
        subscribed = Subscription(ResourceType.ROUTE, library)
        subscribed.change((), (), versions(ONE))
        update = subscribed.additions(CHANGED)
        assert update is not None
        bodies.append(update.body)
    assert bodies[0] is bodies[1]
