"""What an answer says besides what was asked, so that the next call is the right one."""

from __future__ import annotations

import shlex

import pytest

from tests.bridge.tools.conftest import Agents
from tests.kit import free_port, program

pytestmark = pytest.mark.anyio


async def test_what_a_command_leaves_in_the_background(agents: Agents) -> None:
    text = await agents.text("start_process", command="sleep 100 &", name="behind")
    assert 'But 1 process that it started goes on in the background: stop_process(process="behind") ends that.' in text
    assert "goes on" not in await agents.text("start_process", command="true", name="nothing")


@pytest.mark.parametrize("command", ["no-such-program && true", "/etc && true"], ids=["not found", "no program"])
async def test_a_command_that_cannot_run_is_not_restarted(agents: Agents, command: str) -> None:
    told = await agents.refusal("start_process", command=command, name="typo")
    assert 'give a right one to start_process(name="typo", command=...)' in told
    assert "restart_process" not in told


async def test_the_end_of_a_long_output_is_called_so(agents: Agents) -> None:
    text = await agents.text("start_process", command="seq 100", name="long")
    assert '\nLast lines; get_process_output has more:\n<untrusted_output note="printed by long' in text
    assert "Last lines" not in await agents.text("start_process", command="seq 5", name="short")


async def test_who_waits_for_the_wrong_port_is_told_the_right_one(agents: Agents) -> None:
    port, other = free_port(), free_port()
    command = shlex.join(program("http_server", port))
    text = await agents.text("start_process", command=command, name="web", output="ready")
    text = await agents.text("restart_process", process="web", port=other, timeout_seconds=2)
    assert f"nobody listens on port {other}. It listens at http://localhost:{port}." in text


async def test_those_that_run_are_named_first(agents: Agents) -> None:
    for number in range(10):
        await agents.text("start_process", command=["true"], name=f"a{number}")
    await agents.text("start_process", command="sleep 100", name="z", timeout_seconds=0)
    assert "There are: z running, a0 exited (0)," in await agents.refusal("stop_process", process="nothing-like-it")


async def test_advice_is_a_sentence(agents: Agents) -> None:
    told = await agents.refusal("start_process", command="true", working_directory="/no/such/folder")
    assert "does not exist. Give a folder that exists. Nothing was started." in told
