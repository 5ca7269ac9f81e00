"""What cannot be executed comes back as an error that names the path and where it was searched; no run is left."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.daemon.hub import Hub
from tests.kit import program


@pytest.fixture(autouse=True)
def nothing_is_left(hub: Hub) -> Iterator[None]:
    """No process in the list, no folder of a run on disk."""
    yield
    assert hub.list(all_projects=True) == {}
    assert os.listdir(hub.daemon.home.runs) == []


def failure(hub: Hub, command: str | list[str], **params: Any) -> dict[str, Any]:
    error = hub.error("start_process", command=command, **params)
    assert error.code == "start_failed"
    assert error.error["data"]["hint"]
    return {**error.error["data"], "message": error.error["message"]}


def script(path: Path, text: str, mode: int = 0o755) -> str:
    path.write_text(text, "ascii")
    path.chmod(mode)
    return str(path)


def test_not_found_on_the_search_path(hub: Hub) -> None:
    found = failure(hub, "no-such-program --flag", environment={"PATH": "/opt/a:/opt/b"})
    assert (found["errno"], found["path"], found["search_path"]) == ("ENOENT", "no-such-program", "/opt/a:/opt/b")
    assert "no-such-program" in found["message"]
    assert "/opt/a:/opt/b" in found["hint"]


def test_a_path_that_is_not_there(hub: Hub) -> None:
    found = failure(hub, ["./serve"])
    assert (found["errno"], found["path"]) == ("ENOENT", "./serve")


def test_not_executable(hub: Hub) -> None:
    path = script(hub.project / "serve", "#!/bin/sh\n", 0o644)
    found = failure(hub, ["./serve"])
    assert found["errno"] == "EACCES"
    assert found["path"] in (path, f"{hub.project}/./serve")
    assert "chmod" in found["hint"]


def test_a_directory(hub: Hub) -> None:
    found = failure(hub, [str(hub.project)])
    assert (found["errno"], found["path"]) == ("EACCES", str(hub.project))
    assert "folder" in found["message"]


def test_bad_interpreter(hub: Hub) -> None:
    path = script(hub.project / "serve", "#!/no/such/python\n")
    found = failure(hub, [path])
    assert (found["errno"], found["path"]) == ("ENOENT", path)
    assert "/no/such/python" in found["message"]


def test_windows_line_ends_in_the_first_line(hub: Hub) -> None:
    found = failure(hub, [script(hub.project / "serve", "#!/bin/sh\r\necho\r\n")])
    assert "interpreter" in found["message"]


def test_no_program(hub: Hub) -> None:
    path = script(hub.project / "serve", "echo\n")
    found = failure(hub, [path])
    assert (found["errno"], found["path"]) == ("ENOEXEC", path)


def test_no_such_directory(hub: Hub) -> None:
    found = failure(hub, program("sleeper"), working_directory=f"{hub.project}/gone")
    assert (found["errno"], found["path"]) == ("ENOENT", f"{hub.project}/gone")


def test_a_directory_that_is_a_file(hub: Hub) -> None:
    (hub.project / "file").touch()
    assert failure(hub, program("sleeper"), working_directory=f"{hub.project}/file")["errno"] == "ENOTDIR"


def test_argument_list_too_long(hub: Hub) -> None:
    assert failure(hub, ["true", "x" * 140_000])["errno"] == "E2BIG"


def test_an_impossible_limit(hub: Hub) -> None:
    found = failure(hub, ["true"], resource_limits={"nofile": [20, 10]})
    assert "nofile" in found["message"]


@pytest.mark.parametrize(
    "limits", [{"nofile": [1 << 70, 1 << 70]}, {"nofile": [1]}, {"wings": [1, 2]}, {"NOFILE": [1, 1]}]
)
def test_limits_that_are_none(hub: Hub, limits: dict[str, list[int]]) -> None:
    assert hub.error("start_process", command=["true"], resource_limits=limits).code in (
        "invalid_params",
        "start_failed",
    )


@pytest.mark.parametrize("name", ["", "A=B"])
def test_variables_that_cannot_be(hub: Hub, name: str) -> None:
    assert hub.error("start_process", command=["true"], environment={name: "x"}).code == "invalid_params"


@pytest.mark.parametrize(("name", "value"), [("A\0B", "x"), ("A", "x\0y"), ("A", "\ud800")])
def test_variables_that_exec_would_refuse(hub: Hub, name: str, value: str) -> None:
    """An error of ours, not a defect of ours."""
    error = hub.error("start_process", command=["true"], environment={name: value})
    assert error.code in ("invalid_params", "start_failed")


def test_a_failed_replacement_leaves_a_name_free(hub: Hub) -> None:
    """The name belongs to no process after a failed first start."""
    failure(hub, ["no-such-program"], name="web")
    info = hub.start(program("sleeper"), name="web")
    assert info["run"] == 1
    hub.stop("web")
    hub.call("remove_process", "web")


def test_a_failed_start_of_a_known_process_keeps_its_history(hub: Hub) -> None:
    path = hub.project / "serve"
    script(path, "#!/bin/sh\nexit 3\n")
    hub.finish([str(path)], name="web")
    path.unlink()
    failure(hub, [str(path)], name="web")
    assert hub.status("web")["exit_code"] == 3
    hub.call("remove_process", "web")
