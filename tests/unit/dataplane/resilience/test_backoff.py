from dataplane.resilience.backoff import Backoff


class Longest:
    def uniform(self, a: float, b: float) -> float:
        return b


def test_span_doubles_up_to_the_limit() -> None:
    backoff = Backoff(Longest(), first_s=0.1, longest_s=1.0)
    assert [backoff.next() for _ in range(6)] == [0.1, 0.2, 0.4, 0.8, 1.0, 1.0]


def test_success_starts_again() -> None:
    backoff = Backoff(Longest(), first_s=0.1, longest_s=1.0)
    backoff.next()
    backoff.next()
    backoff.succeeded()
    assert backoff.next() == 0.1


def test_wait_is_any_part_of_the_span() -> None:
    class Shortest:
        def uniform(self, a: float, b: float) -> float:
            return a

    assert Backoff(Shortest()).next() == 0.0
