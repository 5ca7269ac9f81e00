"""``persistproc agent``: what each agent gets written, where, and how it goes away again."""

from __future__ import annotations

import json
import stat
import sys
from pathlib import Path

import pytest

from persistproc_cli.agents.served import Served
from persistproc_cli.agents.table import AGENTS
from persistproc_core.paths import Home
from tests.cli.agents import BACKUP, URL, Machine, commented, machine, section_of

__all__ = ["machine"]

DESCRIPTION = "Dev servers, watchers and other long-running processes, shared with people and other agents"
HTTP: dict[str, tuple[str, dict[str, object]]] = {
    "claude-code": (".claude.json", {"type": "http", "url": URL}),
    "codex": (".codex/config.toml", {"url": URL}),
    "gemini": (".gemini/settings.json", {"type": "http", "url": URL}),
    "opencode": (
        ".config/opencode/opencode.json",
        {"type": "remote", "url": URL, "enabled": True, "oauth": False},
    ),
    "cursor": (".cursor/mcp.json", {"url": URL}),
    "vscode": (".config/Code/User/mcp.json", {"type": "http", "url": URL}),
    "windsurf": (".codeium/windsurf/mcp_config.json", {"serverUrl": URL}),
    "zed": (".config/zed/settings.json", {"url": URL}),
    "cline": (
        ".cline/data/settings/cline_mcp_settings.json",
        {"type": "streamableHttp", "url": URL, "disabled": False},
    ),
    "goose": (
        ".config/goose/config.yaml",
        {
            "type": "streamable_http",
            "name": "persistproc",
            "description": DESCRIPTION,
            "enabled": True,
            "uri": URL,
            "timeout": 300,
        },
    ),
    "amp": (".config/amp/settings.json", {"url": URL}),
    "copilot": (".copilot/mcp-config.json", {"type": "http", "url": URL, "tools": ["*"]}),
    "qwen": (".qwen/settings.json", {"httpUrl": URL}),
}


def test_every_agent_is_in_the_tables_here() -> None:
    assert list(AGENTS) == [*HTTP, "jetbrains"]


@pytest.mark.skipif(sys.platform != "linux", reason="the places of desktop programs are those of Linux")
def test_from_nothing_and_back(machine: Machine) -> None:
    for name, (path, entry) in HTTP.items():
        assert f"added {URL} to ~/{path}" in machine("install", name)
        assert "nothing serves" in machine.noted
        assert section_of(machine.file(path).read_text("utf-8"), name) == entry
        assert machine.files() == [f"ana/{path}"], name
        assert stat.S_IMODE(machine.file(path).stat().st_mode) == 0o600
        assert "already configured" in machine("install", name)
        assert machine("uninstall", name)
        assert machine.files() == [], name
        assert "there is no persistproc" in machine("install", name, "--uninstall")


def test_in_a_file_with_comments_and_back(machine: Machine) -> None:
    for name in AGENTS:
        path = machine.configuration_of(name, commented(name))
        path.chmod(0o640)
        machine("install", name)
        changed = path.read_text("utf-8")
        assert all(line.rstrip(",") in changed for line in commented(name).splitlines()), changed
        assert Path(f"{path}{BACKUP}").read_text("utf-8") == commented(name)
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        machine("install", name)
        assert path.read_text("utf-8") == changed, "a second time it changes nothing"
        machine("uninstall", name)
        assert path.read_text("utf-8") == commented(name)
        path.unlink()
        assert machine.files() == [], "a copy is left"


def test_a_broken_file_is_left_alone(machine: Machine) -> None:
    for name in AGENTS:
        path = machine.configuration_of(name, '{\n"a": [\n')
        for action in ("install", "uninstall"):
            machine(action, name, check=1)
            assert f"cannot edit {path}: line " in machine.noted
            assert machine.noted.count("\n") == 1
        assert path.read_text("utf-8") == '{\n"a": [\n'
        path.unlink()
        assert machine.files() == []


