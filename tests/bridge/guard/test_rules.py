"""The rules for the head of a request, as tables: what gets in, and what is refused with which code."""

from __future__ import annotations

import pytest

from persistproc_core.paths import Home
from persistproc_mcp.guard import limits
from persistproc_mcp.guard.addresses import Addresses
from persistproc_mcp.guard.rules import Head, check
from persistproc_mcp.settings import Settings

HOME = Home("/nowhere")
OURS = Addresses(Settings(HOME, port=8947))
JSON = ("content-type", "application/json")


def head(
    *headers: tuple[str, str],
    method: str = "GET",
    target: str = "/health",
    version: str = "1.1",
    unix: bool = False,
    host: str | None = "127.0.0.1:8947",
) -> Head:
    named = headers if host is None else (("host", host), *headers)
    raw = [(name.encode(), value.encode("latin-1", "replace")) for name, value in named]
    scope = {"method": method, "raw_path": target.encode(), "http_version": version, "headers": raw}
    return Head.of(scope, unix=unix)


def code(of: Head, addresses: Addresses = OURS, token: str | None = None) -> str:
    refusal = check(of, addresses, token)
    return "" if refusal is None else f"{refusal.status} {refusal.code}"


@pytest.mark.parametrize("host", ["127.0.0.1:8947", "localhost:8947", "[::1]:8947", "LocalHost:8947"])
def test_our_names(host: str) -> None:
    assert code(head(host=host)) == ""


@pytest.mark.parametrize(
    "host",
    [
        "evil.com",
        "evil.com:8947",
        "localhost",
        "127.0.0.1",
        "localhost:80",
        "localhost:89471",
        "localhost:8947.evil.com",
        "localhost.evil.com:8947",
        "127.0.0.1:junk.evil.com",
        "localhost.:8947",
        "user@localhost:8947",
        "localhost:8947 ",
        "localhost:08947",
        "127.1:8947",
        "2130706433:8947",
        "0.0.0.0:8947",
        "127.0.0.2:8947",
        "[::]:8947",
        "[::ffff:127.0.0.1]:8947",
        "[0:0:0:0:0:0:0:1]:8947",
        "localhost:8947,evil.com",
        "ｌocalhost:8947",
        "",
    ],
)
def test_names_that_are_not_ours(host: str) -> None:
    assert code(head(host=host)) == "421 wrong_host"


def test_exactly_one_host() -> None:
    assert code(head(host=None)) == "400 bad_host"
    assert code(head(("host", "127.0.0.1:8947"))) == "400 bad_host"
    assert code(head(("host", "evil.com"))) == "400 bad_host"


def test_the_unix_socket_takes_the_names_without_a_port() -> None:
    assert code(head(host="localhost", unix=True)) == ""
    assert code(head(host="localhost:8947", unix=True)) == ""
    assert code(head(host="evil.com", unix=True)) == "421 wrong_host"
    alone = Addresses(Settings(HOME, port=None))
    assert code(head(host="localhost", unix=True), alone) == ""
    assert code(head(host="localhost:8947"), alone) == "421 wrong_host"
    assert code(head(("origin", "http://localhost:8947"), host="localhost", unix=True), alone) == "403 foreign_origin"


def test_port_80_may_be_left_out() -> None:
    addresses = Addresses(Settings(HOME, port=80))
    assert code(head(("origin", "http://localhost"), host="localhost"), addresses) == ""
    assert code(head(("origin", "http://localhost:80"), host="localhost:80"), addresses) == ""
    assert code(head(host="localhost:8080"), addresses) == "421 wrong_host"


@pytest.mark.parametrize(
    ("host", "fits"),
    [
        ("192.168.1.5:8947", True),
        ("[fe80::1]:8947", True),
        ("host.docker.internal:8947", True),
        ("127.0.0.1:8947", True),
        ("192.168.1.5:8948", False),
        ("192.168.1.5", False),
        ("192.168.1.5.evil.com:8947", False),
        ("evil.com:8947", False),
    ],
)
@pytest.mark.parametrize("bound", ["0.0.0.0", "192.168.1.5"])
def test_bound_to_more_than_loopback(bound: str, host: str, fits: bool) -> None:
    addresses = Addresses(Settings(HOME, bound, 8947, "secret"))
    with_token = head(("authorization", "Bearer secret"), host=host)
    assert code(with_token, addresses, "secret") == ("" if fits else "421 wrong_host")


@pytest.mark.parametrize("origin", ["http://127.0.0.1:8947", "http://localhost:8947", "http://[::1]:8947"])
def test_our_origins(origin: str) -> None:
    assert code(head(("origin", origin))) == ""
    assert code(head(("origin", origin), JSON, method="POST")) == ""


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.com",
        "null",
        "",
        "http://localhost:3000",
        "http://127.0.0.1:5173",
        "http://localhost",
        "https://localhost:8947",
        "http://localhost:8947/",
        "HTTP://localhost:8947",
        "http://localhost:8947.evil.com",
        "http://evil.com:8947",
        "file://",
        "vscode-webview://1234",
        "chrome-extension://abcdef",
        "http://localhost:8947 http://evil.com",
    ],
)
def test_origins_that_are_not_ours(origin: str) -> None:
    assert code(head(("origin", origin))) == "403 foreign_origin"
    assert code(head(("origin", origin), host="localhost", unix=True)) == "403 foreign_origin"


