"""Waiting for a URL to answer: real servers, good ones and bad ones."""

from __future__ import annotations

import socket
import ssl
import threading
from pathlib import Path

import pytest

from tests.daemon.certificate import PEM
from tests.daemon.hub import Hub
from tests.daemon.test_wait_port import PROMPT, assert_prompt, timed, told
from tests.kit import free_port, program


def test_at_once(hub: Hub) -> None:
    port = free_port()
    hub.ready(program("http_server", port), name="p")
    reply = hub.call("wait_for_process", "p", url=f"http://127.0.0.1:{port}/x y?a=ü#part")
    assert (reply["met"], reply["status_code"], reply["line"]) == ("url", 200, None)
    hub.await_line("p", r"/x%20y\?a=%C3%BC ")


def test_at_the_moment_it_listens(hub: Hub) -> None:
    def delay(port: int) -> float:
        hub.ready(program("late_server", port), name="p")
        waiting = timed(hub, "p", url=f"http://localhost:{port}")
        listened = told(hub, "p", "listen")
        reply, at = waiting.result(10)
        assert reply["status_code"] == 200
        return float(at - listened)

    assert_prompt(hub, delay)


def test_an_error_of_the_server_is_no_answer_yet(hub: Hub) -> None:
    def delay(port: int) -> float:
        hub.ready(program("late_server", port, 503), name="p")
        told(hub, "p", "listen")
        url = f"http://127.0.0.1:{port}/"
        assert "answers with status 503" in str(hub.error("wait_for_process", "p", url=url, timeout_seconds=0.5))
        waiting = timed(hub, "p", url=url)
        mended = told(hub, "p", "status 404")
        reply, at = waiting.result(10)
        assert reply["status_code"] == 404
        return float(at - mended)

    assert_prompt(hub, delay, 2 * PROMPT)


def test_a_redirect_is_an_answer(hub: Hub) -> None:
    port = free_port()
    hub.ready(program("late_server", port, 302), name="p")
    told(hub, "p", "listen")
    assert hub.call("wait_for_process", "p", url=f"http://127.0.0.1:{port}/")["status_code"] == 302


def test_one_that_accepts_and_says_nothing(hub: Hub) -> None:
    port = free_port()
    hub.ready(program("late_server", port, 0), name="p")
    told(hub, "p", "listen")
    error = hub.error("wait_for_process", "p", url=f"http://127.0.0.1:{port}/", timeout_seconds=0.2)
    assert error.code == "wait_timed_out"


def test_nobody_is_there(hub: Hub) -> None:
    hub.ready(program("sleeper"), name="p")
    error = hub.error("wait_for_process", "p", url=f"http://127.0.0.1:{free_port()}/", timeout_seconds=0.1)
    assert "cannot be reached: Connection refused" in str(error)


def test_an_end_while_it_waits(hub: Hub) -> None:
    hub.ready(program("sleeper"), name="p")
    waiting = hub.aside("wait_for_process", "p", url=f"http://127.0.0.1:{free_port()}/")
    hub.stop("p")
    assert getattr(waiting.exception(5), "code", None) == "wait_failed"


def test_a_certificate_of_its_own(hub: Hub, tmp_path: Path) -> None:
    path = tmp_path / "certificate.pem"
    path.write_text(PEM, encoding="ascii")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    hub.ready(program("sleeper"), name="p")
    with context.wrap_socket(socket.create_server(("127.0.0.1", 0)), server_side=True) as server:
        thread = threading.Thread(target=_answer_once, args=(server,))
        thread.start()
        reply = hub.call("wait_for_process", "p", url=f"https://127.0.0.1:{server.getsockname()[1]}/")
        thread.join(5)
    assert reply["status_code"] == 204


def _answer_once(server: ssl.SSLSocket) -> None:
    connection, _ = server.accept()
    with connection:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n")


@pytest.mark.parametrize(
    "url",
    [
        "localhost:3000",
        "ftp://localhost/",
        "http://",
        "http:///x",
        "http://localhost:0/",
        "http://localhost:99999/",
        "http://[::1/",
        "http://a b/",
        "javascript:alert(1)",
        pytest.param("http://localhost:1/\udc80", id="half a character"),
    ],
)
def test_no_url(hub: Hub, url: str) -> None:
    hub.ready(program("sleeper"), name="p")
    assert hub.error("wait_for_process", "p", url=url).code == "invalid_params"
