"""What all streams share: editions, differences, bytes."""

import itertools

from controlplane.snapshot.resource import Resource, ResourceType
from controlplane.xds.edition import KEPT, Edition, Library, Step, TypeSet, body
from tests.support.snapshots import cluster, listener, route, snapshot

ROUTE, CLUSTER, LISTENER = ResourceType.ROUTE, ResourceType.CLUSTER, ResourceType.LISTENER


def edition(*resources: Resource, previous: Edition | None = None) -> Edition:
    return Edition.of(snapshot(*resources), previous)


def test_every_type_has_a_set_also_an_empty_one() -> None:
    assert set(edition(route("a")).sets) == set(ResourceType)


def test_a_type_that_did_not_change_is_the_same_object() -> None:
    before = edition(route("a"), cluster("c"))
    after = edition(route("a", 1), cluster("c"), previous=before)
    assert after.sets[CLUSTER] is before.sets[CLUSTER]
    assert after.sets[ROUTE] is not before.sets[ROUTE]


def test_equal_content_has_an_equal_version_whatever_the_order() -> None:
    one, two = edition(route("a"), route("b")), edition(route("b"), route("a"))
    assert one.sets[ROUTE].version == two.sets[ROUTE].version


def test_a_difference_tells_what_changed_and_what_is_gone() -> None:
    old = edition(route("a"), route("b"), route("c")).sets[ROUTE]
    new = edition(route("a"), route("b", 1), route("d")).sets[ROUTE]
    difference = Library().difference(old, new)
    assert {each.name for each in difference.changed} == {"b", "d"}
    assert difference.gone == ("c",)


def test_a_difference_is_made_once() -> None:
    library = Library()
    old, new = edition(route("a")).sets[ROUTE], edition(route("b")).sets[ROUTE]
    assert library.difference(old, new) is library.difference(old, new)


def test_the_oldest_differences_are_let_go() -> None:
    library = Library()
    sets = [edition(route("a", content)).sets[ROUTE] for content in range(KEPT + 2)]
    first = library.difference(sets[0], sets[1])
    for old, new in itertools.pairwise(sets):
        library.difference(old, new)
    assert library.difference(sets[0], sets[1]) is not first


def test_a_report_of_the_current_set_is_the_current_set() -> None:
    current = edition(route("a")).sets[ROUTE]
    assert Library().reported(current, dict(current.versions)) is current


def test_equal_reports_are_one_object() -> None:
    library, current = Library(), edition(route("a")).sets[ROUTE]
    first = library.reported(current, {"z": "1"})
    assert library.reported(current, {"z": "1"}) is first
    assert first.version == TypeSet.reported(ROUTE, {"z": "1"}).version


def test_names_and_versions_do_not_run_into_each_other() -> None:
    one = TypeSet.reported(ROUTE, {"a": "bc"})
    two = TypeSet.reported(ROUTE, {"ab": "c"})
    assert one.version != two.version


def test_a_body_holds_the_resources_bytes_as_they_are() -> None:
    resource = route("a")
    assert resource.delta_bytes in body(ROUTE, "v", [resource], ["b"])


def step(old: Edition, new: Edition, kind: ResourceType) -> Step:
    return Library().step(old.sets[kind], new)


def test_a_step_is_made_once_for_an_edition() -> None:
    library, old = Library(), edition(route("a")).sets[ROUTE]
    new = edition(route("a", 1))
    assert library.step(old, new) is library.step(old, new)
    assert library.step(old, edition(route("a", 1))) is not library.step(old, new)


def test_a_step_leaves_what_is_gone_with_the_node_for_later() -> None:
    now = edition(route("b", 1))
    made = step(edition(route("a"), route("b")), now, ROUTE)
    assert made.body == body(ROUTE, now.version, [route("b", 1)], ())
    assert made.sent.leftovers == ("a",)


def test_a_step_has_nothing_to_send_when_something_is_gone_and_no_more() -> None:
    made = step(edition(route("a"), route("b")), edition(route("b")), ROUTE)
    assert made.body is None
    assert made.sent.leftovers == ("a",)


def test_a_step_takes_a_listener_away_at_once() -> None:
    now = edition(listener("b"))
    made = step(edition(listener("a"), listener("b")), now, LISTENER)
    assert made.body == body(LISTENER, now.version, (), ("a",))
    assert made.sent.leftovers == ()