def test_one_origin_at_most() -> None:
    ours = ("origin", "http://localhost:8947")
    assert code(head(ours, ours)) == "403 foreign_origin"
    assert code(head(ours, ("origin", "http://evil.com"))) == "403 foreign_origin"


@pytest.mark.parametrize(
    ("site", "fits"), [("none", True), ("same-origin", True), ("same-site", False), ("cross-site", False), ("", False)]
)
def test_the_page_that_a_browser_tells_of(site: str, fits: bool) -> None:
    assert code(head(("sec-fetch-site", site))) == ("" if fits else "403 foreign_page")


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get", "M" * 500])
def test_methods_that_are_not_used(method: str) -> None:
    assert code(head(JSON, method=method)) == "405 method_not_allowed"


@pytest.mark.parametrize("target", ["http://evil.com/health", "*", "evil.com:80", "health"])
def test_targets_that_are_no_path(target: str) -> None:
    assert code(head(target=target)) == "400 bad_target"


@pytest.mark.parametrize("version", ["1.0", "0.9", "2"])
def test_other_versions(version: str) -> None:
    assert code(head(version=version)) == "505 http_version"


@pytest.mark.parametrize(
    "kind",
    ["application/json", "Application/JSON", "application/json; charset=utf-8", 'application/json;charset="UTF-8"'],
)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_json(method: str, kind: str) -> None:
    assert code(head(("content-type", kind), ("content-length", "2"), method=method)) == ""


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonx",
        "application/json, text/plain",
        "text/plain; application/json",
        "application/json; charset=utf-16",
        "application/x-ndjson",
        "text/json",
        "",
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_what_is_not_json(method: str, kind: str) -> None:
    assert code(head(("content-type", kind), ("content-length", "2"), method=method)) == "415 not_json"
    assert code(head(("content-type", kind), ("transfer-encoding", "chunked"), method=method)) == "415 not_json"


def test_a_post_says_json_even_without_a_body() -> None:
    assert code(head(method="POST")) == "415 not_json"
    assert code(head(method="PATCH")) == "415 not_json"
    assert code(head(JSON, JSON, method="POST")) == "415 not_json"
    # A page cannot send these without asking first.
    assert code(head(method="DELETE")) == ""
    assert code(head(("content-length", "0"), method="PUT")) == ""


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ((("content-length", "5"),), "400 bad_body"),
        ((("transfer-encoding", "chunked"),), "400 bad_body"),
        ((("content-length", "0"),), ""),
    ],
)
def test_reading_takes_no_body(headers: tuple[tuple[str, str], ...], expected: str) -> None:
    assert code(head(JSON, *headers)) == expected


def test_bodies() -> None:
    both = (("content-length", "5"), ("transfer-encoding", "chunked"))
    assert code(head(JSON, *both, method="POST")) == "400 bad_body"
    assert code(head(JSON, ("content-encoding", "gzip"), method="POST")) == "415 encoded_body"
    most = limits.MAX_BODY_BYTES
    assert code(head(JSON, ("content-length", str(most)), method="POST")) == ""
    assert code(head(JSON, ("content-length", str(most + 1)), method="POST")) == "413 body_too_large"


def test_heads_that_are_too_large() -> None:
    assert code(head(("x-filler", "a" * limits.MAX_HEAD_BYTES))) == "431 head_too_large"
    assert code(head(target="/" + "a" * limits.MAX_HEAD_BYTES)) == "431 head_too_large"
    assert code(head(*[("x", "y")] * limits.MAX_HEADERS)) == "431 head_too_large"


@pytest.mark.parametrize(
    "name",
    ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "cf-connecting-ip", "via"],
)
def test_proxies_need_a_token(name: str) -> None:
    assert code(head((name, "203.0.113.7"))) == "403 forwarded"
    assert code(head((name, "203.0.113.7"), ("authorization", "Bearer secret")), token="secret") == ""


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Bearer secret", ""),
        ("bearer secret", ""),
        ("Bearer secre", "401 token_needed"),
        ("Bearer secret2", "401 token_needed"),
        ("Bearer", "401 token_needed"),
        ("Bearer ", "401 token_needed"),
        ("secret", "401 token_needed"),
        ("Basic secret", "401 token_needed"),
        ("Bearer s\xe9cret", "401 token_needed"),
    ],
)
def test_tokens(value: str, expected: str) -> None:
    assert code(head(("authorization", value)), token="secret") == expected


def test_the_token_is_asked_for_once_and_on_the_port_alone() -> None:
    right = ("authorization", "Bearer secret")
    assert code(head(), token="secret") == "401 token_needed"
    assert code(head(right, right), token="secret") == "401 token_needed"
    assert code(head(host="localhost", unix=True), token="secret") == ""


def test_a_missing_token_is_answered_so_that_no_client_begins_oauth() -> None:
    refusal = check(head(), OURS, "secret")
    assert refusal is not None
    answer = refusal.as_bytes().lower()
    assert b"text/plain" in answer
    assert b"www-authenticate" not in answer
    assert b"secret" not in answer


def test_every_refusal_says_what_is_wrong() -> None:
    refusal = check(head(host="evil.com"), OURS, None)
    assert refusal is not None
    assert b'{"error":{"code":"wrong_host","message":"' in refusal.body()
    assert b"127.0.0.1:8947" in refusal.body()
    assert b"evil.com" not in refusal.body()
