"""Asks a question without a newline and blocks on its input in one of many ways: ask.py WAY. Then says thanks."""

import os
import select
import sys
import threading
import time

QUESTION = "Port 3000 is in use, use 3001? (y/N) "


def ask() -> None:
    """Print the question, to stay."""
    print(QUESTION, end="", flush=True)


def by_input() -> None:
    """As most programs ask."""
    input(QUESTION)


def by_readline() -> None:
    """On a terminal this waits in select(2)."""
    import readline  # noqa: F401

    input(QUESTION)


def by_poll() -> None:
    """As an event loop without epoll."""
    ask()
    poll = select.poll()
    poll.register(0, select.POLLIN)
    poll.poll()
    os.read(0, 100)


def by_epoll() -> None:
    """As libuv and asyncio."""
    ask()
    poll = select.epoll()
    poll.register(0, select.EPOLLIN)
    poll.poll()
    os.read(0, 100)


def by_thread() -> None:
    """The main thread waits for another one, which reads."""
    ask()
    reader = threading.Thread(target=os.read, args=(0, 100))
    reader.start()
    reader.join()


def by_child() -> None:
    """A child asks; its parent waits for it."""
    if os.fork() == 0:
        by_input()
        os._exit(0)
    os.wait()


def on_stderr() -> None:
    """As shells do, and what asks for passwords."""
    os.write(2, QUESTION.encode())
    os.read(0, 100)


WAYS = (by_input, by_readline, by_poll, by_epoll, by_thread, by_child, on_stderr)

if __name__ == "__main__":
    {way.__name__: way for way in WAYS}[sys.argv[1]]()
    print("thanks", flush=True)
    time.sleep(1000)
