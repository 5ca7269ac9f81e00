"""What a cloned repository brings, a project's file or one of variables: it is taken, or refused in words."""

from __future__ import annotations

import contextlib

from persistproc_core.errors import ProjectInvalid
from persistproc_core.project_file.env_file import EnvFileError, read_env_file
from persistproc_core.project_file.find import FoundFile
from persistproc_core.project_file.load import load
from persistproc_core.project_file.model import ProjectFile
from persistproc_core.project_file.variables import directory_of, variables_of
from persistproc_core.protocol.projects import ProjectFormat
from tests.fuzz.target import DiskTarget

__all__ = ["ProjectFiles"]

_BASE = {"HOME": "/nowhere", "PATH": "/bin", "A": "a"}
_TOML = b"""env_files = [".env", { path = "${A}.env", required = false }]
[environment]
A = "${A:-${B:-x}}"
[processes.web]
command = ["sh", "-c", "x {port} {ports.api} {ports.web.x}"]
working_directory = "~"
needs = { api = "ready" }
ports = { web = "auto", x = { prefer = 3000, variable = "X" } }
ready = { output = "ready (in|at) \\\\d+", timeout_seconds = "1m30s" }
watch = ["**/*.py"] # a comment
[processes."api"]
command = '''x
y'''
port = 0x10
ready = "http://[::1]:{port}/"
keep_bytes = "64M"
"""
_PROCFILE = b"web: puma -p $PORT\n# a comment\nworker: rake {ports.web}\n"
_VARIABLES = b"A=1\nexport B='x' # y\nC=\"a\\n${A}${B:-c}\"\n\nD\nPORT=3000\n"
_FORMATS: tuple[ProjectFormat, ...] = ("persistproc.toml", "pyproject.toml", "Procfile")


class ProjectFiles(DiskTarget):
    """Every case is read as each of them."""

    name = "project"
    cases = 60_000

    def seeds(self) -> list[bytes]:
        return [_TOML, _TOML.replace(b"[processes", b"[tool.persistproc.processes"), _PROCFILE, _VARIABLES]

    def check(self, case: bytes) -> int:
        (self.directory / ".env").write_bytes(case)
        with contextlib.suppress(EnvFileError):
            read_env_file(str(self.directory / ".env"), _BASE, only_regular=True)
        for name in _FORMATS:
            path = self.directory / name
            path.write_bytes(case)
            with contextlib.suppress(ProjectInvalid):
                self._use(load(FoundFile(str(path), name, str(self.directory))))
        return 1

    def _use(self, file: ProjectFile) -> None:
        for name, entry in file.processes.items():
            assert (entry.name, len(file.digest)) == (name, 64)
            with contextlib.suppress(ProjectInvalid):
                variables_of(entry, _BASE)
            with contextlib.suppress(ProjectInvalid):
                directory_of(entry, _BASE)
