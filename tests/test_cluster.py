"""TF_CONFIG in; who is who, and what all say of themselves, out."""

import itertools
import json
import socket
import threading
import time
from contextlib import closing, suppress

import pytest

from chatbot.cluster import Cluster, Stopped, check_alike, meet
from chatbot.errors import ChatbotError


def ports(count):
    """Ports of this machine that are free now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    found = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return found


def cluster_of(count):
    """The same cluster as every one of its workers sees it."""
    addresses = tuple(f"127.0.0.1:{port}" for port in ports(count))
    return [Cluster(addresses, index) for index in range(count)]


def port_of(cluster):
    """The port of the worker that this one is."""
    return int(cluster.addresses[cluster.index].rpartition(":")[2])


def environment(cluster, kind="worker", index=0):
    return {"TF_CONFIG": json.dumps({"cluster": cluster, "task": {"type": kind, "index": index}})}


def test_workers_are_in_the_order_of_the_cluster():
    found = Cluster.of(environment({"worker": ["a:1", "b:2"]}, index=1))
    assert (found.addresses, found.index, found.chief) == (("a:1", "b:2"), 1, False)
    assert found.name(0) == "worker 0 (a:1)"


def test_a_chief_is_the_first_worker():
    hosts = {"chief": ["c:9"], "worker": ["a:1", "b:2"]}
    assert Cluster.of(environment(hosts, "chief")).chief
    found = Cluster.of(environment(hosts, index=1))
    assert (found.addresses, found.index) == (("c:9", "a:1", "b:2"), 2)


def test_other_kinds_of_tasks_in_the_cluster_are_no_workers():
    hosts = {"worker": ["a:1"], "ps": ["p:1"], "evaluator": ["e:1"]}
    assert Cluster.of(environment(hosts)).addresses == ("a:1",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "is not set"),
        ("", "is not set"),
        ("{", "cannot be understood"),
        ("[]", "cannot be understood"),
        ("{}", "cannot be understood"),
        ('{"cluster": {"worker": ["a:1"]}}', "cannot be understood"),
        ('{"cluster": {"ps": ["a:1"]}, "task": {"type": "worker", "index": 0}}', "cannot be"),
        (environment({"worker": ["a:1"]}, index=1), "has no worker 1"),
        (environment({"worker": ["a:1"]}, index=-1), "has no worker -1"),
        (environment({"worker": ["a:1"]}, "ps"), "is that of a task of type 'ps'"),
        (environment({"worker": ["a:1"]}, "evaluator"), "is that of a task of type 'evaluator'"),
        (environment({"worker": ["a"]}), "has the address 'a', which is not HOST:PORT"),
        (environment({"worker": ["a:x"]}), "has the address 'a:x'"),
        (environment({"worker": ["a:70000"]}), "has the address 'a:70000'"),
        (environment({"worker": [":1"]}), "has the address ':1'"),
        (environment({"worker": ["a:1", "a:1"]}), "names one address twice"),
        (environment({"worker": ["a:1"]}, "chief"), "has no chief 0"),
        (environment({"worker": [["a:1"]]}), "has the address"),
        (environment({"worker": 3}), "cannot be understood"),
    ],
)
def test_what_does_not_say_who_is_who_is_refused_in_one_line(text, said):
    given = text if isinstance(text, dict) else {} if text is None else {"TF_CONFIG": text}
    with pytest.raises(ChatbotError) as caught:
        Cluster.of(given)
    assert str(caught.value).startswith(f"TF_CONFIG {said}")
    assert "\n" not in str(caught.value)
    assert "Give every worker the same cluster and its own index" in str(caught.value)


def gathered(clusters, said, seconds=20.0):
    """What every worker hears, or the error it meets; all at the same time."""
    found = [None] * len(clusters)

    def one(index):
        try:
            found[index] = meet(clusters[index], said[index], seconds)
        except ChatbotError as error:
            found[index] = error

    threads = [threading.Thread(target=one, args=(index,)) for index in range(len(clusters))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


@pytest.mark.parametrize("count", [1, 2, 5])
def test_all_hear_what_all_say_and_free_their_ports(count):
    clusters = cluster_of(count)
    said = [{"store": "s", "number": index, "text": "你好" * 100} for index in range(count)]
    assert gathered(clusters, said) == [said] * count
    for cluster in clusters:
        port = int(cluster.addresses[cluster.index].rpartition(":")[2])
        socket.create_server(("127.0.0.1", port)).close()


def test_a_worker_that_comes_late_is_waited_for():
    clusters = cluster_of(2)
    told, found = [], []
    late = threading.Timer(1.0, lambda: found.append(meet(clusters[1], {"a": 1}, 20)))
    late.start()
    assert meet(clusters[0], {"a": 0}, 20, told=told.append) == [{"a": 0}, {"a": 1}]
    late.join()
    assert [1] in told
    assert told[-1] == [] or told[-1] == [1]


def test_a_worker_that_does_not_come_is_named():
    clusters = cluster_of(3)
    found = gathered(clusters[:2], [{}, {}], seconds=1.5)
    for error in found:
        assert str(error).startswith(f"{clusters[0].name(2)}: not there after 2 seconds. Start")


def test_what_listens_there_but_is_no_worker_is_not_there():
    clusters = cluster_of(2)
    host, _, port = clusters[0].addresses[1].rpartition(":")

    def answer(listening):
        """Answers whoever comes as other servers would, until it is closed."""
        with suppress(OSError):
            for said in itertools.cycle((b"HTTP/1.1 400 Bad Request\r\n\r\n", b"0\n", b"[1]\n")):
                line, _ = listening.accept()
                with line:
                    line.sendall(said)

    with socket.create_server((host, int(port))) as other:
        thread = threading.Thread(target=answer, args=(other,))
        thread.start()
        with pytest.raises(ChatbotError, match="not there after"):
            meet(clusters[0], {}, 1.0)
        other.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_a_port_in_use_is_told():
    (cluster,) = cluster_of(1)
    host, _, port = cluster.addresses[0].rpartition(":")
    taken = pytest.raises(ChatbotError, match=f"its port {port} cannot be opened")
    with closing(socket.create_server((host, int(port)))), taken:
        meet(cluster, {}, 1.0)


def test_waiting_can_be_stopped():
    clusters = cluster_of(2)
    with pytest.raises(Stopped, match="interrupted while waiting for other workers"):
        meet(clusters[0], {}, 60.0, stop=lambda: "interrupted")


def test_a_worker_with_the_number_of_another_is_told_at_once():
    first, second = cluster_of(2)
    with socket.create_server(("127.0.0.1", port_of(second))) as listening:

        def takes_itself_for_worker_0():
            """Listens at the port of worker 1, as where both were given one index."""
            line, _ = listening.accept()
            with line, line.makefile("rwb") as file:
                for answer in (b"[0, {}]\n", b"heard\n"):
                    file.readline()
                    file.write(answer)
                    file.flush()

        thread = threading.Thread(target=takes_itself_for_worker_0)
        thread.start()
        with pytest.raises(ChatbotError) as caught:
            meet(first, {}, 20)
        thread.join()
    assert str(caught.value) == (
        f"{first.name(1)}: says that it is worker 0. Give every worker its own index in TF_CONFIG."
    )


def test_a_worker_that_goes_away_before_it_has_heard_is_waited_for():
    first, second = cluster_of(2)
    found = []
    thread = threading.Thread(target=lambda: found.extend(gathered([first], [{"a": 0}])))
    thread.start()
    until = time.monotonic() + 10
    while time.monotonic() < until:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port_of(first)), 1) as line:
            line.sendall(b"1\n")
            assert line.recv(1 << 16).startswith(b"[0, ")
            break  # and never says that it was heard
    assert meet(second, {"a": 1}, 20) == [{"a": 0}, {"a": 1}]
    thread.join()
    assert found == [[{"a": 0}, {"a": 1}]]


@pytest.mark.parametrize("host", ["[::1]", "localhost"])
def test_other_names_of_this_machine_do(host):
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("no IPv6 here")
    addresses = tuple(f"{host}:{port}" for port in ports(2))
    clusters = [Cluster(addresses, index) for index in (0, 1)]
    assert gathered(clusters, [{"a": 0}, {"a": 1}]) == [[{"a": 0}, {"a": 1}]] * 2


def test_silent_workers_are_found():
    clusters = cluster_of(3)
    port = int(clusters[0].addresses[1].rpartition(":")[2])
    with closing(socket.create_server(("127.0.0.1", port))):
        assert clusters[0].silent() == [2]


@pytest.mark.parametrize("name", ["store", "settings"])
def test_a_worker_that_is_about_to_do_something_else_is_named(name):
    clusters = cluster_of(2)
    same = {"store": "s", "settings": {"batch": 10}}
    check_alike(clusters[0], [same, same])
    with pytest.raises(ChatbotError) as caught:
        check_alike(clusters[0], [same, {**same, name: "other"}])
    assert str(caught.value) == (
        f"{clusters[0].name(1)}: its {name} is other, that of {clusters[0].name(0)} "
        + ("s" if name == "store" else '{"batch": 10}')
        + ". All have to be the same."
    )
