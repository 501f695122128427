"""How clusters are shown."""

from outriderpb.admin.v1 import fleet_pb2
from rich.console import Console

from controlplane.cli.clusters import picture, state

Endpoint, Cluster = fleet_pb2.EndpointStatus, fleet_pb2.ClusterStatus


def shown(listed: fleet_pb2.ListClustersResponse) -> str:
    console = Console(width=200, no_color=True)
    with console.capture() as captured:
        console.print(picture(listed))
    return captured.get()


def test_every_endpoint_is_a_line_with_its_numbers() -> None:
    one = Endpoint(
        address="10.0.0.1:8000",
        hostname="gpu",
        weight=2,
        zone="a",
        workers=2,
        healthy=2,
        active=3,
        answers=99,
        failures=1,
        first_token_s=0.25,
        token_s=0.0125,
    )
    cluster = Cluster(
        name="provider:llama", policy="peak_ewma", workers=2, endpoints=[one], connections=4
    )
    text = shown(fleet_pb2.ListClustersResponse(clusters=[cluster], workers=2))
    assert text.startswith("1 cluster, 2 workers\n")
    assert "provider:llama  peak_ewma" in text
    line = next(line for line in text.splitlines() if line.startswith("10.0.0.1"))
    assert " ".join(line.split()) == (
        "10.0.0.1:8000 (gpu) healthy 2 0 a 3 99 1 99.0 % 250 ms 12.5 ms"
    )


def test_what_nobody_has_counted_is_not_said_to_be_none() -> None:
    one = Endpoint(address="10.0.0.1:8000", weight=1, workers=1)
    cluster = Cluster(name="agent:a", policy="least_request", workers=1, endpoints=[one])
    text = shown(fleet_pb2.ListClustersResponse(clusters=[cluster], workers=1))
    line = next(line for line in text.splitlines() if line.startswith("10.0.0.1"))
    assert " ".join(line.split()) == "10.0.0.1:8000 not checked 1 0 - 0 - - - - -"


def test_workers_that_do_not_answer_are_named() -> None:
    text = shown(fleet_pb2.ListClustersResponse(workers=1, silent=["n/1", "old/0"]))
    assert text == "0 clusters, 1 worker; no answer from n/1, old/0\n"


def test_what_a_whole_cluster_suffers_is_beside_its_name() -> None:
    cluster = Cluster(
        name="agent:a",
        policy="least_request",
        worker="n/0",
        workers=1,
        panicking=1,
        overflows={"requests": 2, "retries": 0},
    )
    text = shown(fleet_pb2.ListClustersResponse(clusters=[cluster], workers=1))
    assert (
        "agent:a  least_request, n/0, health ignored by 1 of 1 worker: too few are well,"
        " 2 requests refused by circuit breakers (requests)" in text
    )


def test_the_worst_that_workers_say_is_the_state() -> None:
    known = {"address": "h:1", "workers": 3}

    def of(**said: int) -> str:
        return state(Endpoint(**known, **said)).plain  # type: ignore[arg-type] # by name

    assert of() == "not checked"
    assert of(healthy=3) == "healthy"
    assert of(healthy=2) == "healthy by 2 of 3 workers"
    assert of(healthy=2, unhealthy=1) == "unhealthy by 1 of 3 workers"
    assert of(unhealthy=3) == "unhealthy"
    assert of(unhealthy=1, ejected=2, ejected_for_ms=29_800) == (
        "ejected for 30 s by 2 of 3 workers"
    )
