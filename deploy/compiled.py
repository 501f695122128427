"""The data plane with its hot path as machine code: `python -m deploy.compiled FOLDER`.

FOLDER gets a copy of dataplane/ and, beside the sources of MODULES and IN_C, what mypyc and a C
compiler make of them. Whoever puts FOLDER first on PYTHONPATH (or copies the package over an
installed one, as Dockerfile.dataplane does) has chosen it: nothing else ever finds it. The rule:
the same tests and the same answers, of the same sources or a twin of theirs; only the CPU a request
takes differs.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "build" / "compiled"
"""Where benchmarks and tests of this checkout build it."""
LIBRARY = "dataplane.compiled"
"""What the machine code of all modules is in; each has a small one of its own that names it."""
WORK = ".build"
"""What the compilers leave behind, and the stamp that tells what it was made of."""

FLAGS = ("-fvisibility=hidden", "-fno-plt")
"""Modules find one another's functions by a table that Python keeps, never by the linker; told so,
the C compiler calls them directly (of a relayed request outside the kernel, 2 %).
"""

MODULES = {
    "": "header_collector outbox wheel",
    "balancing": (
        "balancer endpoint hashing health latency least_request outlier peak_ewma prefix_affinity "
        "prefixes ring_hash round_robin"
    ),
    "filters": "chain event passing stage",
    "llm": "event framing json_array prefix_key sse stakes",
    "llm.hub": "answer delta literals loss namespaces parts request seal",
    "llm.translate": "between codec template",
    "llm.translate.chat": (
        "read_choice read_messages read_parts read_request read_stream read_thinking "
        "read_tools resume_stream write_answer write_messages write_parts write_request "
        "write_stream write_tools"
    ),
    "llm.translate.messages": (
        "abilities read_answer read_parts read_request read_stream read_tools resume_stream "
        "tool_input write_answer write_parts write_request write_stream write_thinking write_turns"
    ),
    "llm.translate.responses": (
        "forms output read_items read_parts read_request read_stream read_tools response "
        "resume_stream write_answer write_input write_request write_stream"
    ),
    "llm.wire": "body peek",
    "observe": "recorder series tally traceparent",
    "resilience": "admission breaker commit malformed quota_book quota_holding standing whole",
    "server": (
        "active_listener admitting answers candidates checks closing deferred dispatch filtered "
        "filtering foreign_head front gate heads hedging holding incoming judging keeping_tally "
        "late mended outgoing passing placing reader recovering refusals relay relayed_head rescue "
        "sending serving surface translated trying"
    ),
    "server.auth": "authenticator",
    "server.limits": "charge gate holding_up limiter matching plan sizes told",
    "upstream": "cluster connection endpoint hash_key",
}
"""By package below `dataplane`. A class is compiled with its bases and with all who inherit from
it. Five things that Python allows and mypyc 2.4 gets wrong: two `except` clauses that call
different exceptions of ours by one name, a mapping pattern with `as`, a frozenset minus a view of
keys, a slice of bytes that ends before it begins, and a `Final` that is a tuple of tuples with
stars (it is "not set"). What a constant of a module is, is looked up
each time unless it is `Final`. What is not compiled is asked the long way (instructions, counted by
callgrind): a field of a struct takes 180, all of its fields as a tuple hardly more, a member of an
enumeration 720; and making a dataclass of three fields takes 1,600, because the __init__ that is
made for it is never compiled. One with `init=False` and an __init__ of its own is as cheap as a
plain class, where compiled code makes it; others pay 2,900. A template before a `%` costs 400 where
it is a literal, 2,000 where it has a name; `b"x" in data` 1,800, a number in its place 100.
"""
IN_C = "resilience/usual upstream/chunks"
"""Modules of which there is one in C beside the one in Python: bytes are looked at one by one in
them, which mypyc makes ten times as slow as a C library does.
"""
LEFT_OUT = {
    "filters.answers": "its steps are told from answers by being generators, and mypyc's are none",
    "llm.usage": "msgspec reads the annotations of its structs, and mypyc keeps too little of them",
    "observe.access_log": "the encoder leaves out one very float object, and mypyc makes it anew",
    "observe.record": "structs, like llm.usage",
    "server.arrived": "makes what it is without its base's __init__",
    "server.host": "a subclass of aiohttp's, whose attributes are in a dict",
    "upstream.pool": "endpoints are held weakly, and compiled objects cannot be",
}
"""Modules on the path of every request that stay as they are, and why."""


def build(folder: Path, optimised: bool = True) -> bool:
    """Bring `folder` up to date; False when it was already.

    Raises SystemExit when there is no C compiler or a module cannot be compiled.
    """
    stamp = folder / WORK / "stamp"
    wanted = _fingerprint(optimised)
    if stamp.exists() and stamp.read_text() == wanted:
        return False
    work = folder / WORK
    work.mkdir(parents=True, exist_ok=True)
    stamp.unlink(missing_ok=True)
    shutil.rmtree(folder / "dataplane", ignore_errors=True)
    shutil.copytree(
        ROOT / "dataplane", folder / "dataplane", ignore=shutil.ignore_patterns("__pycache__")
    )
    # a process of its own: mypyc wants to be in the folder, and setuptools patches what it finds
    made = subprocess.run(
        [sys.executable, "-P", Path(__file__).absolute(), "--within", "2" if optimised else "0"],
        cwd=folder,
        env=os.environ | {"MYPYPATH": str(ROOT / "proto" / "gen"), "PYTHONPATH": ""},
        check=False,
    )
    if made.returncode:
        raise SystemExit("compiled: nothing was built; what is missing or wrong is said above")
    stamp.write_text(wanted)
    return True


def compile_here(level: str) -> None:
    """Compile the modules of the dataplane/ in the working directory, in place."""
    try:
        from mypyc.build import mypycify
        from setuptools import Extension, setup
    except ImportError as missing:
        raise SystemExit(
            f"compiled: {missing.name} is missing: pip install 'outrider[compile]'"
        ) from None
    if shutil.which(os.environ.get("CC", "cc")) is None:
        raise SystemExit("compiled: no C compiler: apt-get install gcc libc6-dev python3-dev")
    sources = [
        f"{Path('dataplane', *package.split('.'), name)}.py"
        for package, names in MODULES.items()
        for name in names.split()
    ]
    options = ["--config-file", str(ROOT / "pyproject.toml"), "--cache-dir", f"{WORK}/mypy"]
    extensions = mypycify(
        [*options, "--follow-imports=silent", *sources],
        opt_level=level,
        debug_level="0",
        target_dir=WORK,
        group_name=LIBRARY,
    )
    for extension in extensions:
        extension.extra_compile_args += list(FLAGS)
    for module in IN_C.split():
        name = f"dataplane/{module}"
        extensions.append(Extension(name.replace("/", "."), [f"{name}.c"]))
    arguments = ["--quiet", "build_ext", "--inplace"]
    arguments += ["--build-temp", f"{WORK}/objects", "--build-lib", f"{WORK}/library"]
    setup(name="dataplane", packages=[], ext_modules=extensions, script_args=arguments)


def _fingerprint(optimised: bool) -> str:
    """Of all that a build is made of."""
    told = hashlib.sha256(f"{sys.version} {version('mypy')} {optimised}".encode())
    sources = sorted(file for kind in ("*.py", "*.c") for file in (ROOT / "dataplane").rglob(kind))
    for file in (Path(__file__), *sources):
        told.update(str(file.relative_to(ROOT)).encode() + b"\0" + file.read_bytes() + b"\0")
    return told.hexdigest()


def main(argv: Sequence[str]) -> None:
    """See the module."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("folder", type=Path, nargs="?", default=FOLDER)
    options.add_argument("--quickly", action="store_true", help="without optimising")
    options.add_argument("--within", metavar="LEVEL", help=argparse.SUPPRESS)
    args = options.parse_args(argv)
    if args.within is not None:
        compile_here(args.within)
        return
    built = build(args.folder.absolute(), not args.quickly)
    print(f"compiled: {args.folder} {'is built' if built else 'was up to date'}")


if __name__ == "__main__":
    main(sys.argv[1:])
