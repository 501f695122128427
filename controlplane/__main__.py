"""`python -m controlplane`."""

import os
import sys

import uvloop

from controlplane.bootstrap import read_bootstrap
from controlplane.log import log_to_stderr
from controlplane.main import run


def main() -> int:
    """Run until told to stop; the exit code."""
    bootstrap = read_bootstrap(sys.argv[1:], os.environ)
    log_to_stderr()
    return uvloop.run(run(bootstrap, os.environ))


if __name__ == "__main__":
    sys.exit(main())
