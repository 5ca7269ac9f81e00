"""Help texts, made from the declarations of the verbs."""

from __future__ import annotations

from .arguments import GLOBAL_OPTIONS, Command, Option
from .dispatch import ALIASES, VERBS

__all__ = ["EXIT_CODES", "main_help", "verb_help"]

EXIT_CODES = """\
Exit codes

    0  done; after Ctrl-C, or when somebody stopped the daemon: detached
    1  it failed, and the message says why
    2  the command line was not understood; nothing was done
    3  there is no such process, or several fit; the project has no file
   64 and above, as in sysexits.h:
   69  no daemon answers (and none may be started, or none starts)
   70  a defect of persistproc
   74  the home, or our own output, could not be written (disk full)
   75  the daemon is shutting down; try again
   76  command line and daemon speak different protocol versions
   77  somebody else protected the process (persistproc help protect); nobody has allowed the project's file to run
   78  the home folder is not safe; the project's file is wrong
  124  wait: the time is up
  126  run, start, restart: the command was found but could not be executed
  127  run, start, restart: the command was not found
  130  Ctrl-C (after run: Ctrl-C, then stop)
  141  nobody reads our output any more (persistproc logs web | head)

run ends with the exit code of its command, and with 128 + N when signal N ended it."""

_INTRODUCTION = """\
persistproc: start, watch, stop and restart development processes that outlive your terminal.

  persistproc npm run dev          start it, or join it when it already runs, and show its output
  persistproc list                 what runs, and what ran
  persistproc logs -f web          follow its output from any terminal
  persistproc restart web          a new run with the same command, directory and environment
  persistproc stop web             end it and everything it started
  persistproc up                   start all that the project's file says, in the order of what they need
"""


def main_help() -> str:
    """The help of ``persistproc`` alone."""
    lines = [_INTRODUCTION, "Verbs (persistproc help VERB tells more):"]
    names = {verb: ", ".join([verb, *(a for a, meant in ALIASES.items() if meant == verb)]) for verb in VERBS}
    lines += [f"  {names[verb]:<10} {summary}" for verb, summary in VERBS.items()]
    lines += ["", "Options, before the verb or after it:", *_options(GLOBAL_OPTIONS)]
    lines += ["  --version   show versions", ""]
    lines += [
        "A first word that is no verb begins a command, and everything after it belongs to that command:",
        "  persistproc python -m http.server 8080      persistproc run -- env",
        "Exit codes: persistproc help exit-codes.",
    ]
    return "\n".join(lines)


def verb_help(command: Command) -> str:
    """The help of one verb."""
    lines = [f"usage: persistproc {command.name} {command.usage}".rstrip(), "", command.summary, "", "Options:"]
    lines += _options((*command.options, *GLOBAL_OPTIONS))
    if command.notes:
        lines += ["", command.notes]
    if command.examples:
        lines += ["", "Examples:", *(f"  {example}" for example in command.examples)]
    return "\n".join(lines)


def _options(options: tuple[Option, ...]) -> list[str]:
    shown = []
    for option in options:
        names = ", ".join(sorted(option.names, key=len))
        shown.append((f"{names} {option.value}" if option.value else names, option.help))
    size = max(len(names) for names, _ in shown)
    return [f"  {names:<{size}}  {text}" for names, text in shown]
