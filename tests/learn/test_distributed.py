"""Several processes train as one: real ones, on loopback, killed for real."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest

from chatbot.learn.bundle import Bundle
from chatbot.learn.saved import saved
from tests.learn import slow_line
from tests.learn.slow_line import ADDRESSES

EXACT = ("--dropout", "0", "--word-dropout", "0", "--precision", "float32")
SMALL = ("--units", "24", "--embedding", "20", "--batch", "60", "--threads", "1")
WAIT = ("--wait", "60")


def addresses(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    found = [f"127.0.0.1:{one.getsockname()[1]}" for one in sockets]
    for one in sockets:
        one.close()
    return found


STARTED = []
"""Every process of every test, to be ended with it."""


@pytest.fixture(autouse=True)
def nothing_goes_on():
    yield
    for process in STARTED:
        process.kill()
        process.wait()
    STARTED.clear()


class Workers:
    """The workers of one run, each with a folder of its own."""

    def __init__(self, folders, *options, each=(), line=None):
        self.folders = folders
        self.addresses = line.addresses if line else addresses(len(folders))
        more = list(each) or [()] * len(folders)
        self.processes = []
        for index, (folder, own) in enumerate(zip(folders, more, strict=True)):
            command = [sys.executable, "-m", "chatbot", "train", "--model", str(folder)]
            command += ["--distribute", "multi-worker", *WAIT, *options, *own]
            if line:
                command = ["ip", "netns", "exec", line.namespaces[index], *command]
            with (folder / f"said-{index}").open("w") as said:
                process = subprocess.Popen(
                    command,
                    env={**os.environ, "TF_CONFIG": self.config(index)},
                    stdout=said,
                    stderr=said,
                    stdin=subprocess.DEVNULL,
                )
            self.processes.append(process)
        STARTED.extend(self.processes)

    def config(self, index):
        task = {"type": "worker", "index": index}
        return json.dumps({"cluster": {"worker": self.addresses}, "task": task})

    def said(self, index):
        return (self.folders[index] / f"said-{index}").read_text("utf-8")

    def codes(self, seconds=120):
        """Exit codes, when all have ended."""
        until = time.monotonic() + seconds
        try:
            return [one.wait(max(0.1, until - time.monotonic())) for one in self.processes]
        finally:
            for one in self.processes:
                one.kill()

    def wait_for_step(self, step, seconds=60):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if any(one["step"] >= step for one in history(self.folders[0])):
                return
            time.sleep(0.1)
        raise AssertionError(self.said(0))


def history(folder):
    path = folder / "history.jsonl"
    return (
        [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []
    )


def weights(folder):
    bundle = Bundle(saved(folder / "checkpoints")[-1])
    return {name: bundle.array(stored) for name, stored in bundle.variables("model").items()}


def losses(folder):
    return [one["heldout_loss"] for one in history(folder) if one["kind"] == "validation"]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A folder with a vocabulary and a store of 700 pairs, 80 of them held out."""
    folder = tmp_path_factory.mktemp("distributed")
    rng = np.random.default_rng(1)
    letters = "天地人你我他上下左右大小多少来去"
    said = ["".join(rng.choice(list(letters), rng.integers(1, 9))) for _ in range(1400)]
    pairs = "".join(f"{q}\t{r}\n" for q, r in zip(said[::2], said[1::2], strict=True))
    (folder / "talk.tsv").write_text(pairs, "utf-8")
    build = ["build-vocab", "talk.tsv", "--tokenizer", "char", "--holdout", "80"]
    subprocess.run([sys.executable, "-m", "chatbot", *build], cwd=folder, check=True)
    return folder / "model"


def copies(built, to, count, name="w"):
    """Folders that have nothing but the vocabulary and the store."""
    found = [to / f"{name}{index}" for index in range(count)]
    for folder in found:
        folder.mkdir()
        for file in ("vocabulary.txt", "pairs.store"):
            shutil.copyfile(built / file, folder / file)
    return found


@pytest.fixture
def folders(built, tmp_path):
    """(number, name) -> so many of them."""
    return lambda count, name="w": copies(built, tmp_path, count, name)


def alone(folder, *options):
    command = [sys.executable, "-m", "chatbot", "train", "--model", str(folder), *options]
    return subprocess.run(command, capture_output=True, text=True)


def test_several_workers_do_what_one_does(folders):
    options = ("--steps", "50", "--validate-every", "20", *SMALL, *EXACT)
    (one,) = folders(1, "one")
    assert alone(one, *options).returncode == 0
    expected = weights(one)
    for count in (1, 2, 3):
        found = folders(count, f"of {count} ")
        # More parts at a time in one of them change nothing but the rounding of sums.
        workers = Workers(found, *options, each=[("--threads", "2"), (), ()][:count])
        assert workers.codes() == [0] * count, workers.said(0)
        assert "the chief of" in workers.said(0)
        for index in range(1, count):  # only the chief writes
            assert "shows and writes what becomes of the run" in workers.said(index)
            names = {path.name for path in found[index].iterdir()}
            assert names == {"vocabulary.txt", "pairs.store", f"said-{index}"}
        np.testing.assert_allclose(losses(found[0]), losses(one), rtol=1e-5)
        for name, value in weights(found[0]).items():
            np.testing.assert_allclose(value, expected[name], atol=2e-5, err_msg=name)


