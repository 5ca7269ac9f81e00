"""Is not waiting for input, but looks a little like it: look_busy.py WAY. Says ready on its other stream."""

import os
import select
import sys
import time


def build() -> None:
    """Prints no newline while a subprocess works."""
    os.write(1, b"Compiling... ")
    if os.fork() == 0:
        time.sleep(1000)
    os.wait()


def server() -> None:
    """A banner, and an event loop that listens to the keyboard as well."""
    os.write(1, b"press h for help\n")
    poll = select.epoll()
    poll.register(0, select.EPOLLIN)
    poll.poll()


def spinner() -> None:
    """Draws one line again and again, and listens to the keyboard."""
    poll = select.epoll()
    poll.register(0, select.EPOLLIN)
    while True:
        for char in b"|/-\\":
            os.write(1, b"\r%c building" % char)
            poll.poll(0.05)


def progress() -> None:
    """The line will be overwritten."""
    os.write(1, b"57 %\r")
    os.read(0, 1)


def full_screen() -> None:
    """Draws at rows and columns, and reads the keyboard."""
    os.write(1, b"\x1b[?1049h\x1b[2J\x1b[24;1H-- INSERT --\x1b[1;1H")
    os.read(0, 1)


def other_input() -> None:
    """Reads from a pipe of its own."""
    os.write(1, b"Waiting for worker ")
    reader, _ = os.pipe()
    os.read(reader, 1)


WAYS = (build, server, spinner, progress, full_screen, other_input)

if __name__ == "__main__":
    os.write(2, b"ready\n")
    time.sleep(0.1)  # so that what is printed last is known to be last
    {way.__name__: way for way in WAYS}[sys.argv[1]]()
