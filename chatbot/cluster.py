"""The machines of a training run, and their meeting before it begins.

Comes in: the environment variable TF_CONFIG, TensorFlow's standard description of a cluster. Goes
out: who this process is and who the others are; what each says of itself, once all are there. Knows
nothing of TensorFlow, which takes minutes to complain of a worker that is absent, and names none.

    TF_CONFIG='{"cluster": {"worker": ["10.0.0.1:2222", "10.0.0.2:2222"]},
                "task": {"type": "worker", "index": 0}}'

A `chief`, if the cluster has one, is the first worker. Before TensorFlow opens the port of a worker
this module does, for a moment: whoever connects is told which worker this is and what it says of
itself, a line of JSON, and both confirm. When all have heard all, the ports are free again.
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from threading import Event, Thread
from typing import Any

from chatbot.errors import ChatbotError

VARIABLE = "TF_CONFIG"

HOW = ("none", "mirrored", "multi-worker")
"""Ways to distribute a run: not at all, over the devices of this machine, over machines."""

_EXAMPLE = (
    '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, "task": {"type": "worker", "index": 0}}'
)
_POLL = 0.2
_PATIENCE = 2.0
"""Seconds that one worker waits for the other's next word."""

_MOST = 1 << 16
_HEARD = b"heard\n"


class Stopped(ChatbotError):
    """What was waited for did not come before the run was told to stop."""


@dataclass(frozen=True)
class Cluster:
    """The workers of a run, in order.

    Attributes:
        addresses: host and port of every worker, the chief's first.
        index: which of them this process is.
    """

    addresses: tuple[str, ...]
    index: int

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Cluster:
        """Reads TF_CONFIG.

        Raises:
            ChatbotError: it is missing, or does not say who the workers are and which this is.
        """
        text = environment.get(VARIABLE, "")
        if not text.strip():
            raise _fault("is not set")
        try:
            found = json.loads(text)
            hosts, task = found["cluster"], found["task"]
            kind, index = task["type"], int(task["index"])
            first, own = len(hosts.get("chief", [])), len(hosts.get(kind, []))
            addresses = [str(one) for one in (*hosts.get("chief", []), *hosts["worker"])]
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise _fault(f"cannot be understood ({error!r})") from error
        if kind not in ("chief", "worker"):
            raise _fault(f"is that of a task of type {kind!r}; a run has workers and a chief")
        if not 0 <= index < own or first > 1:
            raise _fault(f"has no {kind} {index}")
        place = index + (first if kind == "worker" else 0)
        if len({*addresses}) < len(addresses):
            raise _fault("names one address twice")
        for address in addresses:
            _split(address)
        return cls(tuple(addresses), place)

    @property
    def chief(self) -> bool:
        """Whether this process is the one that writes."""
        return self.index == 0

    def name(self, index: int) -> str:
        """What a worker is called in messages."""
        return f"worker {index} ({self.addresses[index]})"

    def silent(self) -> list[int]:
        """The other workers at whose port nobody listens."""
        others = [n for n in range(len(self.addresses)) if n != self.index]
        with ThreadPoolExecutor(32) as pool:
            listens = pool.map(_listens, [self.addresses[n] for n in others])
            return [n for n, one in zip(others, listens, strict=True) if not one]


def _fault(what: str) -> ChatbotError:
    return ChatbotError(
        f"{VARIABLE} {what}. Give every worker the same cluster and its own index, such as "
        f"{_EXAMPLE}."
    )


def _split(address: str) -> tuple[str, int]:
    """Host and port of an address; hosts of IPv6 stand in brackets."""
    host, _, port = str(address).rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 1 << 16:
        raise _fault(f"has the address {address!r}, which is not HOST:PORT")
    return host.strip("[]"), int(port)


def _listens(address: str) -> bool:
    with suppress(OSError), socket.create_connection(_split(address), timeout=2):
        return True
    return False


def meet(
    cluster: Cluster,
    said: Mapping[str, Any],
    seconds: float,
    stop: Callable[[], str | None] = lambda: None,
    told: Callable[[Sequence[int]], None] = lambda absent: None,
) -> list[dict[str, Any]]:
    """Waits until all workers are there, and hears what each says of itself.

    Args:
        cluster: the workers.
        said: what this one says.
        seconds: how long to wait.
        stop: asked all the while; a reason in words ends it.
        told: now and then told which are not there yet.

    Returns:
        What every worker says, in order.

    Raises:
        ChatbotError: some are not there in time, one is there in the place of another, or this
            one's port is in use.
        Stopped: `stop` had a reason.
    """
    until = time.monotonic() + seconds
    with closing(_Door(cluster, said)) as door, closing(_Asking(cluster)) as asking:
        while asking.absent or door.missing:
            asking.check()
            if reason := stop():
                raise Stopped(f"{reason} while waiting for other workers; nothing was done")
            if time.monotonic() > until:
                raise _too_late(cluster, asking.absent or door.missing, seconds)
            told(asking.absent)
            time.sleep(_POLL)
        asking.check()
        everyone = {number: what for number, (_, what) in asking.heard.items()}
    return [{**everyone, cluster.index: dict(said)}[n] for n in range(len(cluster.addresses))]


