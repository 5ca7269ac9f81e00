"""Text that others wrote, made safe to stand in an answer.

A process, a command or another agent may write text that acts on a terminal, that a person does not see but a model
reads, or that turns around what stands beside it. None of it reaches an answer.
"""

from __future__ import annotations

import os
import re

__all__ = ["inline", "printed", "quoted", "short_path"]

# Control sequences: ECMA-48 (5.4 CSI, 5.6 strings) and ECMA-35 (13.2 escape sequences). The daemon has removed those
# of output; names, commands and reasons come as they were given.
_SEQUENCES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[ -/]*[0-~]?"
)
# Controls but tab; and what is drawn as nothing: Default_Ignorable_Code_Point of Unicode (DerivedCoreProperties.txt),
# in which the bidi controls of UAX #9 lie, and which hold whole texts for models alone (tags, variation selectors).
_UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_LINE_ENDS = re.compile("[\r\n\u2028\u2029]+")
_SURROGATES = re.compile("[\ud800-\udfff]")


def printed(text: str) -> str:
    """A line that a process printed: one line, of characters that are seen."""
    if text.isascii() and text.isprintable():
        return text
    text = _UNSEEN.sub("", _SEQUENCES.sub("", text))
    # JSON may hold halves of characters, and an answer with one could not be sent.
    return _SURROGATES.sub("\ufffd", _LINE_ENDS.sub(" ", text))


def inline(text: str, most: int = 200) -> str:
    """A name, a command, a reason: the same within a sentence, at most so many characters."""
    words = " ".join(printed(text).split())
    return words if len(words) <= most else words[: most - 1].rstrip() + "…"


def quoted(text: str, most: int = 200) -> str:
    """The same in quotation marks that it cannot end."""
    return '"' + inline(text, most).replace('"', "'") + '"'


def short_path(path: str) -> str:
    """A path with ``~`` for the home directory."""
    home = os.path.expanduser("~").rstrip("/")
    if home and (path == home or path.startswith(home + "/")):
        path = "~" + path[len(home) :]
    return inline(path, 500)
