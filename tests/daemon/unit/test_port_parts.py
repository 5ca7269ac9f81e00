"""Ports to choose from, wishes and placeholders, by themselves."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from persistproc_core.daemon.ports.free import is_free, is_held, span
from persistproc_core.daemon.ports.wishes import checked, differ, variables, words


@pytest.mark.parametrize(
    ("said", "ports"),
    [
        ("32768\t60999\n", range(20000, 32768)),
        ("49152 65535", range(20000, 49152)),
        ("1024 60999", range(61000, 65536)),
        ("1024 65535", range(20000, 32768)),
        ("10000 15000", range(20000, 65536)),
        ("nonsense", range(20000, 32768)),
    ],
)
def test_none_that_the_kernel_gives_away(tmp_path: Path, said: str, ports: range) -> None:
    path = tmp_path / "range"
    path.write_text(said, encoding="ascii")
    assert span(str(path)) == ports
    assert span(str(tmp_path / "none")) == range(20000, 32768)


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", "::1", "::"])
def test_free_or_held(address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, 0), family=family) as server:
        port = server.getsockname()[1]
        assert not is_free(port)
        assert is_held(port)
    assert is_free(port)
    assert not is_held(port)


def test_one_that_another_address_has_alone() -> None:
    with socket.create_server(("127.7.7.7", 0)) as server:
        port = server.getsockname()[1]
        assert not is_held(port)
        assert not is_free(port)


def test_one_that_only_root_may_have() -> None:
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(("127.0.0.1", 1))
        except PermissionError:
            may = False
        else:
            may = True
    assert is_free(1) is may
    assert not is_held(1)


def test_wishes() -> None:
    wishes = checked([{"name": "web"}, {"name": "a-b", "port": 9229}, {"name": "c", "variable": "see"}])
    assert variables(wishes, {"web": 1, "a-b": 2, "c": 3}) == {"PORT": "1", "A_B_PORT": "2", "see": "3"}
    assert words(wishes) == "web auto, a-b 9229, c auto"
    assert words([]) == "none"
    assert checked([{}]) == ({"name": "port"},)
    assert not differ([{"prefer": 1}], [{"name": "port", "prefer": 2}])
    assert differ([{"port": 1}], [{}])
