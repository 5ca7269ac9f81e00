"""``persistproc url``: where a browser finds a process."""

from __future__ import annotations

from ..arguments import Arguments, Command
from ..oneline import one_line
from ..output import note, print_document, say
from ..urls import url_of, urls_of_project

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..context import Context

__all__ = ["COMMAND"]


def _run(context: Context, arguments: Arguments) -> int:
    with context.connect() as client:
        if arguments.words:
            info, url = url_of(client, arguments.words[0])
            if context.json:
                print_document({"name": info["name"], "url": url})
            else:
                say(one_line(url))
            return 0
        found = urls_of_project(client, all_projects=context.directory is None)
    if context.json:
        print_document({"urls": [{"name": info["name"], "url": url} for info, url in found]})
    elif not found:
        note("no process of this project has a URL")
    else:
        size = max(len(one_line(info["name"])) for info, _ in found)
        for info, url in found:
            say(f"{one_line(info['name']):<{size}}  {one_line(url)}")
    return 0


COMMAND = Command(
    "url",
    "[NAME]",
    "Tell where a browser finds a process.",
    _run,
    words=(0, 1),
    examples=("persistproc url", "curl $(persistproc url web)"),
    notes=(
        "What the process printed when it began to listen, else http://localhost and its port.\n"
        "Without a name: of all processes of this project that have one."
    ),
)
