"""What stands for a port, and what only looks like it."""

from __future__ import annotations

import pytest

from persistproc_core.placeholders import UnknownPlaceholder, fill

OWN = {"web": 1, "debug": 2}
OTHERS = {"api": {"http": 3, "grpc": 4}, "api.v2": {"port": 5}, "debug": {"port": 6}, "idle": {}}


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("--port {port} {port}", "--port 1 1"),
        ("{ports.web}:{ports.debug}", "1:2"),
        ("{ports.api} {ports.api.grpc}", "3 4"),
        ("{ports.api.v2} {ports.api.v2.port}", "5 5"),
        ("{ports.debug.port}", "6"),
        ('{"port":{port}}', '{"port":1}'),
    ],
)
def test_each_form(text: str, filled: str) -> None:
    assert fill(text, OWN, OTHERS) == filled


@pytest.mark.parametrize(
    "text", ["", "${port}", "${ports.web}", "{{port}", "{Port}", "{ports}", "{ports.}", "{ports. }"]
)
def test_other_braces_stay(text: str) -> None:
    assert fill(text, {}, {}) == text


@pytest.mark.parametrize(
    ("text", "placeholder", "words", "hint"),
    [
        ("{ports.ap}", "{ports.ap}", "there is no such port", "did you mean {ports.api}?"),
        ("{ports.api.htp}", "{ports.api.htp}", "there is no such port", "did you mean {ports.api.http}?"),
        ("{ports.idle}", "{ports.idle}", "the process declares no port", ""),
        ("{port} {ports.zzzz}", "{ports.zzzz}", "there is no such port", ""),
    ],
)
def test_what_stands_for_none(text: str, placeholder: str, words: str, hint: str) -> None:
    with pytest.raises(UnknownPlaceholder) as caught:
        fill(text, OWN, OTHERS)

    assert (caught.value.placeholder, caught.value.text, caught.value.hint) == (placeholder, words, hint)


def test_its_own_port_without_any() -> None:
    with pytest.raises(UnknownPlaceholder, match="declares no port"):
        fill("{port}", {}, OTHERS)