def test_fewer_pairs_than_workers_of_common_words_and_one_folder_for_all_do(tmp_path):
    """Most steps touch no entry but those that all steps do, and a worker has no pair at all."""
    rare = [chr(0x4E00 + n) for n in range(5_000)]
    lines = [f"{''.join(rare[n : n + 50])}\t天\n" for n in range(0, 5_000, 50)]
    lines += [f"天地人{'你我他'[n % 3]}\t上下{'左右'[n % 2]}\n" for n in range(2_000)]
    (tmp_path / "talk.tsv").write_text("".join(lines), "utf-8")
    build = ["build-vocab", "talk.tsv", "--tokenizer", "char", "--min-freq", "1"]
    subprocess.run([sys.executable, "-m", "chatbot", *build], cwd=tmp_path, check=True)
    one, shared = copies(tmp_path / "model", tmp_path, 2)
    options = ("--steps", "6", *SMALL, *EXACT, "--batch", "2", "--ngrams", "0")
    assert alone(one, *options).returncode == 0
    workers = Workers([shared] * 3, *options)
    assert workers.codes() == [0, 0, 0], workers.said(0)
    for name, value in weights(shared).items():
        np.testing.assert_allclose(value, weights(one)[name], atol=2e-5, err_msg=name)


KILLED = ("--steps", "60", "--save-every", "15", *SMALL)


@pytest.fixture(scope="module")
def unharmed(built, tmp_path_factory):
    """The chief's folder of two workers that nobody kills."""
    found = copies(built, tmp_path_factory.mktemp("unharmed"), 2)
    assert Workers(found, *KILLED).codes() == [0, 0]
    return found[0]


def test_a_worker_that_is_killed_is_named_and_the_same_command_goes_on(folders, unharmed):
    found = folders(2)
    for killed, step in ((1, 16), (0, 34)):
        workers = Workers(found, *KILLED)
        workers.wait_for_step(step)
        workers.processes[killed].kill()
        codes = workers.codes()
        assert codes[killed] == -signal.SIGKILL
        assert codes[1 - killed] == 1, workers.said(1 - killed)
        last = workers.said(1 - killed).splitlines()[-1]
        assert f"worker {killed} ({workers.addresses[killed]}): gone" in last
    again = Workers(found, *KILLED)
    assert again.codes() == [0, 0], again.said(0)
    assert "resuming after step" in again.said(0)
    for name, value in weights(found[0]).items():
        np.testing.assert_array_equal(value, weights(unharmed)[name], err_msg=name)


def test_options_of_a_run_hold_for_all_workers(folders, unharmed):
    found = folders(2)
    shutil.rmtree(found[0])
    shutil.copytree(unharmed, found[0])
    more = ("--set-learning-rate", "0.001", "--average", "2")
    assert Workers(found, *KILLED, "--steps", "70", *more).codes() == [0, 0]
    assert history(found[0])[-1]["step"] == 70
    assert [one for one in history(found[0]) if one["kind"] == "average"]
    assert Workers(found, *KILLED, "--steps", "6", "--restart").codes() == [0, 0]
    assert history(found[0])[-1]["step"] == 6


def test_a_worker_that_is_told_to_stop_stops_all_after_saving(folders):
    found, asked = folders(2), 1
    workers = Workers(found, "--steps", "5000", *SMALL)
    workers.wait_for_step(10)
    workers.processes[asked].send_signal(signal.SIGTERM)
    assert workers.codes(60) == [143, 143]
    last = history(found[0])[-1]
    assert (last["kind"], last["note"]) == ("stop", "terminated")
    assert saved(found[0] / "checkpoints")[-1].name == f"step-{last['step']}"


def test_a_worker_with_another_store_is_named_before_the_first_step(folders, tmp_path):
    found = folders(2)
    (tmp_path / "other.tsv").write_text("天地\t人你\n" * 3 + "我\t他\n" * 3, "utf-8")
    shutil.rmtree(found[1])
    build = ["build-vocab", "other.tsv", "--tokenizer", "char", "--model", str(found[1])]
    subprocess.run([sys.executable, "-m", "chatbot", *build], cwd=tmp_path, check=True)
    workers = Workers(found, "--steps", "4", *SMALL)
    assert workers.codes() == [1, 1]
    for index in (0, 1):
        last = workers.said(index).splitlines()[-1]
        assert f"worker 1 ({workers.addresses[1]}): its vocabulary is" in last
    assert not history(found[0])


