"""The keys of a project's file, declared once: what is read, the JSON Schema and the reference page come from here.

What a process is to be (ports, ready, watch, ...) is declared for ``start_process`` as well, in
`persistproc_core.protocol.Definition`; here stands what only a file has, and the forms that only a file knows.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from typing_extensions import Required, TypedDict

from ..protocol import Allowed, Definition, DependencyCondition, Liveness, PortWish, ReadyWhen
from ..protocol.definitions import CommandText
from ..validation import Field, fields

__all__ = ["PROCESS_KEYS", "TOP_KEYS", "EnvFileTable", "PortTable", "ProcessTable", "TopTable"]


class EnvFileTable(TypedDict, total=False):
    """A file of variables that may be missing."""

    path: Required[Annotated[str, "Relative to the project's file.", Allowed(1, 4096)]]
    required: Annotated[bool, "False: no error when it is missing."]


class PortTable(TypedDict, total=False):
    """A port of the table ``ports``, whose key is its name."""

    port: Annotated[int, "Exactly this one.", Allowed(1, 65535)]
    prefer: Annotated[int, "This one when it is free at the first time.", Allowed(1, 65535)]
    variable: Annotated[str, "The variable that tells the process.", Allowed(1, 100)]
    optional: Annotated[bool, "It may listen on it or not: being ready does not wait for it."]


class ProcessTable(TypedDict, total=False):
    """What a file says about a process, besides `Definition`."""

    command: Required[CommandText]
    working_directory: Annotated[
        str, "Where it runs, relative to the project's file; else where that lies.", Allowed(1, 4096)
    ]
    environment: Annotated[dict[str, str | int], "Variables to set."]
    env_files: Annotated[
        list[str | EnvFileTable], "Files of variables, relative to the project's file; later ones win.", Allowed(0, 100)
    ]
    needs: Annotated[
        list[str] | dict[str, DependencyCondition],
        "Processes that must be ready before it is started. As a table: how far each must be (started, ready, "
        "completed).",
        Allowed(0, 100),
    ]
    optional: Annotated[
        bool, "It is started only by its name, by a tag, or because something needs it, not by a plain up."
    ]
    port: Annotated[
        int | Literal["auto"] | PortWish,
        "Its port: a fixed one, or auto for a free one that stays the same. A table says more about it.",
        Allowed(1, 65535),
    ]
    ports: Annotated[
        dict[str, int | Literal["auto"] | PortTable],
        "Its ports, by their names. {port} (the first) and {ports.NAME} stand for them in command, environment, ready "
        "and liveness.",
        Allowed(1, 65535),
    ]
    ready: Annotated[
        str | ReadyWhen,
        "When it is ready. As a text: port (it listens on its first one), completed (it has ended with exit code 0), "
        "or an http or https URL.",
        Allowed(1, 2000),
    ]
    liveness: Annotated[
        str | Liveness,
        "What it must go on to answer, else it is restarted. As a text: port, or an http or https URL.",
        Allowed(1, 2000),
    ]


class TopTable(TypedDict, total=False):
    """The whole file; in pyproject.toml the table ``tool.persistproc``."""

    env_files: Annotated[list[str | EnvFileTable], "Files of variables for all processes.", Allowed(0, 100)]
    environment: Annotated[dict[str, str | int], "Variables for all processes."]
    processes: Annotated[dict[str, ProcessTable], "The processes, by their names."]


TOP_KEYS: Final[dict[str, Field]] = fields(TopTable)
PROCESS_KEYS: Final[dict[str, Field]] = {
    **fields(ProcessTable),
    **{name: field for name, field in fields(Definition).items() if name not in fields(ProcessTable)},
}
"""Every key of a process."""
