"""``persistproc open``: a process in the browser."""

from __future__ import annotations

from persistproc_core.errors import NotRunning, PersistprocError

from ..arguments import Arguments, Command, UsageError
from ..oneline import one_line
from ..output import print_document, say
from ..urls import url_of, urls_of_project

TYPE_CHECKING = False
if TYPE_CHECKING:
    from persistproc_core.client.sync import Client

    from ..context import Context

__all__ = ["COMMAND"]


def _run(context: Context, arguments: Arguments) -> int:
    with context.connect() as client:
        url = url_of(client, arguments.words[0])[1] if arguments.words else _only_url(client)
    _open(url)
    if context.json:
        print_document({"url": url})
    else:
        say(f"opened {one_line(url)}")
    return 0


def _only_url(client: Client) -> str:
    found = urls_of_project(client, all_projects=False)
    if len(found) == 1:
        return found[0][1]
    names = ", ".join(one_line(info["name"]) for info, _ in found)
    if not names:
        raise NotRunning("no process of this project has a URL", hint="see: persistproc list")
    raise UsageError("which process?", hint=f"with a URL: {names}")


def _open(url: str) -> None:
    import webbrowser

    try:
        opened = webbrowser.open(url)
    except webbrowser.Error:
        opened = False
    if not opened:
        raise PersistprocError(f"no browser could be opened; the URL is {url}", hint="BROWSER names the one to use")


COMMAND = Command(
    "open",
    "[NAME]",
    "Open a process's URL in the browser.",
    _run,
    words=(0, 1),
    examples=("persistproc open web", "BROWSER=firefox persistproc open web"),
    notes="Without a name: of the one process of this project that has a URL (see persistproc url).",
)
