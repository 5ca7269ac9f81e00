"""Editing JSON with comments: whatever the document looks like, nothing but our member changes."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persistproc_cli.agents import json_edit
from persistproc_cli.agents.broken import BrokenDocument

KEYS = ("mcpServers", "persistproc")
ENTRY: dict[str, object] = {"type": "http", "url": "http://127.0.0.1:8947/mcp/", "args": ["a", "b"], "on": True}

NAMES = st.sampled_from(["a", "b", "mcpServers", "other", 'q"uote', "ü", "x//y", "/*z*/"])
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-9, 9),
    st.sampled_from(["", "x", "// no comment", "/* nor this */", "\\", "ü\n"]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=3)),
    max_leaves=8,
)
BLANKS = st.sampled_from(["", " ", "\n", "\n  ", "\t", "\r\n", " // note\n", "/* note */", "\n  // a\n  /* b */ "])


@st.composite
def documents(draw: st.DrawFn) -> str:
    """An object as people write it: comments and blanks anywhere, with and without a comma at the end."""
    value = draw(st.dictionaries(NAMES, VALUES, max_size=4))
    if draw(st.booleans()):
        value["mcpServers"] = draw(st.dictionaries(NAMES, VALUES, max_size=3))
    elif not isinstance(value.get("mcpServers", {}), dict):
        del value["mcpServers"]
    return draw(BLANKS) + written(draw, value) + draw(BLANKS)


def written(draw: Callable[[st.SearchStrategy[str]], str], value: object) -> str:
    if isinstance(value, dict):
        items = [f"{draw(BLANKS)}{json.dumps(key)}{draw(BLANKS)}:{draw(BLANKS)}" for key in value]
        parts = [item + written(draw, inner) + draw(BLANKS) for item, inner in zip(items, value.values(), strict=True)]
        opening, closing = "{", "}"
    elif isinstance(value, list):
        parts = [draw(BLANKS) + written(draw, inner) + draw(BLANKS) for inner in value]
        opening, closing = "[", "]"
    else:
        return json.dumps(value, ensure_ascii=False)
    comma = draw(st.sampled_from(["", ","])) if parts else ""
    return opening + ",".join(parts) + comma + draw(BLANKS) + closing


def section(text: str) -> dict[str, object] | None:
    found = json_edit.read(text).get("mcpServers")
    assert found is None or isinstance(found, dict)
    return found


@given(documents())
def test_a_member_is_set_and_all_else_stays(text: str) -> None:
    before = json_edit.read(text)
    after = json_edit.set_value(text, KEYS, ENTRY)
    assert json_edit.read(after) == {**before, "mcpServers": {**(section(text) or {}), "persistproc": ENTRY}}
    assert json_edit.set_value(after, KEYS, ENTRY) == after, "a second time it changes nothing"
    # All that was there is still there, in its order: only characters were put in.
    rest = iter(after)
    squeezed = "".join(text.split()).replace(",}", "}")
    assert all(character in rest for character in squeezed), after


@given(documents())
def test_removing_gives_the_bytes_back(text: str) -> None:
    there = section(text)
    after = json_edit.remove(json_edit.set_value(text, KEYS, ENTRY), KEYS, prune=there is None)
    if (there or there is None) and json_edit.read(text):
        assert after == text
    else:
        # Blanks between the braces of an object without members are not kept.
        assert json_edit.read(after) == json_edit.read(text)
        assert "".join(after.split()) == "".join(text.split())


@given(documents(), st.data())
def test_another_member_is_removed_alone(text: str, data: st.DataObject) -> None:
    before = json_edit.read(text)
    if before:
        name = data.draw(st.sampled_from(sorted(before)))
        after = json_edit.remove(text, [name])
        assert json_edit.read(after) == {key: value for key, value in before.items() if key != name}


@given(documents())
def test_an_entry_in_the_middle_is_replaced(text: str) -> None:
    text = json_edit.set_value(text, KEYS, {"command": "old"})
    text = json_edit.set_value(text, ("mcpServers", "later"), {"url": "x"})
    after = json_edit.set_value(text, KEYS, ENTRY)
    start = text.index('{"command"') if '{"command"' in text else None
    assert section(after) == {**(section(text) or {}), "persistproc": ENTRY}
    if start is not None:
        assert after.startswith(text[:start])


@given(st.text(alphabet='{}[],:"/* \n\\ab1-.etrufalsn', max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = json_edit.read(text)
    except BrokenDocument:
        return
    assert json_edit.read(json_edit.set_value(text, ["new"], 1)) == {**found, "new": 1}


@given(st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=10))
def test_json_means_what_it_means(value: object) -> None:
    assert json_edit.read(json.dumps({"value": value}, indent=2)) == {"value": value}
    assert json_edit.read(json.dumps({"value": value}, ensure_ascii=False)) == {"value": value}


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("{", 1, 'expected "name" or }'),
        ('{\n"a": 1\n"b": 2}', 3, "expected , or }"),
        ('{"a" 1}', 1, "expected : after a name"),
        ('{"a": tru}', 1, "expected a value, not 'tru'"),
        ('{"a": NaN}', 1, "expected a value, not 'NaN'"),
        ("{'a': 1}", 1, 'expected "name" or }'),
        ('{"a": 1,,}', 1, 'expected "name" or }'),
        ('{"a": [1 2]}', 1, "expected , or ]"),
        ('{\n\n"a": "b\n"}', 3, "invalid control character at"),
        ('{"a": "b', 1, "unterminated string starting at"),
        ("{} /* c", 1, "a comment has no end"),
        ("{}\n{}", 2, "there is something after the end of the document"),
        ("[]", 1, "the document is not an object"),
        ('{"a":' + "[" * 101 + "]" * 101 + ",}", 1, "more than 100 levels"),
        ('{"a":', 1, "expected a value, not 'the end'"),
    ],
    ids=range(15),
)
def test_what_is_no_document_is_refused_with_its_line(text: str, line: int, reason: str) -> None:
    with pytest.raises(BrokenDocument) as raised:
        json_edit.read(text)
    assert (raised.value.line, raised.value.reason) == (line, reason)


def test_a_path_that_leads_nowhere_is_refused() -> None:
    for text in ('{"mcpServers": []}', '{"mcpServers": {}, "mcpServers": {}}', '{"mcpServers": null}'):
        with pytest.raises(BrokenDocument):
            json_edit.set_value(text, KEYS, ENTRY)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", '{\n  "a": {\n    "b": 1\n  }\n}\n'),
        ("{}", '{\n  "a": {\n    "b": 1\n  }\n}'),
        ('{"x":1}', '{"x":1, "a": {"b": 1}}'),
        ('{\n\t"x": 1\n}\n', '{\n\t"x": 1,\n\t"a": {\n\t\t"b": 1\n\t}\n}\n'),
        ('{\r\n    "x": 1, // y\r\n}', '{\r\n    "x": 1, // y\r\n    "a": {\r\n        "b": 1\r\n    },\r\n}'),
        ('{\n  "a": {}\n}', '{\n  "a": {\n    "b": 1\n  }\n}'),
        ('{"a":{}}', '{"a":{"b": 1}}'),
        ("// only this", '// only this\n{\n  "a": {\n    "b": 1\n  }\n}\n'),
        ('{\n  "x": 1\n  // last\n}', '{\n  "x": 1,\n  // last\n  "a": {\n    "b": 1\n  }\n}'),
    ],
    ids=range(9),
)
def test_it_is_written_as_the_document_is(before: str, after: str) -> None:
    assert json_edit.set_value(before, ("a", "b"), 1) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('{ // c\n"a": 1 }', "{ // c\n }"),
        ('{"b": 2, // c\n"a": 1}', '{"b": 2 // c\n}'),
        ('{\n  "a": 1, // of a\n  "b": 2\n}', '{ // of a\n  "b": 2\n}'),
        ('{"b": "x//y", "a": 1}', '{"b": "x//y"}'),
        ('{"a": 1 /* kept */, "b": 2}', '{ /* kept */ "b": 2}'),
        ('{\n  "a": 1\n}', "{}"),
    ],
    ids=range(6),
)
def test_comments_beside_a_member_that_goes_stay(before: str, after: str) -> None:
    assert json_edit.remove(before, ["a"]) == after
