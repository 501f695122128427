"""`python -m controlplane`."""

import contextlib
import gc
import os
import sys

import uvloop

from controlplane.bootstrap import read_bootstrap
from controlplane.log import log_to_stderr
from controlplane.main import run

# Compiling and a thousand streams make many objects, nearly none of them in cycles. With Python's
# own thresholds collections were a third of a push: 226 ms until all of 1,000 nodes had
# acknowledged (p99 483), 155 (200) with these (make bench-push).
GC_THRESHOLDS = (50_000, 20, 10)


def main() -> int:
    """Run until told to stop; the exit code."""
    _work_off()
    bootstrap = read_bootstrap(sys.argv[1:], os.environ)
    log_to_stderr()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    return uvloop.run(run(bootstrap, os.environ))


def _work_off() -> None:
    """Let no thread that is woken interrupt one that works, in this process and its children.

    gRPC's threads wake the loop for each message that they have written or read, a thousand times
    in a push. One that comes when it is its turn finds many of them: on one core a push takes a
    sixth less CPU (306 ms -> 255, means of three runs by turns, make bench-push).
    """
    # Linux has it, and a sandbox may forbid it.
    if hasattr(os, "SCHED_BATCH"):
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


if __name__ == "__main__":
    sys.exit(main())
