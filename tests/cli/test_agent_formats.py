"""Editing TOML and YAML: our table or entry changes, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from persistproc_cli.agents import toml_edit, yaml_edit
from persistproc_cli.agents.broken import BrokenDocument

# Each example of these reads a document a dozen times, in Python.
FEW = settings(max_examples=max(5, settings().max_examples // 4))

TABLE = ("mcp_servers", "persistproc")
TOML_ENTRY: dict[str, object] = {"url": "http://127.0.0.1:8947/mcp/", "http_headers": {"Authorization": "Bearer x"}}
EXTENSION = ("extensions", "persistproc")
YAML_ENTRY: dict[str, object] = {"type": "stdio", "cmd": "persistproc", "args": ["mcp", "# no"], "enabled": True}

TOML_PARTS = [
    "# a comment\n",
    "\n",
    '[mcp_servers.other]\ncommand = "x" # why\nargs = [\n  "a", # b\n]\n',
    '[mcp_servers."odd name".env]\nA = "1"\n',
    '[profiles.p]\ntext = """\n[mcp_servers.persistproc]\n"""\n',
    "[[hooks]]\n  event = 'e'\n",
]
YAML_PARTS = [
    "# a comment\n",
    "\n",
    "GOOSE_MODEL: x   # why\n",
    "providers:\n  one:\n    enabled: true\n",
    "search:\n- '/a'\n- \"/b\"\n",
    "text: |\n  extensions:\n    persistproc: no\n",
]
EXTENSIONS = [
    "extensions:\n  developer:\n    enabled: true\n    args:\n    - a\n    - b\n",
    "extensions:\n# mine\n    memory: {type: builtin, enabled: true}\n\n"
    "    # last\n    more:\n      text: >\n        folded\n        lines\n",
    "extensions: {}  # none yet\n",
]


@FEW
@given(st.lists(st.sampled_from(TOML_PARTS), unique=True).map("".join), st.sampled_from(["", "model = 'm'\n"]))
def test_toml_comes_back_as_it_was(parts: str, head: str) -> None:
    text = head + parts
    before = toml_edit.read(text)
    after = toml_edit.set_value(text, TABLE, TOML_ENTRY)
    servers = before.get("mcp_servers", {})
    assert isinstance(servers, dict)
    assert toml_edit.read(after) == {**before, "mcp_servers": {**servers, "persistproc": TOML_ENTRY}}
    assert after.startswith(text)
    assert toml_edit.set_value(after, TABLE, TOML_ENTRY) == after
    assert toml_edit.remove(after, TABLE) == text
    # With something behind it, which somebody added later.
    assert toml_edit.remove(after + "\n[later]\na = 1\n", TABLE) == text + "\n[later]\na = 1\n"


@FEW
@given(st.permutations(YAML_PARTS), st.integers(0, 6), st.sampled_from([*EXTENSIONS, ""]))
def test_yaml_comes_back_as_it_was(parts: list[str], place: int, extensions: str) -> None:
    text = "".join([*parts[:place], extensions, *parts[place:]])
    before = yaml_edit.read(text)
    after = yaml_edit.set_value(text, EXTENSION, YAML_ENTRY)
    others = before.get("extensions", {})
    assert isinstance(others, dict)
    assert yaml_edit.read(after) == {**before, "extensions": {**others, "persistproc": YAML_ENTRY}}
    assert yaml_edit.set_value(after, EXTENSION, YAML_ENTRY) == after
    removed = yaml_edit.remove(after, EXTENSION, prune=not extensions)
    assert removed.split() == text.split()
    if "{}" not in extensions:
        assert removed == text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("mcp_servers = {}\n", 'mcp_servers = {persistproc = {url = "u"}}\n'),
        (
            '[mcp_servers.persistproc] # ours\nurl = "old" # why\ntool_timeout_sec = 60\n\n# next\n[z]\n',
            '[mcp_servers.persistproc] # ours\nurl = "u" # why\n\n# next\n[z]\n',
        ),
        ('[mcp_servers]\npersistproc = { command = "x" }\n', '[mcp_servers]\npersistproc = {url = "u"}\n'),
        ('model = "m"', 'model = "m"\n\n[mcp_servers.persistproc]\nurl = "u"\n'),
        ("a = 1\r\n", 'a = 1\r\n\r\n[mcp_servers.persistproc]\r\nurl = "u"\r\n'),
    ],
    ids=range(5),
)
def test_toml_in_other_shapes(before: str, after: str) -> None:
    changed = toml_edit.set_value(before, TABLE, {"url": "u"})
    assert toml_edit.read(changed) == toml_edit.read(after)
    assert changed.replace(" ", "") == after.replace(" ", "")
    assert "persistproc" not in toml_edit.remove(changed, TABLE)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", 'extensions:\n  persistproc:\n    uri: "u"\n'),
        ("a: 1", 'a: 1\nextensions:\n  persistproc:\n    uri: "u"\n'),
        ("extensions:\n", 'extensions:\n  persistproc:\n    uri: "u"\n'),
        ("extensions: {x: {y: 1}}\n", "extensions: {x: {y: 1}, persistproc: {uri: u}}\n"),
        ("a: 1\r\n", 'a: 1\r\nextensions:\r\n  persistproc:\r\n    uri: "u"\r\n'),
    ],
    ids=range(5),
)
def test_yaml_in_other_shapes(before: str, after: str) -> None:
    changed = yaml_edit.set_value(before, EXTENSION, {"uri": "u"})
    assert changed == after
    assert "persistproc" not in yaml_edit.remove(changed, EXTENSION, prune=True)


@pytest.mark.parametrize("text", ["a = \n", "[a\n", "a = 1\na = 2\n", "a = '\0'\n"], ids=range(4))
def test_broken_toml_is_refused(text: str) -> None:
    with pytest.raises(BrokenDocument):
        toml_edit.set_value(text, TABLE, TOML_ENTRY)


@pytest.mark.parametrize(
    "text", ["a: [\n", "- a\n", "a: 1\na: 2\n", "\tx: 1\n", "extensions: [1]\n", "a: *b\n"], ids=range(6)
)
def test_broken_yaml_is_refused(text: str) -> None:
    with pytest.raises(BrokenDocument):
        yaml_edit.set_value(text, EXTENSION, YAML_ENTRY)


def test_the_line_of_an_error_is_told() -> None:
    with pytest.raises(BrokenDocument) as raised:
        toml_edit.read("a = 1\nb = \n")
    assert raised.value.line == 2
    with pytest.raises(BrokenDocument) as raised:
        yaml_edit.read("a: 1\nb: [\n")
    assert raised.value.line == 3


def test_an_entry_that_somebody_has_made_longer_goes_as_a_whole() -> None:
    text = "extensions:\n  dev:\n    a: 1\n\n# the end\nz: 1\n"
    longer = text.replace("  dev", "  persistproc:\n    a: 1\n    text: |\n      x\n      y\n  dev")
    assert yaml_edit.remove(longer, EXTENSION) == text
    last = text.replace("    a: 1\n", "    a: 1\n  persistproc:\n    text: |\n      x\n")
    assert yaml_edit.remove(last, EXTENSION) == text
