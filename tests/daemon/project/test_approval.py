"""A file is code: nothing of it runs before a person has allowed exactly that."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from tests.daemon.hub import Hub
from tests.daemon.project.team import Team
from tests.kit import program


def test_nothing_of_an_unknown_or_changed_file_is_started(team: Team, restarted: Callable[[], Hub]) -> None:
    team.write(team.process("api"))
    shown = team.get()
    assert (shown["approved"], shown["approved_before"]) == (False, False)
    error = team.hub.error("start_project")
    assert error.code == "project_not_approved"
    assert error.error["data"]["digest"] == shown["digest"]
    assert error.error["data"]["commands"] == {"api": program("sleeper")}
    assert "persistproc up" in error.error["data"]["hint"]
    assert team.hub.list() == {}
    team.up()
    restarted()
    assert team.hub.call("start_project")["ready"] is True
    first = team.file.read_text("utf-8")
    team.write("# a comment", team.process("api"))
    assert team.get()["approved"] is True
    team.write(team.process("api", command=program("exit_n", 0)))
    shown = team.get()
    assert (shown["approved"], shown["approved_before"]) == (False, True)
    assert "has changed" in team.hub.error("start_project").error["message"]
    assert team.runs() == {"api": 1}
    team.file.write_text(first, encoding="utf-8")
    assert team.hub.call("start_project")["ready"] is True


def test_who_allows_another_state_than_there_is_allows_nothing(team: Team) -> None:
    team.write(team.process("api"))
    digest = team.get()["digest"]
    team.write(team.process("api", command=program("exit_n", 0)))
    error = team.hub.error("start_project", approve=digest)
    assert "since it was shown" in error.error["message"]
    assert team.hub.error("start_project").code == "project_not_approved"


def test_a_spoiled_file_of_approvals_allows_nothing(team: Team) -> None:
    team.write(team.process("api"))
    team.up()
    approved = team.hub.daemon.home.approved
    for content in ("", "[]", '{"format": 1, "projects": []}', json.dumps({"format": 1, "projects": {"/": ["x"]}})):
        with open(approved, "w", encoding="utf-8") as file:
            file.write(content)
        assert team.hub.error("start_project").code == "project_not_approved"
    assert team.up()["ready"] is True


def test_what_has_changed_since_it_was_allowed(team: Team) -> None:
    def approvals() -> dict[str, str]:
        return {each["name"]: each["approval"] for each in team.get()["processes"]}

    team.write(team.process("api"), team.process("db"))
    assert approvals() == {"api": "new", "db": "new"}
    team.up()
    assert approvals() == {"api": "approved", "db": "approved"}
    team.write(team.process("web"), team.process("db"), team.process("api", command=program("exit_n", 0)))
    assert approvals() == {"web": "new", "db": "approved", "api": "changed"}
    with open(team.hub.daemon.home.approved, encoding="utf-8") as file:
        assert "exit_n" not in file.read(), "digests are enough"


def work_tree(repository: Path, tree: Path) -> None:
    """As ``git worktree add`` leaves it (gitrepository-layout(5))."""
    folder = repository / ".git" / "worktrees" / tree.name
    folder.mkdir(parents=True)
    tree.mkdir()
    (folder / "gitdir").write_text(f"{tree}/.git\n", encoding="utf-8")
    (folder / "commondir").write_text("../..\n", encoding="utf-8")
    (tree / ".git").write_text(f"gitdir: {folder}\n", encoding="utf-8")
    shutil.copy(repository / "persistproc.toml", tree)


def approved(team: Team, directory: Path) -> bool:
    with team.hub.daemon.connect() as connection:
        return bool(connection.call("get_project", working_directory=str(directory))["approved"])


def test_another_work_tree_of_the_repository_counts(team: Team, tmp_path: Path) -> None:
    """The same file, in a work tree that both sides say is one of the repository's."""
    team.write(team.process("api", 'env_files = [{ path = ".env", required = false }]'))
    first, second = tmp_path / "first", tmp_path / "second"
    work_tree(team.hub.project, first)
    work_tree(team.hub.project, second)
    assert not approved(team, first)
    team.hub.call(
        "start_project", working_directory=str(first), approve=team.get(working_directory=str(first))["digest"]
    )
    assert approved(team, second)
    assert approved(team, team.hub.project)
    assert team.hub.call("start_project", working_directory=str(second))["ready"] is True
    shutil.copy(team.file, second)
    with open(second / "persistproc.toml", "a", encoding="utf-8") as file:
        file.write('[processes.more]\ncommand = "true"\n')
    assert not approved(team, second)


def test_a_folder_that_only_says_so_is_no_work_tree(team: Team, tmp_path: Path) -> None:
    team.write(team.process("api"))
    tree = tmp_path / "tree"
    work_tree(team.hub.project, tree)
    team.up()
    assert approved(team, tree)
    copy, owner = tmp_path / "copy", tmp_path / "owner"
    shutil.copytree(tree, copy)
    owner.mkdir()
    shutil.copy(team.file, owner)
    claimed = owner / ".git" / "worktrees" / "shop"
    claimed.mkdir(parents=True)
    (claimed / "gitdir").write_text(f"{team.hub.project}/.git\n", encoding="utf-8")
    assert not approved(team, copy)
    assert not approved(team, owner)
