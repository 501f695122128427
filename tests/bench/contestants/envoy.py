"""Envoy with one plain route: what a proxy in C++ costs that does not look into the body.

It replaces the authorization header, as ours does. One worker; no access log, no tracing. Without
a guard it takes all that comes; guards are for `make load`.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from tests.bench.contestants.contestant import UPSTREAM_KEY, Place, Running, first_request
from tests.bench.environments import environment
from tests.bench.processes import Program, free_port

TYPE = "type.googleapis.com/envoy.extensions.filters"
UNLIMITED = 100_000
AT_ONCE = 128
"""Requests at the upstream, and as many that wait for that: what a breaker lets through."""


class Guard(StrEnum):
    """What Envoy does against more than it can do. Its overload manager is not among them: that
    looks at memory, at connections, or at the CPU of the whole machine, which is busy here anyway.
    """

    BREAKER = "breaker"
    """A limit of the cluster, known to be right beforehand."""
    ADAPTIVE = "adaptive"
    """The adaptive concurrency filter: it finds the limit by latencies."""


class Envoy:
    rewrites_bodies = False

    def __init__(self, guard: Guard | None = None) -> None:
        self.name = f"envoy_{guard}" if guard else "envoy"
        self._guard = guard

    @contextmanager
    def running(self, place: Place) -> Iterator[Running]:
        port = free_port()
        config = place.folder / "envoy.json"
        config.write_text(
            json.dumps(envoy_config(port, place.upstream_port, self._guard), indent=1)
        )
        command = [environment("envoy") / "envoy", "-c", config, "--concurrency", "1"]
        command += ["--log-level", "warning", "--use-dynamic-base-id"]
        with Program.start(
            command, core=place.proxy_core, log=place.folder / "envoy.log"
        ) as program:
            program.wait_for_answer(first_request(port), timeout_s=20)
            yield Running(port, [program], [program.pid])


def envoy_config(port: int, upstream_port: int, guard: Guard | None = None) -> object:
    """A bootstrap with one listener, one route and one cluster."""
    authorization = {"key": "authorization", "value": f"Bearer {UPSTREAM_KEY}"}
    connection_manager = {
        "@type": f"{TYPE}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "bench",
        "generate_request_id": False,
        "stream_idle_timeout": "0s",
        "route_config": {
            "virtual_hosts": [
                {
                    "name": "bench",
                    "domains": ["*"],
                    "request_headers_to_add": [
                        {"header": authorization, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
                    ],
                    "routes": [
                        {
                            "match": {"prefix": "/"},
                            "route": {"cluster": "upstream", "timeout": "0s"},
                        }
                    ],
                }
            ]
        },
        "local_reply_config": {"mappers": [_RETRY_AFTER]},
        "http_filters": [
            *([_ADAPTIVE] if guard is Guard.ADAPTIVE else []),
            {
                "name": "envoy.filters.http.router",
                "typed_config": {"@type": f"{TYPE}.http.router.v3.Router"},
            },
        ],
    }
    listener = {
        "name": "bench",
        "address": _address(port),
        "tcp_backlog_size": 4096,
        "filter_chains": [
            {
                "filters": [
                    {
                        "name": "envoy.filters.network.http_connection_manager",
                        "typed_config": connection_manager,
                    }
                ]
            }
        ],
    }
    at_once = AT_ONCE if guard is Guard.BREAKER else UNLIMITED
    limits = ("max_connections", "max_pending_requests", "max_requests")
    cluster = {
        "name": "upstream",
        "type": "STATIC",
        "connect_timeout": "5s",
        "circuit_breakers": {"thresholds": [dict.fromkeys(limits, at_once)]},
        "load_assignment": {
            "cluster_name": "upstream",
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": _address(upstream_port)}}]}],
        },
    }
    return {"static_resources": {"listeners": [listener], "clusters": [cluster]}}


def _address(port: int) -> object:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


_RETRY_AFTER = {
    "filter": {
        "status_code_filter": {
            "comparison": {"value": {"default_value": 503, "runtime_key": "not_set"}}
        }
    },
    "headers_to_add": [{"header": {"key": "retry-after", "value": "1"}}],
}
"""It says none by itself."""
_ADAPTIVE = {
    "name": "envoy.filters.http.adaptive_concurrency",
    "typed_config": {
        "@type": f"{TYPE}.http.adaptive_concurrency.v3.AdaptiveConcurrency",
        "gradient_controller_config": {
            "concurrency_limit_params": {"concurrency_update_interval": "0.1s"},
            "min_rtt_calc_params": {"interval": "30s", "request_count": 50},
        },
    },
}
