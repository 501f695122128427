"""Becoming a plane: our process is replaced, so signals and exit codes are the plane's own."""

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

PASSED_ON = {"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []}
"""For a click command that hands all it is given to a plane, --help included."""


def become(module: str, arguments: Sequence[str]) -> NoReturn:
    """Run `python -m MODULE ARGUMENTS` in this process."""
    # -P: a folder of that name where the command was typed must not be taken for ours.
    os.execv(sys.executable, [sys.executable, "-P", "-m", module, *arguments])
