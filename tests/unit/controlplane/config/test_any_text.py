"""Whatever the text is: a snapshot or ConfigErrors with readable problems, and nothing else."""

import contextlib
from typing import Any

import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from controlplane.config.parse import decode
from controlplane.config.problem import ConfigErrors
from controlplane.config.schema import Config
from controlplane.translate.compiler import compile_config
from tests.support.examples import share_of

MANY = settings(max_examples=share_of(150))
SCHEMA = Config.model_json_schema()


def keys_of(schema: dict[str, Any]) -> set[str]:
    blocks = [schema, *schema["$defs"].values()]
    return {key for block in blocks for key in block["properties"]}


# sorted: hypothesis must see the same order in every process
KEYS = sorted(keys_of(SCHEMA))
WORDS = [
    *("v0.4.0", "agent", "model", "http", "weather", "a/b", "openai/gpt", "$KEY", "${", "file:/x"),
    *(
        "http://h",
        "https://h:1/v1",
        "://",
        "http://[",
        "30s",
        "0s",
        "9" * 50,
        "a b",
        "",
        "\x7f",
        "é",
    ),
]
SCALARS = st.one_of(
    st.sampled_from(WORDS),
    st.integers(),
    st.floats(),
    st.booleans(),
    st.none(),
    st.text(max_size=8),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.one_of(st.sampled_from(KEYS), st.text(max_size=4)), inner, max_size=5),
    ),
    max_leaves=25,
)
YAML_SIGNS = [
    *(": ", "\n", "\n  ", "- ", "\t", "&a ", "*a", "<<: ", "!!int ", "[", "]", "{", "}", "\0"),
    *("'", '"', "#", "|", ">", "---\n", "...", "%YAML 1.1\n", "? ", ",", "@", "`", "\ud800"),
]
YAML_BITS = st.sampled_from([*KEYS, *WORDS, *YAML_SIGNS])


def compiles_or_is_refused(text: str) -> None:
    try:
        compile_config(text, "any.yaml", {"KEY": "sk"})
    except ConfigErrors as e:
        refused = e
    else:
        return
    assert refused.problems
    for problem in refused.problems:
        assert problem.message
        assert problem.file == "any.yaml"
        assert 0 <= problem.line <= len(text) + 1
        assert "outrider-stand-in" not in str(problem)


@MANY
@given(st.text(max_size=200))
def test_any_text(text: str) -> None:
    compiles_or_is_refused(text)


@MANY
@given(st.lists(YAML_BITS, max_size=40).map("".join))
@example("a: &a [*a]")
@example("<<: *a")
@example("? ")
@example("\ufeffversion: v0.4.0")
@example("version: v0.4.0\nlisteners: []\nmodel_aliases: {openai/x: {target: y}, '': {}}")
def test_any_text_of_yaml_pieces(text: str) -> None:
    compiles_or_is_refused(text)


@MANY
@given(VALUES)
def test_any_values(value: object) -> None:
    compiles_or_is_refused(yaml.safe_dump(value, allow_unicode=True))


def block(name: str) -> st.SearchStrategy[dict[str, object]]:
    """A mapping with keys of one block of the schema and any values."""
    keys = sorted(SCHEMA["$defs"][name]["properties"])
    return st.dictionaries(st.sampled_from(keys), VALUES, max_size=len(keys))


@MANY
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "version": st.just("v0.4.0"),
            "listeners": st.lists(st.one_of(block("Listener"), SCALARS), max_size=3),
            "agents": st.lists(block("Agent"), max_size=3),
            "filters": st.lists(block("Filter"), max_size=3),
            "model_providers": st.lists(block("ModelProvider"), max_size=3),
            "model_aliases": st.dictionaries(st.sampled_from(WORDS), block("ModelAlias")),
            "tracing": block("Tracing"),
        },
    )
)
def test_any_values_at_keys_of_the_schema(value: object) -> None:
    compiles_or_is_refused(yaml.safe_dump(value, allow_unicode=True))


@MANY
@given(st.binary(max_size=100))
def test_any_bytes(raw: bytes) -> None:
    with contextlib.suppress(ConfigErrors):
        compiles_or_is_refused(decode(raw, "any.yaml"))
