"""What the READMEs say is true and complete: keys, commands, targets, details and file names."""

import ast
import re

import pytest

from controlplane.config.parse import parse
from tests.arch import config_reference, losses_reference
from tests.arch.tree import ROOT, files, read
from tests.faults import table as faults_table

README = read("README.md")
READMES = [path for path in files("*.md") if path.endswith("README.md")]
VERBS = [
    path.rpartition("/")[2].removesuffix(".py")
    for path in files("controlplane/cli/*.py")
    if re.search(r"^def command\(", read(path), re.MULTILINE)
]
TARGETS = re.findall(r"^([a-z%-]+):", read("Makefile"), re.MULTILINE)


def test_config_reference_is_what_the_schema_says() -> None:
    assert config_reference.current() == config_reference.table(), (
        "run `.venv/bin/python -m tests.arch.config_reference`"
    )


def test_what_protocols_cannot_express_is_what_the_writers_say() -> None:
    assert losses_reference.current() == losses_reference.table(), (
        "run `.venv/bin/python -m tests.arch.losses_reference`"
    )


def test_table_of_faults_is_what_the_tests_hold() -> None:
    assert faults_table.current() == faults_table.table(), (
        "run `.venv/bin/python -m tests.faults.table`"
    )


def test_the_first_config_that_one_reads_is_a_good_one() -> None:
    (config,) = re.findall(r"^```yaml\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    assert len(parse(config, "README.md").config.listeners) == 2


def test_every_config_key_says_what_it_is_for() -> None:
    assert [path for path, text, _ in config_reference.entries() if not text] == []


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_is_documented(verb: str) -> None:
    assert f"`outrider {verb}" in README


@pytest.mark.parametrize("target", TARGETS)
def test_every_make_target_is_documented_in_both_places(target: str) -> None:
    assert re.search(rf"`make {target}[ `]", README)
    assert re.search(rf"^{target}:.* ## \w", read("Makefile"), re.MULTILINE)


def test_every_detail_is_documented() -> None:
    enum = next(
        node
        for node in ast.parse(read("dataplane/runtime/messages.py")).body
        if isinstance(node, ast.ClassDef) and node.name == "ResponseDetail"
    )
    words = {
        node.value.value
        for node in enum.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
    }
    assert words == set(re.findall(r"^\| `(\w+)` \| [^|]+ \|", _section("## Limits"), re.M))


@pytest.mark.parametrize("readme", READMES)
def test_named_files_exist(readme: str) -> None:
    folder = (ROOT / readme).parent
    text = re.sub(r"\]\([^)]*\)", "", read(readme))  # links have a test of their own
    named = set(re.findall(r"\b[\w/.-]+/[\w.-]*\.(?:py|yaml|proto|md)\b", text))
    missing = [name for name in named if not ((ROOT / name).exists() or (folder / name).exists())]
    assert missing == []


def _section(heading: str) -> str:
    text = read("dataplane/server/README.md")
    return text[text.index(heading) :].partition("\n## ")[0]


@pytest.mark.parametrize("readme", READMES)
def test_links_lead_somewhere(readme: str) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]*)(#[^)]*)?\)", read(readme))
    for path, anchor in links:
        page = ((ROOT / readme).parent / path).resolve() if path else ROOT / readme
        assert page.exists(), path
        if anchor:
            assert anchor[1:] in _anchors(page.read_text(encoding="utf-8")), anchor


def _anchors(text: str) -> set[str]:
    """Of the headings of a page, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