def test_a_worker_with_other_settings_is_named_before_the_first_step(folders):
    found = folders(2)
    workers = Workers(found, "--steps", "4", *SMALL, each=[(), ("--clip", "2")])
    assert workers.codes() == [1, 1]
    one, other = (f"worker {n} ({workers.addresses[n]})" for n in (0, 1))
    assert f"{other}: its --clip is 2.0, that of {one} not given. All have" in workers.said(0)


def test_a_worker_that_cannot_keep_its_cap_is_named(folders):
    found = folders(2)
    workers = Workers(found, "--steps", "4", *SMALL, each=[(), ("--memory", "10MB")])
    assert workers.codes() == [1, 1]
    assert "--memory 10MB" in workers.said(1).splitlines()[-1]
    last = workers.said(0).splitlines()[-1]
    assert f"worker 1 ({workers.addresses[1]}): cannot train. Look at what it says there." in last


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_worker_that_waits_for_others_ends_as_it_is_told(folders, number, code):
    (found,) = folders(1)
    workers = Workers([found, found], "--steps", "4", *SMALL, each=[(), ("--help",)])
    until = time.monotonic() + 60
    while "waiting for worker 1" not in workers.said(0) and time.monotonic() < until:
        time.sleep(0.1)
    workers.processes[0].send_signal(number)
    assert workers.codes(20) == [code, 0]
    assert "while waiting for other workers; nothing was done" in workers.said(0)


def test_a_worker_that_is_absent_is_named(folders):
    found = folders(2)
    workers = Workers(found, "--steps", "4", *SMALL, each=[("--wait", "5"), ("--help",)])
    assert workers.codes() == [1, 0]
    assert f"waiting for worker 1 ({workers.addresses[1]})" in workers.said(0)
    last = workers.said(0).splitlines()[-1]
    assert f"worker 1 ({workers.addresses[1]}): not there after 5 seconds" in last


class Line:
    """Two network namespaces, and a line between them on which a packet takes 5 ms."""

    def __init__(self):
        self.namespaces = [f"chatbot-{os.getpid()}-{n}" for n in (1, 2)]
        self.addresses = [f"{address}:2222" for address in ADDRESSES]
        command = [sys.executable, slow_line.__file__, *self.namespaces, "5"]
        self.carrier = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.ready = self.carrier.stdout.readline() == b"ready\n"

    def cut(self):
        self.carrier.send_signal(signal.SIGSTOP)

    def mend(self):
        self.carrier.send_signal(signal.SIGCONT)

    def close(self):
        self.carrier.kill()
        self.carrier.communicate()
        for name in self.namespaces:
            subprocess.run(["ip", "netns", "del", name], capture_output=True)


@pytest.fixture
def line():
    if sys.platform != "linux" or os.geteuid() or not shutil.which("ip"):
        pytest.skip("network namespaces need Linux, root and ip")
    with contextlib.closing(Line()) as found:
        if not found.ready:
            pytest.skip("no network namespaces here")
        yield found


def test_workers_name_each_other_when_a_slow_line_is_cut_and_go_on_when_it_is_mended(
    folders, unharmed, line
):
    found = folders(2)
    workers = Workers(found, *KILLED, line=line)
    workers.wait_for_step(20)
    line.cut()
    assert workers.codes(150) == [1, 1], workers.said(0)
    for index in (0, 1):
        last = workers.said(index).splitlines()[-1]
        assert f"worker {1 - index} ({workers.addresses[1 - index]}): gone" in last
    line.mend()
    assert Workers(found, *KILLED, line=line).codes() == [0, 0]
    for name, value in weights(found[0]).items():
        np.testing.assert_array_equal(value, weights(unharmed)[name], err_msg=name)


MIRRORED = """
import sys
from pathlib import Path
from chatbot.learn.tf import tf
cpu = tf.config.list_physical_devices("CPU")[0]
count = int(sys.argv[2])
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * count)
from chatbot.folder import ModelFolder
from chatbot.learn.joining import Joining
from chatbot.learn.preparing import prepare
training = dict(steps=12, batch=60, dropout=0.0, word_dropout=0.0, precision="float32")
folder, model = ModelFolder(Path(sys.argv[1])), dict(units=24, embedding=20)
training["validate_every"] = 10
run = prepare(folder, model, training, joining=Joining("mirrored"))
assert len(run.engine.team.devices) == count
for record in run.records():
    pass
"""


def test_several_devices_do_what_one_does(folders):
    made = folders(2, "devices")
    for count, folder in zip((1, 2), made, strict=True):
        command = [sys.executable, "-c", MIRRORED, str(folder), str(count)]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    expected = weights(made[0])
    for folder in made[1:]:
        np.testing.assert_allclose(losses(folder), losses(made[0]), rtol=1e-5)
        for name, value in weights(folder).items():
            np.testing.assert_allclose(value, expected[name], atol=2e-5, err_msg=name)
