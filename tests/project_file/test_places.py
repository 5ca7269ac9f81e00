"""The lines of keys, against what the parser finds in the same documents."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persistproc_core.project_file.places import Path, Places
from persistproc_core.project_file.toml_text import NotToml, parse_toml

DOCUMENT = """\
# a comment [not.a.table]
a = 1 # = 2
"b c".d = "x = 1 # no comment"
'e' = '''
[no]
f = 1'''
g = \"\"\"\\
  "quoted" \\" \"\"\"\"
list = [ # here
  1,
  "two]", # ]

  { x = 1, y = [ 2, { z = 3 } ] },
]
when = 1979-05-27 07:32:00
[table . sub]
h = true
[[many]]
i = 1
[[many]]
i = 2
[many.inner]
j = 3
[table]
k = {}
l = []
"""


def test_where_each_key_stands() -> None:
    places = Places(DOCUMENT)

    assert {path: places.line(path) for path in places.paths} == {
        ("a",): 2,
        ("b c",): 3,
        ("b c", "d"): 3,
        ("e",): 4,
        ("g",): 7,
        ("list",): 9,
        ("list", 0): 10,
        ("list", 1): 11,
        ("list", 2): 13,
        ("list", 2, "x"): 13,
        ("list", 2, "y"): 13,
        ("list", 2, "y", 0): 13,
        ("list", 2, "y", 1): 13,
        ("list", 2, "y", 1, "z"): 13,
        ("when",): 15,
        ("table",): 24,
        ("table", "sub"): 16,
        ("table", "sub", "h"): 17,
        ("many",): 18,
        ("many", 0): 18,
        ("many", 0, "i"): 19,
        ("many", 1): 20,
        ("many", 1, "i"): 21,
        ("many", 1, "inner"): 22,
        ("many", 1, "inner", "j"): 23,
        ("table", "k"): 25,
        ("table", "l"): 26,
    }
    assert places.line(("table", "sub", "nothing")) == 16
    assert places.line(("nothing",)) is None


def paths_in(value: object, path: Path = ()) -> Iterator[Path]:
    """Of everything in a parsed document."""
    if path:
        yield path
    if isinstance(value, dict):
        for key, item in value.items():
            yield from paths_in(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from paths_in(item, (*path, index))


def test_nothing_is_left_out_and_nothing_is_made_up() -> None:
    assert Places(DOCUMENT).paths == set(paths_in(parse_toml(DOCUMENT)))


KEYS = st.sampled_from(["a", "b-1", '"c d"', "'e.f'", '"\\u0067#"'])
BLANKS = st.sampled_from(["", " ", "\t"])
LINES = st.sampled_from(["", " ", "\n", " # [x] = { ' \"\n"])
SCALARS = st.sampled_from(
    ["1", "-1.5e3", "true", "1979-05-27", '"]}#"', "'''\n# '' \n'''", '"""a\\"""" """', '""', "''", '"\\\\"']
)


@st.composite
def values(draw: st.DrawFn, depth: int = 2) -> str:
    kind = draw(st.sampled_from(["scalar", "list", "table"] if depth else ["scalar"]))
    if kind == "scalar":
        return draw(SCALARS)
    if kind == "list":
        items = draw(st.lists(values(depth - 1), max_size=3))
        return "[" + ",".join(f"{draw(LINES)}{item}{draw(LINES)}" for item in items) + draw(LINES) + "]"
    keys = draw(st.lists(KEYS, max_size=3, unique=True))
    return "{" + ",".join(f" {key} = {draw(values(depth - 1))}" for key in keys) + " }"


@st.composite
def documents(draw: st.DrawFn) -> str:
    parts: list[str] = []
    for _ in range(draw(st.integers(0, 6))):
        key = draw(BLANKS).join([*draw(st.lists(KEYS, min_size=1, max_size=2)), ""]).strip().replace('""', '"."')
        opening, closing = draw(st.sampled_from([("[", "]"), ("[[", "]]"), ("", "")]))
        blank = draw(BLANKS)
        parts.append(f"{opening}{blank}{key}{blank}{closing}" if opening else f"{key}{blank}={blank}{draw(values())}")
        parts.append(draw(st.sampled_from(["\n", "\r\n", " # x\n", "\n\n"])))
    return "".join(parts)


@given(documents())
def test_any_document(text: str) -> None:
    try:
        document = parse_toml(text)
    except NotToml:
        return
    places = Places(text)

    assert places.paths == set(paths_in(document))
    assert all(1 <= (places.line(path) or 0) <= text.count("\n") + 1 for path in places.paths)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a = 1\nb = \n", 2, "invalid value"),
        ("a = 1\n\na = 2\n", 3, "overwrite"),
        ('a = 1\nb = "x', 2, "nterminated"),
        ('a = 1\nb = "x\n', 2, "has no closing quote"),
        ("a = [1,\n\n", 1, "invalid value"),
        ("a = " + "[" * 5000, 1, "deep"),
    ],
    ids=["no value", "twice", "open string", "open line", "open list", "deep"],
)
def test_what_is_no_toml_is_told_with_its_line(text: str, line: int, words: str) -> None:
    with pytest.raises(NotToml) as caught:
        parse_toml(text)

    assert caught.value.line == line
    assert words in str(caught.value)
