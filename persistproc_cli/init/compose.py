"""The services of a Compose file, each as a ``docker compose up`` of its own (the Compose Specification)."""

from __future__ import annotations

import shlex

from .folders import read_text
from .proposal import Proposal
from .yaml_text import load_yaml

__all__ = ["find"]

# In the order in which docker compose looks for them.
_FILES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
_CONDITIONS = {
    "service_started": "started",
    "service_healthy": "ready",
    "service_completed_successfully": "completed",
}
# The server that the first start of the image of PostgreSQL runs for its own sake listens on no TCP port.
_READY_COMMANDS = {
    "postgres": "pg_isready -h 127.0.0.1",
    "postgis": "pg_isready -h 127.0.0.1",
    "pgvector": "pg_isready -h 127.0.0.1",
    "redis": "redis-cli ping",
    "valkey": "valkey-cli ping",
    "mysql": "mysqladmin ping -h 127.0.0.1 --silent",
    "mariadb": "mariadb-admin ping -h 127.0.0.1 --silent",
    "rabbitmq": "rabbitmq-diagnostics -q check_running",
}
_GRACE_SECONDS = 20.0
"""docker stop gives a container ten."""


def find(directory: str) -> list[Proposal]:
    """A process for each service; those that are built here, or have a profile, are optional."""
    for name in _FILES:
        text = read_text(directory, name)
        if text is not None:
            services = load_yaml(text).get("services")
            if not isinstance(services, dict):
                return []
            known = {str(service): facts for service, facts in services.items() if isinstance(facts, dict)}
            return [_propose(name, service, facts, set(known)) for service, facts in known.items()]
    return []


def _propose(file: str, service: str, facts: dict[str, object], known: set[str]) -> Proposal:
    image = str(facts.get("image", "")).rpartition("/")[2].partition(":")[0]
    ready = _READY_COMMANDS.get(image)
    needs = _needs(facts.get("depends_on"), known)
    # What it needs is said to persistproc; Compose is not to start it a second time.
    apart = " --no-deps" if needs else ""
    word = shlex.quote(service)
    return Proposal(
        name=service,
        command=f"docker compose up{apart} {word}",
        source=file,
        needs=needs,
        ready=(("command", f"docker compose exec -T {word} {ready}"), ("timeout_seconds", 120)) if ready else (),
        stop_grace_seconds=_GRACE_SECONDS,
        optional="build" in facts or bool(facts.get("profiles")),
        comment=_published(facts.get("ports")),
    )


def _needs(said: object, known: set[str]) -> tuple[tuple[str, str], ...]:
    if isinstance(said, list):
        return tuple((str(name), "started") for name in said if str(name) in known)
    if not isinstance(said, dict):
        return ()
    found = []
    for name, facts in said.items():
        condition = str(facts.get("condition")) if isinstance(facts, dict) else "service_started"
        if str(name) in known:
            found.append((str(name), _CONDITIONS.get(condition, "started")))
    return tuple(found)


def _published(ports: object) -> str:
    told = [_published_port(port) for port in ports] if isinstance(ports, list) else []
    told = [port for port in told if port]
    return f"publishes {', '.join(told)}" if told else ""


def _published_port(port: object) -> str:
    if isinstance(port, dict):
        return str(port.get("published") or "")
    host, colon, _ = str(port).rpartition(":")
    return host.rpartition(":")[2] if colon and "$" not in host else ""
