"""What a program has set on its terminal, and the detach key among other keys; without a terminal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persistproc_cli.arguments import UsageError
from persistproc_cli.attach.keys import DetachKey
from persistproc_cli.attach.modes import Modes, moves_about

CLEAN = b"\x1b[0m\x0f"

EDITOR = b"\x1b[?1049h\x1b[22;0;0t\x1b[>4;2m\x1b[?1h\x1b=\x1b[?2004h\x1b[?1004h\x1b[1;24r\x1b[?12h\x1b[?25l\x1b[2 qtext"
EDITOR_ENDS = b"\x1b[>4;m\x1b[0 q\x1b[?25h\x1b[?12l\x1b[r\x1b[?1004l\x1b[?2004l\x1b[?1l\x1b>\x1b[?1049l"

SEQUENCES = [
    b"\x1b[?1049h", b"\x1b[?1049l", b"\x1b[?25l", b"\x1b[?25h", b"\x1b[?1000;1006h", b"\x1b[?1000l", b"\x1b[?7l",
    b"\x1b=", b"\x1b>", b"\x1bc", b"\x1b[!p", b"\x1b[4h", b"\x1b(0", b"\x1b(B", b"\x1b[2;20r", b"\x1b[4 q",
    b"\x1b[>4;2m", b"\x1b[>4m", b"\x1b[>1u", b"\x1b[<u", b"\x1b[31m", b"text", b"\x1b]0;title\x07", b"\x1b[?2026h",
]  # fmt: skip


def after(*pieces: bytes) -> Modes:
    modes = Modes()
    for piece in pieces:
        modes.feed(piece)
    return modes


@pytest.mark.parametrize(
    ("output", "enter", "leave"),
    [
        (b"", b"", b""),
        (b"plain \x1b[31mred\x1b[0m", b"", b""),
        (b"\x1b[?1049h", b"\x1b[?1049h", b"\x1b[?1049l"),
        (b"\x1b[?25l", b"\x1b[?25l", b"\x1b[?25h"),
        (b"\x1b[?7l", b"\x1b[?7l", b"\x1b[?7h"),
        (b"\x1b[?25l\x1b[?25h", b"", b""),
        (b"\x1b[?2004h", b"\x1b[?2004h", b"\x1b[?2004l"),
        (b"\x1b[?25l\x1b[?1006;1000h\x1b[?47h", b"\x1b[?47h\x1b[?25l\x1b[?1000h\x1b[?1006h",
         b"\x1b[?1006l\x1b[?1000l\x1b[?25h\x1b[?47l"),
        (b"\x1b=", b"\x1b=", b"\x1b>"),
        (b"\x1b(0", b"", b"\x1b(B"),
        (b"\x1b[4h", b"", b"\x1b[4l"),
        (b"\x1b[3;9r", b"\x1b[3;9r", b"\x1b7\x1b[r\x1b8"),
        (b"\x1b[5 q", b"\x1b[5 q", b"\x1b[0 q"),
        (b"\x1b[>4;1m", b"\x1b[>4;1m", b"\x1b[>4m"),
        (b"\x1b[>1u\x1b[>5u", b"\x1b[>1u\x1b[>5u", b"\x1b[<2u"),
        (b"\x1b[>1u\x1b[>5u\x1b[<9u", b"", b""),
        (b"\x1b[?25l\x1b[?1000hx\x1bc", b"", b""),
        (b"\x1b[?25l\x1b[?1000h\x1b[!p", b"\x1b[?1000h", b"\x1b[?1000l"),
        (b"\x1b[?99999h\x1b[?;h", b"", b""),
        (EDITOR + EDITOR_ENDS, b"", b""),
    ],
)  # fmt: skip
def test_modes(output: bytes, enter: bytes, leave: bytes) -> None:
    modes = after(output)

    assert (modes.enter(), modes.leave()) == (enter, CLEAN + leave)


def test_what_enters_a_state_is_undone_by_what_leaves_it() -> None:
    modes = after(EDITOR)

    assert modes.full_screen
    assert after(modes.enter()).enter() == modes.enter()
    assert after(EDITOR, modes.leave()).enter() == b""
    assert not after(EDITOR, modes.leave()).full_screen


@given(st.lists(st.sampled_from(SEQUENCES), max_size=12), st.data())
def test_a_cut_anywhere_changes_nothing(sequences: list[bytes], data: st.DataObject) -> None:
    output = b"".join(sequences)
    places = sorted(data.draw(st.lists(st.integers(0, len(output)), max_size=5)))
    pieces = [output[begin:end] for begin, end in zip([0, *places], [*places, len(output)], strict=True)]
    cut, whole = after(*pieces), after(output)

    assert (cut.enter(), cut.leave()) == (whole.enter(), whole.leave())


@given(st.lists(st.sampled_from(SEQUENCES), max_size=12))
def test_leaving_undoes_everything(sequences: list[bytes]) -> None:
    modes = after(*sequences)
    modes.feed(modes.leave())

    assert (modes.enter(), modes.leave()) == (b"", CLEAN)


@given(st.binary(max_size=300))
def test_any_bytes(output: bytes) -> None:
    modes = after(output, output)

    assert len(modes.leave()) < 2000


def test_an_endless_sequence_is_not_kept() -> None:
    modes = after(b"\x1b[?" + b"1" * 1_000_000, b"049h")

    assert modes.enter() == b""


@pytest.mark.parametrize(
    ("output", "moves"),
    [(b"\x1b[H\x1b[2Jtop", True), (b"\x1b[12;1f", True), (b"\x1b[31m>>> \x1b[K", False), (b"[H", False)],
)
def test_what_draws_the_screen(output: bytes, moves: bool) -> None:
    assert moves_about(output) == moves


@pytest.mark.parametrize(
    ("name", "typed", "parts"),
    [
        ("ctrl-\\", b"ab\x1ccd", (b"ab", b"\x1c", b"cd")),
        ("Ctrl-]", b"\x1d", (b"", b"\x1d", b"")),
        ("^p", b"a\x10", (b"a", b"\x10", b"")),
        ("ctrl-\\", b"a\x1b[27;5;92~b", (b"a", b"\x1b[27;5;92~", b"b")),
        ("ctrl-\\", b"\x1b[92;5u", (b"", b"\x1b[92;5u", b"")),
        ("ctrl-\\", b"\\\x1b[A\x03", None),
        ("none", b"\x1c\x1b[92;5u", None),
    ],
)
def test_the_detach_key_is_found(name: str, typed: bytes, parts: tuple[bytes, bytes, bytes] | None) -> None:
    assert DetachKey(name).split(typed) == parts


@pytest.mark.parametrize(
    "name", ["", "x", "ctrl-", "ctrl-xx", "ctrl-é", "alt-x", "ctrl-[", "ctrl-m", "^I", "f12", "^^^"]
)
def test_what_is_no_detach_key(name: str) -> None:
    with pytest.raises(UsageError):
        DetachKey(name)


def test_the_label_of_the_key() -> None:
    assert (DetachKey("^a").label, DetachKey("ctrl-\\").label, DetachKey("none").label) == ("Ctrl-A", "Ctrl-\\", "")
