from collections import Counter
from random import Random

from dataplane.balancing.endpoint import EndpointState
from dataplane.balancing.latency import Latencies
from dataplane.balancing.peak_ewma import PeakEwma

DECAY_S = 10.0


def policy(
    places: list[EndpointState], latencies: Latencies | None = None
) -> PeakEwma[EndpointState]:
    return PeakEwma(places, Random(1).random, latencies or Latencies(DECAY_S))


def test_faster_one_is_picked_until_it_has_more_to_do() -> None:
    fast, slow = EndpointState("fast"), EndpointState("slow")
    latencies = Latencies(DECAY_S)
    latencies.answered(fast.latency, 0.0, 0.1, 0.1, 0, streamed=True)
    latencies.answered(slow.latency, 0.0, 0.35, 0.35, 0, streamed=True)
    picks = policy([fast, slow], latencies)
    assert picks.pick(0.0, (), ()) is fast
    fast.active = 3
    assert picks.pick(0.0, (), ()) is slow


def test_slow_one_gets_its_second_chance() -> None:
    fast, slow = EndpointState("fast"), EndpointState("slow")
    latencies = Latencies(DECAY_S)
    latencies.answered(slow.latency, 0.0, 2.0, 2.0, 0, streamed=True)
    picks = policy([fast, slow], latencies)
    now, first = 0.0, None
    while first is None:
        now += 1.0
        latencies.answered(fast.latency, now, 0.1, 0.1, 0, streamed=True)
        first = now if picks.pick(now, (), ()) is slow else None
        assert now < 60
    assert now > 20  # ln(2.0 / 0.1) times the decay is 30 s


def test_cold_endpoint_is_neither_starved_nor_stampeded() -> None:
    places = [EndpointState(str(n)) for n in range(4)]
    latencies = Latencies(DECAY_S)
    for one in places[1:]:
        latencies.answered(one.latency, 0.0, 0.2, 0.2, 0, streamed=True)
    picks = policy(places, latencies)
    for _ in range(80):  # all of them at the same time
        picked = picks.pick(0.0, (), ())
        assert picked is not None
        picked.active += 1
    assert 14 <= places[0].active <= 26


def test_nobody_known_is_shared_evenly() -> None:
    places = [EndpointState(str(n)) for n in range(3)]
    picks = policy(places)
    picked = Counter(one.name for _ in range(3000) if (one := picks.pick(0.0, (), ())))
    assert all(850 < count < 1150 for count in picked.values())


def test_one_to_avoid_is_never_picked() -> None:
    a, b = EndpointState("a"), EndpointState("b")
    assert policy([a, b]).pick(0.0, (), [a]) is b
    assert policy([a, b]).pick(0.0, (), [a, b]) is None


def played(*weights: int, took_s: tuple[float, ...], requests: int = 600) -> Counter[str]:
    """One request after the other, each as long as its endpoint takes."""
    places = [EndpointState(str(n), weight) for n, weight in enumerate(weights)]
    latencies, picked, now = Latencies(DECAY_S), Counter[str](), 0.0
    picks = PeakEwma(places, Random(3).random, latencies)
    for _ in range(requests):
        one = picks.pick(now, (), ())
        assert one is not None
        picked[one.name] += 1
        seconds = took_s[int(one.name)]
        now += seconds + 0.05
        latencies.answered(one.latency, now, seconds, seconds, 0, streamed=True)
    return picked


def test_a_light_endpoint_gets_its_part_when_nothing_else_is_under_way() -> None:
    picked = played(2, 1, took_s=(0.04, 0.04))
    assert 100 <= picked["1"] <= 300


def test_an_endpoint_in_its_slow_start_gets_a_little() -> None:
    picked = played(10, 1, took_s=(0.04, 0.04))
    assert 3 <= picked["1"] <= 120


def test_a_light_endpoint_that_is_slow_gets_less() -> None:
    assert played(2, 1, took_s=(0.04, 0.4))["1"] < played(2, 1, took_s=(0.04, 0.04))["1"]


def test_requests_under_way_weigh_by_share() -> None:
    heavy, light = EndpointState("heavy", 300), EndpointState("light", 100)
    picks = policy([heavy, light])
    for _ in range(400):
        picked = picks.pick(0.0, (), ())
        assert picked is not None
        picked.active += 1
    assert 280 <= heavy.active <= 320
