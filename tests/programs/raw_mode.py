"""A full-screen program: alternate screen, raw mode, each byte typed shown in hex; q ends it and restores all."""

import os
import termios
import tty

before = termios.tcgetattr(0)
tty.setraw(0)
os.write(1, b"\x1b[?1049h\x1b[2J\x1b[Hready\r\n")
while (byte := os.read(0, 1)) != b"q":
    os.write(1, b"<%02x>" % byte[0])
os.write(1, b"\x1b[?1049l")
termios.tcsetattr(0, termios.TCSADRAIN, before)
