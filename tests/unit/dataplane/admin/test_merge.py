from dataplane.admin.merge import merge
from dataplane.admin.render import render
from dataplane.admin.report import decode_families, encode_families
from dataplane.observe.metrics import Family


def counter(**samples: float) -> Family:
    by_label: dict[tuple[str, ...], float] = {(key,): value for key, value in samples.items()}
    return Family("outrider_requests_total", "counter", "Requests.", ("listener",), by_label)


def histogram(counts: tuple[int, ...], total: float) -> Family:
    return Family("outrider_x_seconds", "histogram", "X.", (), {(): (counts, total)}, (0.1, 1.0))


def test_counters_of_workers_add_up_by_label() -> None:
    (merged,) = merge([[counter(a=1, b=2)], [counter(b=3, c=4)]])
    assert merged.samples == {("a",): 1, ("b",): 5, ("c",): 4}


def test_histograms_add_up_bucket_by_bucket() -> None:
    (merged,) = merge([[histogram((1, 2, 3), 4.0)], [histogram((1, 0, 1), 2.0)]])
    assert merged.samples == {(): ((2, 2, 4), 6.0)}


def test_a_family_that_only_one_worker_has_stays() -> None:
    assert merge([[counter(a=1)], [], [histogram((0, 0, 1), 2.0)]]) == [
        counter(a=1),
        histogram((0, 0, 1), 2.0),
    ]


def test_families_survive_the_way_to_the_parent() -> None:
    families = [counter(a=1.0), histogram((1, 2, 3), 4.5)]
    assert decode_families(encode_families(families)) == families


def test_rendered_text_is_what_prometheus_reads() -> None:
    lines = render([counter(a=2.0), histogram((1, 2, 3), 4.5)]).decode().splitlines()
    assert 'outrider_requests_total{listener="a"} 2.0' in lines
    assert 'outrider_x_seconds_bucket{le="0.1"} 1.0' in lines
    assert 'outrider_x_seconds_bucket{le="1"} 3.0' in lines
    assert 'outrider_x_seconds_bucket{le="+Inf"} 6.0' in lines
    assert "outrider_x_seconds_sum 4.5" in lines
    assert "outrider_x_seconds_count 6.0" in lines
