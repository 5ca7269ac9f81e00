"""What a command is called when nobody names it: a table of the ways in which development programs are started."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from ...errors import InvalidParams
from .names import made_valid
from .shellwords import lex

if TYPE_CHECKING:
    from .command import Command

__all__ = ["default_name"]


_MOST_WORDS = 64
_MOST_TEXT = 2000


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


def default_name(command: Command) -> str:
    """A valid name for a command that nobody named: what a person would call it.

    ``npm run dev`` is dev, ``python -m http.server`` http.server, ``python manage.py runserver`` runserver,
    ``uv run uvicorn app:app`` uvicorn, ``make serve`` serve, ``docker compose up`` compose; else the program's name.
    """
    # What a person would look at: the rules go through their words again and again.
    words = list(command.argv[:_MOST_WORDS])
    return made_valid(_name_of_text(command.text[:_MOST_TEXT]) if command.shell else _name_of(words))


def _name_of(words: list[str]) -> str:
    words = _without_wrappers(words)
    if not words:
        return ""
    program = os.path.basename(words[0])
    rest = words[1:]
    rule = _RULES.get(_unversioned(program))
    return (rule(rest) if rule else _script_name(words)) or _stem(program)


def _name_of_text(text: str) -> str:
    try:
        words = lex(text).words
    except InvalidParams:
        return ""
    fallback = ""
    for simple in _simple_commands(words):
        simple = _without_wrappers(simple)
        if simple and simple[0] not in _SETUP:
            return _name_of(simple)
        fallback = fallback or (simple[0] if simple else "")
    return fallback


def _simple_commands(words: list[str]) -> list[list[str]]:
    commands: list[list[str]] = [[]]
    target_of_redirection = False
    for word in words:
        if word in ("<", ">"):
            target_of_redirection = True
        elif word in _SEPARATORS:
            commands.append([])
        elif target_of_redirection:
            target_of_redirection = False
        else:
            commands[-1].append(word)
    return commands


_SEPARATORS = frozenset(["&", "|", ";", "(", ")", "\n"])
# What stands before the program proper in a shell line.
_SETUP = _set("""
    . : [ [[ cd cp echo eval export false for if case mkdir printf pushd read rm set shopt sleep source test trap true
    ulimit umask unset until while wait
    """)
_PREFIXES = frozenset(["!", "{", "}", "do", "done", "else", "esac", "fi", "in", "then"])
# Programs that run another one, with those of their options that take a value.
_WRAPPERS: dict[str, frozenset[str]] = {
    name: _set(options)
    for name, options in {
        "builtin": "",
        "caffeinate": "-t -w",
        "chronic": "",
        "command": "",
        "cross-env": "",
        "doas": "-u -C",
        "dotenv": "-e -f",
        "env": "-u -C -S",
        "exec": "-a",
        "ionice": "-c -n",
        "nice": "-n",
        "nohup": "",
        "setsid": "",
        "stdbuf": "-i -o -e",
        "sudo": "-u -g -h -C",
        "time": "-f -o",
        "timeout": "-k -s",
        "unbuffer": "",
    }.items()
}
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\+?=")


def _without_wrappers(words: list[str]) -> list[str]:
    while words:
        if words[0] in _PREFIXES or _ASSIGNMENT.match(words[0]):
            words = words[1:]
            continue
        program = os.path.basename(words[0])
        inner = _after_options(words[1:], _WRAPPERS[program]) if program in _WRAPPERS else []
        if program == "timeout":
            inner = inner[1:]
        if not inner:
            break
        words = inner
    return words


def _after_options(words: list[str], with_value: frozenset[str] = frozenset()) -> list[str]:
    at = 0
    while at < len(words) and words[at].startswith("-") and words[at] != "-":
        if words[at] == "--":
            return words[at + 1 :]
        at += 2 if words[at] in with_value else 1
    return words[at:]


def _stem(path: str) -> str:
    """The last part of a path without what says how it is run: app.py is app, vite@latest is vite."""
    name = os.path.basename(path.rstrip("/"))
    base, extension = os.path.splitext(name)
    if base and extension.lower() in _SCRIPT_EXTENSIONS:
        name = base
    return name.split("@", 1)[0] or name


_SCRIPT_EXTENSIONS = _set(
    ".bash .cjs .cts .exs .go .jar .js .jsx .lua .mjs .mts .php .pl .pm .ps1 .py .pyz .rb .sh .ts .tsx .zsh"
)


def _unversioned(program: str) -> str:
    """python3.12 is python, ruby3.3 is ruby."""
    # No regular expression: each of a hundred thousand digits would be tried as the first of the version.
    return program.rstrip("0123456789.") or program


# --- rules by program: the words after it -> a name, or nothing ------------------------------------------------------

_Rule = Callable[[list[str]], str]


def _package_script(words: list[str]) -> str:
    """npm run dev, yarn dev, pnpm --filter web dev, bun src/index.ts."""
    words = _after_options(words, _PACKAGE_OPTIONS)
    if not words:
        return ""
    verb, rest = words[0], words[1:]
    if verb == "workspace":
        return _package_script(rest[1:])
    if verb in ("run", "run-script", "task", "rum", "urn"):
        script = _after_options(rest, _PACKAGE_OPTIONS)
        return _stem(script[0]) if script else verb
    if verb in ("exec", "dlx", "x", "execute"):
        return _runner(rest)
    return _stem(verb)


_PACKAGE_OPTIONS = _set("--prefix -C --dir --filter -F -w --workspace --cwd --config -c --loglevel")


def _runner(words: list[str]) -> str:
    """npx vite, uvx ruff: the name is that of what they run."""
    return _name_of(_after_options(words, _RUNNER_OPTIONS))


def _runner_with_verb(words: list[str]) -> str:
    """uv run uvicorn, poetry run flask, bundle exec rails."""
    words = _after_options(words, _RUNNER_OPTIONS)
    if words and words[0] in ("run", "exec"):
        inner = _after_options(words[1:], _RUNNER_OPTIONS)
        return _module_option(words[1:]) or _name_of(inner)
    return ""


def _module_option(words: list[str]) -> str:
    # uv run -m module
    options = list(itertools.takewhile(lambda word: word.startswith("-"), words))
    if options and options[-1] in ("-m", "--module"):
        return "".join(words[len(options) : len(options) + 1])
    return ""


_RUNNER_OPTIONS = _set(
    "-p --package -c --call --with --with-requirements --with-editable --python --project --directory --env-file "
    "--extra --group --from --index --spec -C"
)


def _script(words: list[str]) -> str:
    """python app.py, node --watch server.js, python -m module, java -jar x.jar."""
    at = 0
    while at < len(words):
        word = words[at]
        if word in ("-m", "-jar") and at + 1 < len(words):
            return _stem(words[at + 1]) if word == "-jar" else _module(words[at + 1 :])
        if word in _INLINE_CODE:
            return ""
        if word == "--" or not word.startswith("-"):
            rest = words[at + 1 :] if word == "--" else words[at:]
            return _script_name(rest)
        at += 2 if word in _SCRIPT_OPTIONS else 1
    return ""


def _module(words: list[str]) -> str:
    # python -m flask run is flask, python -m package.__main__ is package
    name = words[0].removesuffix(".__main__")
    return _name_of([name, *words[1:]]) if name in _RULES else name


def _script_name(words: list[str]) -> str:
    if not words:
        return ""
    name = _stem(words[0])
    if name in _SCRIPTS_WITH_VERBS:
        verbs = _after_options(words[1:])
        return verbs[0] if verbs else name
    return "" if name in (".", "..") else name


_SCRIPTS_WITH_VERBS = frozenset(["manage", "artisan", "console", "rails", "ace", "spark"])
_INLINE_CODE = frozenset(["-c", "-e", "-p", "-pe", "--eval", "--print", "-r", "-"])
_SCRIPT_OPTIONS = _set(
    "-W -X --require --import --loader --experimental-loader --env-file --conditions -C -I -cp -classpath --class-path "
    "--tsconfig --check-hash-based-pycs"
)


def _node_script(words: list[str]) -> str:
    # For node -r takes a module to load first; for php and others it is inline code.
    at = next((i for i, word in enumerate(words) if word == "-r"), None)
    if at is not None and all(word.startswith("-") for word in words[:at]):
        words = words[:at] + words[at + 2 :]
        return _node_script(words)
    return _script(words)


def _php_script(words: list[str]) -> str:
    # php -S localhost:8000 -t public router.php
    return _script_name(_after_options(words, _set("-S -t -c -d -z"))) if "-r" not in words[:1] else ""


def _shell_script(words: list[str]) -> str:
    """sh -c 'text' is named after the text, sh run.sh after the script."""
    for at, word in enumerate(words):
        if not word.startswith("-"):
            return _script(words[at:])
        if not word.startswith("--") and word.endswith("c") and at + 1 < len(words):
            return _name_of_text(words[at + 1])
    return ""


def _target(words: list[str]) -> str:
    """make -C web serve, just dev."""
    words = [word for word in words if not _ASSIGNMENT.match(word)]
    targets = _after_options(words, _set("-C -f -I -j -o -W -d --justfile --working-directory -t -p"))
    while targets and targets[0].isdigit():
        targets = targets[1:]
    return targets[0] if targets else ""


def _verb(words: list[str]) -> str:
    verbs = _after_options(words)
    return verbs[0] if verbs else ""


def _docker(words: list[str]) -> str:
    return "compose" if "compose" in words[:1] else ""


def _compose(_: list[str]) -> str:
    return "compose"


def _go(words: list[str]) -> str:
    return _script_name(_after_options(words[1:])) if words[:1] == ["run"] else ""


def _turbo(words: list[str]) -> str:
    words = [word for word in words if word != "run"]
    return _verb(words)


_RULES: dict[str, _Rule] = {
    **dict.fromkeys(["npm", "pnpm", "yarn", "bun", "deno"], _package_script),
    **dict.fromkeys(["npx", "bunx", "pnpx", "uvx", "dotenvx"], _runner),
    **dict.fromkeys(
        ["uv", "poetry", "pdm", "pipenv", "hatch", "rye", "pixi", "pipx", "bundle", "conda"], _runner_with_verb
    ),
    **dict.fromkeys(["python", "pypy", "ruby", "perl", "java", "lua", "tsx", "ts-node", "jruby"], _script),
    **dict.fromkeys(["node", "nodejs", "nodemon"], _node_script),
    **dict.fromkeys(["sh", "bash", "dash", "zsh", "ksh", "ash", "fish"], _shell_script),
    **dict.fromkeys(["make", "gmake", "just", "task", "rake", "invoke", "inv", "gradle", "gradlew", "mage"], _target),
    "php": _php_script,
    "docker": _docker,
    "podman": _docker,
    "docker-compose": _compose,
    "podman-compose": _compose,
    "go": _go,
    "turbo": _turbo,
}
