"""Reads what a run printed: the log segments and marks that the keeper writes into the run's folder.

    segments   one stream's bytes, found by offset
    marks      the order between the streams, and times
    reader     both together: `RunLog`
    text       bytes to lines for people and agents
    cursors    places in a log, as text
    output     all of it together: what get_process_output answers

Everything here works while the keeper writes and deletes: a reader takes no lock, and nobody waits for it.
"""

from .cursors import decode_cursor, encode_cursor
from .output import Output, last_output, read_output
from .reader import Chunk, RunLog
from .render import Style
from .segments import Offsets, Piece, Segment
from .text import raw_lines

__all__ = [
    "Chunk",
    "Offsets",
    "Output",
    "Piece",
    "RunLog",
    "Segment",
    "Style",
    "decode_cursor",
    "encode_cursor",
    "last_output",
    "raw_lines",
    "read_output",
]
