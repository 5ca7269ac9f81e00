"""Fills the screen as an editor does: alternate screen, no cursor, mouse and bracketed paste on.

Draws its size, how often it drew, and what was typed last; anew only when the size is another one or a key was typed.
q puts the terminal back and ends it with exit code 3.
"""

import os
import select
import signal
import sys
import termios
import tty

ENTER = b"\x1b[?1049h\x1b[?25l\x1b[?1000h\x1b[?1006h\x1b[?2004h\x1b[?1h\x1b="
LEAVE = b"\x1b>\x1b[?1l\x1b[?2004l\x1b[?1006l\x1b[?1000l\x1b[?25h\x1b[?1049l"

reader, writer = os.pipe()
os.set_blocking(writer, False)
signal.set_wakeup_fd(writer)
signal.signal(signal.SIGWINCH, lambda number, frame: None)
before = termios.tcgetattr(0)
tty.setraw(0)
os.write(1, ENTER)
size, key, drawings = None, b"", 0
while key != b"q":
    now = os.get_terminal_size(1)
    if now != size or key:
        size, drawings = now, drawings + 1
        text = f"size {size.lines} x {size.columns}, key {key.decode()!r}, drawing {drawings}"
        os.write(1, b"\x1b[2J\x1b[1;1H" + text.encode() + b"\x1b[%d;1Hthe last line" % size.lines)
        key = b""
    for ready in select.select([0, reader], [], [])[0]:
        data = os.read(ready, 1024)
        key = data if ready == 0 else key
os.write(1, LEAVE)
termios.tcsetattr(0, termios.TCSANOW, before)
sys.exit(3)
