"""The machines of a training run, and their meeting before it begins.

Comes in: the environment variable TF_CONFIG, TensorFlow's standard description of a cluster. Goes
out: who this process is and who the others are; what each says of itself, once all are there. Knows
nothing of TensorFlow, which takes minutes to complain of a worker that is absent, and names none.

    TF_CONFIG='{"cluster": {"worker": ["10.0.0.1:2222", "10.0.0.2:2222"]},
                "task": {"type": "worker", "index": 0}}'

A `chief`, if the cluster has one, is the first worker. Before TensorFlow opens the port of a worker
this module does, for a moment: whoever connects is told what this worker says of itself, one line
of JSON. When all have heard all, the ports are free again.
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from threading import Event, Lock, Thread
from typing import Any

from chatbot.errors import ChatbotError

VARIABLE = "TF_CONFIG"

_EXAMPLE = (
    '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, "task": {"type": "worker", "index": 0}}'
)
_POLL = 0.2
_MOST = 1 << 16


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
            addresses = [*hosts.get("chief", []), *hosts["worker"]]
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise _fault(f"cannot be understood ({error!r})") from error
        first = len(hosts.get("chief", []))
        if kind not in ("chief", "worker"):
            raise _fault(f"is that of a task of type {kind!r}; a run has workers and a chief")
        place = index + (first if kind == "worker" else 0)
        if not 0 <= index < len(hosts[kind]) or first > 1:
            raise _fault(f"has no {kind} {index}")
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
        others = (n for n in range(len(self.addresses)) if n != self.index)
        return [n for n in others if not _listens(self.addresses[n])]


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
        ChatbotError: some are not there in time, this one's address is not this machine's or in
            use, or the run is to stop.
    """
    with closing(_Door(cluster, said)) as door:
        heard = {cluster.index: dict(said)}
        began = time.monotonic()
        while len(heard) < len(cluster.addresses) or not door.all_came:
            absent = [n for n in range(len(cluster.addresses)) if n not in heard]
            for number in absent:
                if (answer := _ask(cluster, number)) is not None:
                    heard[number] = answer
            if reason := stop():
                raise ChatbotError(f"{reason} while waiting for other workers. Nothing was done.")
            if time.monotonic() - began > seconds:
                raise _too_late(cluster, absent or door.missing, seconds)
            told(absent)
            time.sleep(_POLL)
        return [heard[number] for number in range(len(cluster.addresses))]


def check_alike(cluster: Cluster, heard: Sequence[Mapping[str, Any]]) -> None:
    """Refuses workers that say other things of themselves than the chief.

    Raises:
        ChatbotError: one does; it names the worker and what is not the same.
    """
    first = heard[0]
    for number, other in enumerate(heard):
        for name in first:
            if other.get(name) != first[name]:
                raise ChatbotError(
                    f"{cluster.name(number)}: its {name} is {_short(other.get(name))}, that of "
                    f"{cluster.name(0)} {_short(first[name])}. All have to be the same."
                )


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False) if not isinstance(value, str) else value
    return text if len(text) <= 200 else f"{text[:200]}…"


def _too_late(cluster: Cluster, absent: Sequence[int], seconds: float) -> ChatbotError:
    names = ", ".join(map(cluster.name, absent))
    return ChatbotError(
        f"{names}: not there after {seconds:,.0f} seconds. Start the same command there, with its "
        f"own {VARIABLE}; ports have to be open between all workers."
    )


def _ask(cluster: Cluster, number: int) -> dict[str, Any] | None:
    """What a worker says of itself; None if it is not there."""
    try:
        with socket.create_connection(_split(cluster.addresses[number]), timeout=2) as line:
            line.sendall(f"{cluster.index}\n".encode())
            data = b""
            while not data.endswith(b"\n") and len(data) < _MOST:
                more = line.recv(_MOST)
                if not more:
                    return None
                data += more
            answer = json.loads(data)
    except (OSError, ValueError):
        return None
    return answer if isinstance(answer, dict) else None


class _Door:
    """Listens at this worker's port, and tells every other one what this one says of itself."""

    def __init__(self, cluster: Cluster, said: Mapping[str, Any]) -> None:
        self._cluster, self._answer = cluster, f"{json.dumps(said)}\n".encode()
        self._came: set[int] = set()
        self._lock, self._closed = Lock(), Event()
        host, port = _split(cluster.addresses[cluster.index])
        try:
            own = host in ("localhost", "127.0.0.1", "::1")
            self._listening = socket.create_server(("127.0.0.1" if own else "", port), backlog=256)
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
        """The workers that have not come yet."""
        with self._lock:
            came = {*self._came, self._cluster.index}
        return [n for n in range(len(self._cluster.addresses)) if n not in came]

    @property
    def all_came(self) -> bool:
        """Whether every other worker has been told."""
        return not self.missing

    def close(self) -> None:
        """Frees the port."""
        self._closed.set()
        self._thread.join()
        self._listening.close()

    def _serve(self) -> None:
        while not self._closed.is_set():
            with suppress(OSError, ValueError):
                line, _ = self._listening.accept()
                with line:
                    line.settimeout(2)
                    number = int(line.recv(16))
                    line.sendall(self._answer)
                    with self._lock:
                        self._came.add(number)
