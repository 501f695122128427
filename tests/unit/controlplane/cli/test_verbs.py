"""The verbs that talk to a running control plane, as typed."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from controlplane.cli.main import VERBS, main
from controlplane.main import ControlPlane
from controlplane.security import Security
from controlplane.snapshot.resource import ResourceType
from tests.support.control import BAD, CONFIG, OTHER, control_plane
from tests.support.delta import delta_client
from tests.support.wait import until

ALL = tuple(ResourceType)


@dataclass
class Shell:
    plane: ControlPlane
    folder: Path

    def file(self, text: str) -> str:
        path = self.folder / "typed.yaml"
        path.write_text(text)
        return str(path)

    async def type(self, *words: str, stdin: str = "") -> Result:
        """Run `outrider WORDS`; the control plane goes on meanwhile."""
        words = (*words, "--admin", self.plane.admin_address)
        return await asyncio.to_thread(CliRunner().invoke, main, words, input=stdin)


@pytest.fixture
async def shell(tmp_path: Path) -> AsyncIterator[Shell]:
    async with control_plane(tmp_path) as plane:
        yield Shell(plane, tmp_path)


def test_help_lists_every_verb() -> None:
    result = CliRunner().invoke(main, ["--help"])
    assert result.exit_code == 0
    assert all(f"  {verb} " in result.stdout for verb in VERBS)


@pytest.mark.parametrize("verb", [*VERBS])
def test_every_verb_can_be_loaded(verb: str) -> None:
    command = main.commands.get(verb) or main.get_command(None, verb)  # type: ignore[arg-type]
    assert command is not None
    assert command.name == verb


def test_an_unknown_verb_is_a_usage_error() -> None:
    result = CliRunner().invoke(main, ["frobnicate"])
    assert result.exit_code == 2
    assert "No such command 'frobnicate'" in result.stderr


async def test_apply_prints_revision_and_snapshot(shell: Shell) -> None:
    result = await shell.type("apply", shell.file(CONFIG))
    assert result.exit_code == 0
    version = shell.plane.pipeline.in_force.snapshot_version  # type: ignore[union-attr]
    assert result.stdout == f"revision 1, snapshot {version}\n"
    again = await shell.type("apply", shell.file(CONFIG))
    assert again.stdout == f"revision 1, snapshot {version} (no change)\n"
    assert "@" in shell.plane.pipeline.in_force.author  # type: ignore[union-attr]


async def test_apply_reads_stdin(shell: Shell) -> None:
    assert (await shell.type("apply", "-", stdin=CONFIG)).exit_code == 0
    refused = await shell.type("apply", "-", stdin=BAD)
    assert refused.exit_code == 1
    assert "stdin:2: listners: unknown key" in refused.stderr


async def test_apply_prints_every_problem_and_nothing_else(shell: Shell) -> None:
    file = shell.file(BAD + "bogus: 1\n")
    result = await shell.type("apply", file)
    assert result.exit_code == 1
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert all(line.startswith(f"{file}:") for line in lines)
    assert any(line.startswith(f"{file}:2: listners: unknown key") for line in lines)
    assert any(line.startswith(f"{file}:12: bogus: unknown key") for line in lines)


async def test_apply_waits_until_nodes_have_it(shell: Shell) -> None:
    async with delta_client(shell.plane.xds_address) as client:
        await client.subscribe(*ALL)
        typed = asyncio.ensure_future(shell.type("apply", shell.file(CONFIG), "--wait", "10"))
        await client.take(len(ALL))
        result = await typed
    assert result.exit_code == 0
    assert result.stdout.endswith("1 of 1 nodes have it\n")


async def test_apply_fails_when_a_node_refuses(shell: Shell) -> None:
    async with delta_client(shell.plane.xds_address) as client:
        await client.subscribe(*ALL)
        typed = asyncio.ensure_future(shell.type("apply", shell.file(CONFIG), "--wait", "10"))
        await client.nack(await client.read(), "$KEY is not set")
        result = await typed
    assert result.exit_code == 1
    assert "node-1: $KEY is not set" in result.stderr


async def test_apply_fails_when_nodes_are_late(shell: Shell) -> None:
    async with delta_client(shell.plane.xds_address) as client:
        await client.subscribe(*ALL)
        await until(lambda: len(shell.plane.fleet.members()) == 1)
        result = await shell.type("apply", shell.file(CONFIG), "--wait", "0.3")
    assert result.exit_code == 1
    assert "1 of 1 nodes do not have it after 0.3 s: node-1" in result.stderr


async def test_apply_fails_when_there_is_no_node(shell: Shell) -> None:
    result = await shell.type("apply", shell.file(CONFIG), "--wait", "0.2")
    assert result.exit_code == 1
    assert "no node connected within 0.2 s" in result.stderr


async def test_get_prints_the_config_exactly(shell: Shell) -> None:
    await shell.type("apply", shell.file(CONFIG))
    await shell.type("apply", shell.file(OTHER))
    assert (await shell.type("get")).stdout == OTHER
    first = await shell.type("get", "1")
    assert first.stdout == CONFIG
    assert first.stderr.startswith("# revision 1, snapshot ")
    assert json.loads((await shell.type("get", "1", "--json")).stdout)["config"] == CONFIG


async def test_get_of_an_unknown_revision_is_one_line(shell: Shell) -> None:
    result = await shell.type("get", "7")
    assert result.exit_code == 1
    assert result.stderr == "Error: not found: revision 7\n"


async def test_nodes_without_any(shell: Shell) -> None:
    result = await shell.type("nodes")
    assert result.exit_code == 0
    assert result.stdout == "no config applied yet; 0 nodes connected\n"


async def test_nodes_shows_state_and_refusals(shell: Shell) -> None:
    await shell.plane.pipeline.apply(CONFIG, "a.yaml", "me")
    address = shell.plane.xds_address
    async with delta_client(address, "good/0") as good, delta_client(address, "bad/0") as bad:
        await good.subscribe(*ALL)
        await good.take(len(ALL))
        await bad.subscribe(*ALL)
        await bad.nack(await bad.read(), "[red]no[/red] such host")
        await until(
            lambda: any(
                state.refusal
                for member in shell.plane.fleet.members()
                for state in member.stream.types()
            )
        )
        result = await shell.type("nodes")
        as_json = json.loads((await shell.type("nodes", "--json")).stdout)
    assert result.exit_code == 0
    summary, header, first, second = result.stdout.splitlines()
    assert summary.endswith(": 1 of 2 nodes have it")
    assert header.split() == ["NODE", "GROUP", "STATE", "SNAPSHOT", "PEER", "REFUSED"]
    assert first.split()[:3] == ["bad/0", "default", "refused"]
    assert "[red]no[/red] such host" in first
    assert second.split()[:3] == ["good/0", "default", "converged"]
    assert [node["converged"] for node in as_json["nodes"]] == [False, True]


async def test_watching_ends_with_the_control_plane(tmp_path: Path) -> None:
    async with control_plane(tmp_path) as plane:
        shell = Shell(plane, tmp_path)
        typed = asyncio.ensure_future(shell.type("nodes", "--watch", "--json"))
        async with delta_client(plane.xds_address) as client:
            await client.subscribe(*ALL)
            await plane.pipeline.apply(CONFIG, "a.yaml", "me")
            await client.take(len(ALL))
            await until(lambda: plane.fleet.members()[0].stream.whole_version != "")
    result = await typed
    assert result.exit_code == 1
    assert result.stderr == "Error: the control plane stopped\n"
    assert all(json.loads(line) for line in result.stdout.splitlines())


@pytest.mark.parametrize("words", [["nodes"], ["get"], ["nodes", "--watch"]], ids=" ".join)
def test_no_control_plane_is_one_line(words: list[str]) -> None:
    result = CliRunner().invoke(main, [*words, "--admin", "127.0.0.1:1"])
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: cannot reach the control plane at 127.0.0.1:1: conn")
    assert result.stderr.count("\n") == 1


async def test_a_token_is_sent_from_its_file(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("s3cret\n")
    async with control_plane(tmp_path, security=Security(token_file=token)) as plane:
        shell = Shell(plane, tmp_path)
        assert (await shell.type("nodes", "--token-file", str(token))).exit_code == 0
        refused = await shell.type("nodes")
        assert refused.exit_code == 1
        assert "missing bearer token (--token-file)" in refused.stderr
