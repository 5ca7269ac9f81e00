"""Writes to /dev/stdout and /dev/stderr by name, as shells, tee and nginx do, between plain writes; then exits."""

import os
import subprocess

os.write(1, b"first\n")
os.write(2, b"first\n")
for path in ("/dev/stdout", "/dev/stderr"):
    with open(path, "w", encoding="ascii") as stream:  # O_TRUNC: a plain file would lose its first line here
        stream.write("reopened\n")
subprocess.run("echo shell > /dev/stdout; echo shell > /dev/stderr", shell=True, check=True)
subprocess.run("echo tee | tee /dev/stderr", shell=True, check=True)
os.write(1, b"last\n")
os.write(2, b"last\n")
