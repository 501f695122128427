"""A listener of models that has none, for tests of what stands before it: no socket, no time."""

import asyncio
from random import Random

from dataplane.observe.metrics import Metrics
from dataplane.observe.recorder import Recorder
from dataplane.runtime.config import Listener, ListenerKind, RuntimeConfig
from dataplane.server.active_listener import ActiveListener
from dataplane.server.gate import Gate
from dataplane.server.serving import Services, Serving
from dataplane.tasks import Tasks
from dataplane.upstream.clusters import Clusters
from dataplane.upstream.pool import Pool
from dataplane.wheel import Wheel
from tests.support.gateway import NoExchange


class Standstill:
    """It is always the same moment."""

    def now(self) -> float:
        return 0.0

    def wall(self) -> float:
        return 0.0


def serving() -> Serving:
    """Nobody has to say who calls, and nothing is served."""
    clock, random, tasks, metrics = Standstill(), Random(), Tasks(), Metrics()
    wheel = Wheel(clock.now)
    pool = Pool(wheel, clock.now, tasks)
    services = Services(
        clock=clock,
        random=random,
        wheel=wheel,
        tasks=tasks,
        pool=pool,
        clusters=Clusters(pool, random.random),
        metrics=metrics,
        recorder=Recorder(metrics, None, lambda record: None),
        exchange=NoExchange(),
    )
    listener = Listener("models", ListenerKind.MODEL, "127.0.0.1", 0)
    return Serving(services, RuntimeConfig("1", {"models": listener}, {}, {}), listener)


def active_listener() -> ActiveListener:
    """What its connections share; they are told to nobody."""
    served = serving()
    loop = asyncio.new_event_loop()
    loop.close()
    gate = Gate(served.now, served.services.recorder)
    return ActiveListener(served, loop, gate, None, lambda front, to: None, lambda front, exc: None)
