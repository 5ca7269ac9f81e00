"""A daemon was killed while it deleted an old run: the record was gone, the logs were not.

The next daemon took the folder for one whose record had been lost with output in it, and kept it for ever.
A folder that is to go is renamed first, and what has that name is deleted at the next start.
"""

from __future__ import annotations

from pathlib import Path

from tests.daemon.hub import Hub


def test_a_half_deleted_run_goes_at_the_next_start(own: Hub) -> None:
    own.finish(["echo", "text"], name="p")
    folder = Path(own.status("p")["log_directory"])
    own.forget_connections()
    own.daemon.kill()
    doomed = folder.rename(folder.with_name(f".deleted-{folder.name}"))
    (doomed / "record.json").unlink()

    own.daemon.start()

    assert own.list() == {}
    assert not doomed.exists()


def test_what_is_removed_leaves_nothing(own: Hub) -> None:
    own.finish(["echo", "text"], name="p")
    folder = Path(own.status("p")["log_directory"])

    own.call("remove_process", "p")

    assert list(folder.parent.iterdir()) == []
