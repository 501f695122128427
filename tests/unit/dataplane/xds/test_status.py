from dataplane.xds.resource import ResourceKind
from dataplane.xds.status import XdsStatus

CLUSTER, PROVIDER = ResourceKind.CLUSTER.url, ResourceKind.MODEL_PROVIDER.url
ROUTE, LISTENER = ResourceKind.ROUTE.url, ResourceKind.LISTENER.url


def test_listeners_come_last_and_make_it_whole() -> None:
    status = XdsStatus()
    status.accept(ROUTE)
    assert not status.synced
    status.accept(LISTENER)
    assert status.synced
    assert status.current


def test_refusal_stays_while_only_earlier_kinds_come() -> None:
    status = XdsStatus()
    status.refuse(PROVIDER, "why")
    status.accept(CLUSTER)
    assert status.refusals == {PROVIDER: "why"}


def test_refusal_is_over_when_a_later_kind_comes() -> None:
    status = XdsStatus()
    status.refuse(PROVIDER, "why")
    status.accept(LISTENER)
    assert status.refusals == {}
    assert status.synced


def test_refusal_is_over_when_its_kind_is_accepted() -> None:
    status = XdsStatus()
    status.refuse(PROVIDER, "why")
    status.accept(PROVIDER)
    assert status.refusals == {}


def test_refusal_of_an_unknown_type_is_over_with_the_next_update() -> None:
    status = XdsStatus()
    status.refuse("type.googleapis.com/outrider.v1.Nonsense", "why")
    status.accept(CLUSTER)
    assert status.refusals == {}


def test_lost_stream_is_not_current_but_still_whole() -> None:
    status = XdsStatus()
    status.accept(LISTENER)
    status.disconnect()
    assert (status.synced, status.current, status.connected) == (True, False, False)
