"""The least that a server of lines can do on anyio with trio: echo_server.py PATH. Says ready when it listens.

Its first line on a connection looks like the daemon's hello, so that the same client can talk to both.
"""

import sys

import anyio
from anyio.abc import SocketStream


async def echo(stream: SocketStream) -> None:
    await stream.send(b'{"jsonrpc":"2.0","method":"hello","params":{}}\n')
    buffer = b""
    async with stream:
        async for data in stream:
            buffer += data
            end = buffer.rfind(b"\n") + 1
            if end:
                await stream.send(buffer[:end])
                buffer = buffer[end:]


async def main(path: str) -> None:
    async with await anyio.create_unix_listener(path) as listener:
        print("ready", flush=True)
        await listener.serve(echo)


if __name__ == "__main__":
    anyio.run(main, sys.argv[1], backend="trio")