def test_stdio(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    program = machine.programs / "persistproc"
    machine.program("persistproc", "")
    monkeypatch.setattr(sys, "argv", [str(program), "agent"])
    monkeypatch.setenv("PERSISTPROC_HOME", "")
    for outcome in machine.json("install", *AGENTS, "--stdio"):
        name = str(outcome["agent"])
        entry = section_of(Path(str(outcome["file"])).read_text("utf-8"), name)
        command = entry.get("command", entry.get("cmd"))
        words = command if isinstance(command, list) else [command, *_list(entry["args"])]
        # The program is on the PATH of this shell, but not on that of a login shell.
        assert words == [str(program), "mcp"], name
        assert "url" not in json.dumps(entry).lower()
    assert "nothing serves" not in machine.noted
    assert machine("install", *AGENTS, "--stdio").count("already configured") == len(AGENTS)


@pytest.mark.skipif(sys.platform != "linux", reason="the login shell of others reads another profile")
def test_stdio_by_its_name_where_every_shell_finds_it(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.program("persistproc", "")
    monkeypatch.setattr(sys, "argv", [str(machine.programs / "persistproc"), "agent"])
    machine.file(".profile", f"echo welcome\nexport PATH={machine.programs}:/usr/bin:/bin\n")
    entry = machine.json("install", "cursor", "--stdio", "--home", str(machine.home / ".persistproc"))[0]["entry"]
    assert entry == {"command": "persistproc", "args": ["mcp"]}


def test_on_a_mac(machine: Machine, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    machine("install", "vscode", check=1)
    assert "there is no token yet" in machine.noted
    home.ensure()
    Path(home.token).write_text("abc\n", "ascii")
    assert "~/Library/Application Support/Code/User/mcp.json" in machine("install", "vscode")


def _list(value: object) -> list[object]:
    assert isinstance(value, list)
    return value


def test_stdio_of_another_home_names_it(machine: Machine, home: Home) -> None:
    entry = machine.json("install", "cursor", "--stdio")[0]["entry"]
    assert isinstance(entry, dict)
    assert entry["args"][-3:] == ["mcp", "--home", home.path]


PROJECT: dict[str, tuple[str, dict[str, object]]] = {
    "claude-code": (".mcp.json", {"type": "http", "url": URL}),
    "codex": (".codex/config.toml", {"url": URL}),
    "gemini": (".gemini/settings.json", {"type": "http", "url": URL}),
    "opencode": ("opencode.json", {"type": "remote", "url": URL, "enabled": True, "oauth": False}),
    "cursor": (".cursor/mcp.json", {"url": URL}),
    "vscode": (".vscode/mcp.json", {"type": "http", "url": URL}),
    "zed": (".zed/settings.json", {"url": URL}),
    "amp": (".amp/settings.json", {"url": URL}),
    "copilot": (".github/mcp.json", {"type": "http", "url": URL, "tools": ["*"]}),
    "qwen": (".qwen/settings.json", {"httpUrl": URL}),
}


def test_the_projects_file(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = machine.project / "src"
    inner.mkdir()
    monkeypatch.chdir(inner)
    for name, (path, entry) in PROJECT.items():
        machine("install", name, "--project")
        assert machine.files() == [f"shop/{path}"]
        assert section_of((machine.project / path).read_text("utf-8"), name) == entry
        machine("uninstall", name, "--project")
        assert machine.files() == []


def test_an_agent_without_a_file_in_projects_says_so(machine: Machine) -> None:
    machine("install", "windsurf", "--project", check=2)
    assert "Windsurf has no configuration in projects" in machine.noted


def test_jetbrains_gets_the_relay_unasked(machine: Machine) -> None:
    machine("install", "jetbrains")
    entry = section_of(machine.file(".junie/mcp/mcp.json").read_text("utf-8"), "jetbrains")
    assert set(entry) == {"command", "args"}


def test_print_changes_nothing(machine: Machine) -> None:
    assert machine("install", "cursor", "--print") == (
        f"# Cursor: would write {machine.home}/.cursor/mcp.json\n"
        '{\n  "mcpServers": {\n    "persistproc": {\n      "url": "http://127.0.0.1:8947/mcp/"\n    }\n  }\n}\n'
    )
    assert machine.files() == []
    machine.file(".codex/config.toml", 'model = "m"\n')
    said = machine("install", "codex", "--print")
    assert '+[mcp_servers.persistproc]\n+url = "http://127.0.0.1:8947/mcp/"\n' in said
    assert machine.files() == ["ana/.codex/config.toml"]
    machine("install", "codex")
    assert "-[mcp_servers.persistproc]\n" in machine("uninstall", "codex", "--print")
    assert machine.file(".codex/config.toml").read_text("utf-8").endswith('/mcp/"\n')


def test_places_that_variables_name(machine: Machine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for variable, name, path in [
        ("CLAUDE_CONFIG_DIR", "claude-code", ".claude.json"),
        ("CODEX_HOME", "codex", "config.toml"),
        ("GEMINI_CLI_HOME", "gemini", ".gemini/settings.json"),
        ("COPILOT_HOME", "copilot", "mcp-config.json"),
        ("XDG_CONFIG_HOME", "zed", "zed/settings.json"),
    ]:
        monkeypatch.setenv(variable, str(tmp_path / variable))
        machine("install", name)
        assert (tmp_path / variable / path).is_file()
    assert machine.files() == []


def test_the_file_that_is_there_is_taken(machine: Machine) -> None:
    machine.file(".config/opencode/opencode.jsonc", "{\n  // mine\n}\n")
    machine("install", "opencode")
    assert machine.files() == [
        "ana/.config/opencode/opencode.jsonc",
        f"ana/.config/opencode/opencode.jsonc{BACKUP}",
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="the places of desktop programs are those of Linux")
def test_every_place_where_an_agent_is_found(machine: Machine) -> None:
    machine.file(".config/Code/User/settings.json", "{}")
    machine.file(".config/VSCodium/User/settings.json", "{}")
    said = machine("install", "vscode")
    assert ".config/Code/User/mcp.json" in said
    assert ".config/VSCodium/User/mcp.json" in said


def test_list(machine: Machine) -> None:
    machine.program("claude", "")
    machine.file(".cursor/mcp.json", '{"mcpServers": {"persistproc": {"url": "http://x"}}}')
    machine.file(".codex/config.toml", "broken")
    machine("install", "cursor", "--project")
    rows = {str(row["agent"]): row for row in machine.json("list")}
    assert list(rows) == list(AGENTS)
    assert [name for name, row in rows.items() if row["found"]] == ["claude-code", "codex", "cursor"]
    assert rows["cursor"]["configured"] == [
        {"file": str(machine.home / ".cursor/mcp.json"), "leads_to": "http://x", "served": False},
        {"file": str(machine.project / ".cursor/mcp.json"), "leads_to": URL, "served": False},
    ]
    assert rows["claude-code"]["configured"] == []
    said = machine("list")
    assert "~/.cursor/mcp.json" in said
    broken, unserved = machine.noted.splitlines()
    assert f"cannot read {machine.home}/.codex/config.toml: line 1: " in broken
    assert "not served: nothing serves; run: persistproc serve --detach" in unserved


def test_list_where_the_directory_is_gone(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine("install", "jetbrains")
    gone = machine.project / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    monkeypatch.setenv("PWD", str(gone))
    gone.rmdir()
    assert "~/.junie/mcp/mcp.json" in machine("list")
    assert machine.noted == ("persistproc: the current directory has been deleted; files of a project are not listed\n")


def test_list_in_the_home_directory_tells_a_file_once(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine("install", "cursor")
    monkeypatch.chdir(machine.home)
    assert machine("list").count("~/.cursor/mcp.json") == 1


@pytest.mark.parametrize(
    ("url", "host", "served"),
    [
        ("http://127.0.0.1:9172/mcp", "127.0.0.1", True),
        ("http://localhost:9172/mcp/", "127.0.0.1", True),
        ("http://127.0.0.1:9150/mcp/", "127.0.0.1", False),
        ("http://10.0.0.7:9172/mcp/", "127.0.0.1", False),
        ("http://10.0.0.7:9172/mcp/", "0.0.0.0", True),
        ("https://127.0.0.1:9172/mcp/", "127.0.0.1", False),
        ("http://127.0.0.1:9172/sse", "127.0.0.1", False),
        ("http://127.0.0.1:port/mcp/", "127.0.0.1", False),
    ],
    ids=range(8),
)
def test_which_url_is_served(url: str, host: str, served: bool) -> None:
    assert Served("http://127.0.0.1:9172/mcp/", host=host).is_at(url) is served


def test_who_gets_the_path_of_this_machine_is_named(machine: Machine) -> None:
    machine("install", "jetbrains", "cursor", "--project", "--stdio")
    for title in ("JetBrains Junie", "Cursor"):
        assert any(title in line and "is a path of this machine" in line for line in machine.noted.splitlines())


def test_several_at_once(machine: Machine) -> None:
    machine.file(".cursor/mcp.json", "{")
    outcomes = machine.json("install", "claude", "cursor", "junie", "claude-code", check=1)
    assert [outcome["agent"] for outcome in outcomes] == ["claude-code", "jetbrains"]
    assert json.loads(machine.noted.splitlines()[0])["error"]["code"] == "file_unusable"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("install",), "which agent?"),
        (("install", "curso"), "did you mean cursor?"),
        (("instal", "cursor"), "agent has no action 'instal'"),
        (("list", "--stdio"), "agent list takes no --stdio"),
        (("list", "cursor"), "agent list takes no words"),
        (("uninstall", "cursor", "--stdio"), "agent uninstall takes no --stdio"),
        (("install", "cursor", "--uninstall", "--stdio"), "--uninstall takes no --stdio"),
        (("rules", "AGENTS.md"), "files are for --write and --uninstall"),
        (("rules", "--write", "--uninstall"), "not both"),
        (("install", "cursor", "--write"), "agent install takes no --write"),
    ],
    ids=range(10),
)
def test_what_is_not_understood(machine: Machine, words: tuple[str, ...], told: str) -> None:
    machine(*words, check=2)
    assert told in machine.noted
    assert machine.noted.count("\n") == 1
    assert machine.files() == []
