"""Ports for programs that must be told theirs.

The rule: nobody else on this machine is given them, though suites run side by side. A port that
the kernel has picked and that was let go of is soon the client's end of somebody's connection, or
the upstream of another test.
"""

import socket
from pathlib import Path
from random import Random

LOWEST = 20_000
"""Below are those that services are known by."""
_PICKED_BY_THE_KERNEL = Path("/proc/sys/net/ipv4/ip_local_port_range")


def free_port() -> int:
    """One that nobody uses now, and that nobody else is given while this process lives."""
    highest = int(_PICKED_BY_THE_KERNEL.read_text().split()[0])
    for port in Random().sample(range(LOWEST, highest), 1000):
        with socket.socket(socket.AF_UNIX) as claim, socket.socket() as probe:
            try:
                claim.bind(f"\0port {port} of a test of Outrider")
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            claim.detach()  # the name is ours until this process ends
            return port
    raise AssertionError(f"no port below {highest} is free")
