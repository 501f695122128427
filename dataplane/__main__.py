"""`python -m dataplane`: the parent process, or with --worker one of its workers.

Each imports only what it runs: the parent stays small, a worker starts fast.
"""

import os
import sys

import uvloop

from dataplane.bootstrap import read_bootstrap
from dataplane.log import log_to_stderr


def main() -> int:
    """Run until told to stop; the exit code."""
    argv = sys.argv[1:]
    bootstrap = read_bootstrap(argv, os.environ)
    if bootstrap.worker is None:
        from dataplane.workers import run_workers

        log_to_stderr("dataplane")
        return uvloop.run(run_workers(bootstrap, argv))
    from dataplane.main import run_worker

    log_to_stderr(f"worker/{bootstrap.worker}")
    return uvloop.run(run_worker(bootstrap, os.environ))


if __name__ == "__main__":
    sys.exit(main())
