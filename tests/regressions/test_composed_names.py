"""The same name came once with é as one character (NFC) and once as e with an accent (NFD, as a Mac's file names are):
two processes of the same name ran beside each other, and could not be told apart."""

from __future__ import annotations

import unicodedata

from tests.daemon.hub import Hub

COMPOSED, APART = (unicodedata.normalize(form, "café") for form in ("NFC", "NFD"))


def test_both_are_one_process(own: Hub) -> None:
    first = own.start(["sleep", "1000"], name=COMPOSED)
    second = own.start(["sleep", "1000"], name=APART)
    assert (second["already_running"], second["pid"], second["name"]) == (True, first["pid"], COMPOSED)
    assert own.error("start_process", command=["sleep", "1001"], name=APART).code == "name_taken"
    assert {own.status(name)["pid"] for name in (COMPOSED, APART)} == {first["pid"]}
    assert own.stop(APART)["stopped_pids"] == [first["pid"]]
