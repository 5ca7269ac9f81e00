"""What a check can find, declared once: the troubleshooting page is made from these declarations."""

from __future__ import annotations

__all__ = ["Finding", "Kind", "ok"]


class Kind:
    """One thing that can be wrong.

    ``id`` names it for ever; ``level`` is ``warning`` (it works, but) or ``problem``; ``meaning`` and ``mend`` are for
    the page, in Markdown: what it means for processes and people, and what to do.
    """

    __slots__ = ("check", "id", "level", "meaning", "mend")

    def __init__(self, check: str, id: str, level: str, meaning: str, mend: str) -> None:  # noqa: A002
        self.check = check
        self.id = id
        self.level = level
        self.meaning = meaning
        self.mend = mend

    def found(self, text: str, mend: str = "") -> Finding:
        """It is so here: with the facts in ``text``, and a mend with this machine's names in it where that helps."""
        return Finding(self.check, self.id, self.level, text, mend or self.mend.replace("`", ""))


class Finding:
    """What a check found: ``ok``, ``warning`` or ``problem``, and what mends it."""

    __slots__ = ("check", "id", "level", "mend", "text")

    def __init__(self, check: str, id: str, level: str, text: str, mend: str = "") -> None:  # noqa: A002
        self.check = check
        self.id = id
        self.level = level
        self.text = text
        self.mend = mend

    def document(self) -> dict[str, str]:
        """For ``--json``."""
        return {"check": self.check, "id": self.id, "level": self.level, "text": self.text, "mend": self.mend}


def ok(check: str, text: str) -> Finding:
    """All is well there."""
    return Finding(check, "ok", "ok", text)