def check_alike(cluster: Cluster, heard: Sequence[Mapping[str, Any]]) -> None:
    """Refuses workers that say other things of themselves than the chief.

    Raises:
        ChatbotError: one does; it names the worker and what is not the same.
    """
    first = heard[0]
    for number, other in enumerate(heard):
        for name in [*first, *(name for name in other if name not in first)]:
            if other.get(name) != first.get(name):
                raise ChatbotError(
                    f"{cluster.name(number)}: its {name} is {_short(other.get(name))}, that of "
                    f"{cluster.name(0)} {_short(first.get(name))}. All have to be the same."
                )


def _short(value: object) -> str:
    if value is None:
        return "not given"
    text = json.dumps(value, ensure_ascii=False) if not isinstance(value, str) else value
    return text if len(text) <= 200 else f"{text[:200]}…"


def _too_late(cluster: Cluster, absent: Sequence[int], seconds: float) -> ChatbotError:
    names = ", ".join(map(cluster.name, absent))
    return ChatbotError(
        f"{names}: not there after {seconds:,.0f} seconds. Start the same command there, with its "
        f"own {VARIABLE}; ports have to be open between all workers."
    )


class _Asking:
    """Asks every other worker what it says of itself, until it is there; a thread for each."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster, self._over = cluster, Event()
        self.heard: dict[int, tuple[int, dict[str, Any]]] = {}
        self._others = [n for n in range(len(cluster.addresses)) if n != cluster.index]
        for number in self._others:
            Thread(target=self._until_heard, args=(number,), daemon=True).start()

    @property
    def absent(self) -> list[int]:
        """The workers that have not answered yet."""
        return [n for n in self._others if n not in self.heard]

    def check(self) -> None:
        """Refuses workers that take themselves for another.

        Raises:
            ChatbotError: one does.
        """
        for number, (other, _) in list(self.heard.items()):
            if other != number:
                raise ChatbotError(
                    f"{self._cluster.name(number)}: says that it is worker {other}. Give every "
                    f"worker its own index in {VARIABLE}."
                )

    def close(self) -> None:
        """Asks no more; who is being asked is not waited for."""
        self._over.set()

    def _until_heard(self, number: int) -> None:
        while not self._over.is_set():
            with suppress(OSError, ValueError, TypeError):
                self.heard[number] = self._ask(number)
                return
            self._over.wait(_POLL)

    def _ask(self, number: int) -> tuple[int, dict[str, Any]]:
        """What a worker says, and which it takes itself for; it knows then that it was heard."""
        address = _split(self._cluster.addresses[number])
        with socket.create_connection(address, _PATIENCE) as line, line.makefile("rwb") as file:
            file.write(f"{self._cluster.index}\n".encode())
            file.flush()
            which, said = json.loads(file.readline(_MOST))
            file.write(_HEARD)
            file.flush()
            if file.readline(len(_HEARD)) != _HEARD or not isinstance(said, dict):
                raise ValueError("no worker, or one that goes away")
            return int(which), said


class _Door:
    """Listens at this worker's port, and tells every other one what this one says of itself."""

    def __init__(self, cluster: Cluster, said: Mapping[str, Any]) -> None:
        self._answer = f"{json.dumps([cluster.index, said])}\n".encode()
        self._waited_for = {*range(len(cluster.addresses))} - {cluster.index}
        self._closed = Event()
        host, port = _split(cluster.addresses[cluster.index])
        try:
            self._listening = _listening(host, port)
        except OSError as error:
            raise ChatbotError(
                f"{cluster.name(cluster.index)}: its port {port} cannot be opened "
                f"({error.strerror}). Free it, or name another in {VARIABLE}."
            ) from error
        self._listening.settimeout(_POLL)
        self._thread = Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def missing(self) -> list[int]:
        """The workers that have not heard this one yet."""
        return sorted(self._waited_for.copy())

    def close(self) -> None:
        """Frees the port."""
        self._closed.set()
        self._thread.join()
        self._listening.close()

    def _serve(self) -> None:
        while not self._closed.is_set():
            with suppress(OSError):
                line, _ = self._listening.accept()
                Thread(target=self._tell, args=(line,), daemon=True).start()

    def _tell(self, line: socket.socket) -> None:
        """Tells one that comes; it counts as there when it has heard, and knows that it does."""
        line.settimeout(_PATIENCE)
        with suppress(OSError, ValueError), line, line.makefile("rwb") as file:
            number = int(file.readline(16))
            file.write(self._answer)
            file.flush()
            if file.readline(len(_HEARD)) == _HEARD:
                file.write(_HEARD)
                file.flush()
                self._waited_for.discard(number)


def _listening(host: str, port: int) -> socket.socket:
    """A socket that listens for the workers: on loopback if the address is one of it."""
    if host in ("localhost", "127.0.0.1"):
        return socket.create_server(("127.0.0.1", port), backlog=256)
    if host == "::1":
        return socket.create_server((host, port), family=socket.AF_INET6, backlog=256)
    if socket.has_dualstack_ipv6():
        family = socket.AF_INET6
        return socket.create_server(("", port), family=family, backlog=256, dualstack_ipv6=True)
    return socket.create_server(("", port), backlog=256)
