"""`python -m controlplane`."""

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
    bootstrap = read_bootstrap(sys.argv[1:], os.environ)
    log_to_stderr()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    return uvloop.run(run(bootstrap, os.environ))


if __name__ == "__main__":
    sys.exit(main())
