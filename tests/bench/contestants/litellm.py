"""LiteLLM's proxy, one worker: what people run today. It parses and writes every body anew.

It refuses to start without a master key, so its clients present one.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.bench.contestants.contestant import MODEL, UPSTREAM_KEY, Place, Running, first_request
from tests.bench.environments import environment
from tests.bench.processes import Program, family, free_port

KEY = "sk-bench-litellm"
START_TIMEOUT_S = 120.0
CONFIG = """\
model_list:
  - model_name: {model}
    litellm_params:
      model: openai/{model}
      api_base: http://127.0.0.1:{upstream_port}/v1
      api_key: {key}
litellm_settings:
  telemetry: false
"""
# It must not look for its price list or a database on the network.
ENVIRONMENT = {
    "LITELLM_MASTER_KEY": KEY,
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_LOG": "ERROR",
}


class LiteLLM:
    name = "litellm"
    rewrites_bodies = True

    @contextmanager
    def running(self, place: Place) -> Iterator[Running]:
        port = free_port()
        config = place.folder / "litellm.yaml"
        text = CONFIG.format(model=MODEL, upstream_port=place.upstream_port, key=UPSTREAM_KEY)
        config.write_text(text)
        command = [environment("litellm") / "litellm", "--config", config, "--host", "127.0.0.1"]
        command += ["--port", str(port), "--num_workers", "1"]
        log = place.folder / "litellm.log"
        with Program.start(command, core=place.proxy_core, log=log, env=ENVIRONMENT) as program:
            program.wait_for_answer(first_request(port, KEY), START_TIMEOUT_S)
            yield Running(port, [program], family(program.pid), KEY)
