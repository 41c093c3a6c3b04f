"""`chatbot train` as its user meets it: what it refuses, says, and leaves when it is stopped."""

import json
import os
import re
import signal

import pytest

from chatbot.cli.train import _Signals

STARTING = "starting TensorFlow …"
TINY = ("--units", "8", "--embedding", "8", "--precision", "float32", "--batch", "7")
AGAIN = "Build it anew: chatbot build-vocab --restart --model model."


def other_format(data):
    return data[:8] + bytes([data[8] + 1]) + data[9:]


def flipped(data):
    return data[:-3] + bytes([data[-3] ^ 8]) + data[-2:]


def other_byte_in_header(data):
    return data[:40] + bytes([data[40] ^ 1]) + data[41:]


DAMAGED = {
    "another format number": (other_format, "format 3, this version reads 2"),
    "truncated": (lambda data: data[:-5], "{less} bytes where {size} belong: truncated"),
    "cut in its header": (lambda data: data[:50], "damaged in its header"),
    "a changed header": (other_byte_in_header, "damaged in its header"),
    "a flipped byte": (flipped, "damaged: its tokens do not match their checksum"),
    "another file": (lambda data: b"q\tr\n" * 99, "not a token store"),
    "empty": (lambda data: b"", "not a token store"),
}
EVALUATE = pytest.param(("evaluate",), [], id="evaluate")
TRAIN = pytest.param(("train", "--steps", "2"), [STARTING], id="train")


@pytest.mark.parametrize(("command", "before"), [TRAIN, EVALUATE])
@pytest.mark.parametrize("case", DAMAGED)
def test_a_damaged_store_is_refused_and_left_as_it_is(
    built, main, refused, files_in, command, before, case
):
    damage, fault = DAMAGED[case]
    store = built / "model" / "pairs.store"
    whole = store.read_bytes()
    store.write_bytes(damage(whole))
    files = files_in(built)
    fault = fault.format(size=f"{len(whole):,}", less=f"{len(whole) - 5:,}")
    refused(main(*command, cwd=built), f"model/pairs.store: {fault}. {AGAIN}", before)
    assert files_in(built) == files


def test_nothing_built_is_refused(tmp_path, main, refused):
    refused(
        main("train", cwd=tmp_path),
        "model/vocabulary.txt: no vocabulary yet. Build it first: chatbot build-vocab "
        "--model model.",
        [STARTING],
    )
    assert list(tmp_path.iterdir()) == []


def test_a_model_folder_that_is_a_file_is_refused(tmp_path, main, refused):
    (tmp_path / "model").write_bytes(b"mine")
    refused(
        main("train", cwd=tmp_path),
        "--model model: is a file, a bot to talk to at best. Name the folder it was trained in.",
    )


def test_a_missing_store_and_a_changed_vocabulary_are_refused(built, main, refused, files_in):
    vocabulary, store = (built / "model" / name for name in ("vocabulary.txt", "pairs.store"))
    whole = vocabulary.read_bytes(), store.read_bytes()
    vocabulary.write_bytes(whole[0].replace("啊".encode(), "呀".encode()))
    refused(
        main("train", cwd=built),
        f"model/vocabulary.txt: damaged (truncated or changed). {AGAIN}",
        [STARTING],
    )
    vocabulary.write_bytes(whole[0])
    store.unlink()
    refused(
        main("train", cwd=built),
        "model/pairs.store: no token store yet. Build it first: chatbot build-vocab --model model.",
        [STARTING],
    )


def test_the_vocabulary_of_another_corpus_is_refused(built, main, refused, files_in):
    (built / "other.tsv").write_text("甲\t乙\n", "utf-8")
    assert main("build-vocab", "other.tsv", "--model", "other", cwd=built).code == 0
    (built / "other" / "vocabulary.txt").replace(built / "model" / "vocabulary.txt")
    files = files_in(built)
    refused(
        main("train", cwd=built),
        "model/pairs.store: belongs to another vocabulary than vocabulary.txt. Build both anew: "
        "chatbot build-vocab --restart --model model.",
        [STARTING],
    )
    assert files_in(built) == files


def test_a_setting_that_cannot_change_is_refused_and_nothing_is_touched(
    trained, main, refused, files_in
):
    files = files_in(trained)
    for option, value, began in (("--units", "9", "8"), ("--batch", "8", "7")):
        refused(
            main("train", option, value, cwd=trained),
            f"{option} {value}: begun with {began}, which cannot change. Leave the option "
            "out to go on, or begin anew with --restart.",
            [STARTING],
        )
    refused(
        main("train", "--learning-rate", "0.5", cwd=trained),
        "--learning-rate 0.5: begun with 0.015, which cannot change. Leave the option out to go "
        "on, change it with --set-learning-rate, or begin anew with --restart.",
        [STARTING],
    )
    assert files_in(trained) == files


def test_the_learning_rate_can_be_changed_on_purpose(trained, main):
    assert main("train", "--steps", "3", "--set-learning-rate", "0.5", cwd=trained).code == 0
    starts = [
        json.loads(line)
        for line in (trained / "model" / "history.jsonl").read_text("utf-8").splitlines()
        if '"start"' in line
    ]
    assert [one["training"]["learning_rate"] for one in starts] == [0.015, 0.5]
    assert main("train", "--set-learning-rate", "0", cwd=trained).code == 2


def progress(step):
    return (
        rf"step {step}: loss \d\.\d{{3}}, held-out \d\.\d{{3}}, rate [\d.e-]+, \d+ pairs/s, "
        rf"[\d,]+ tokens/s, peak [\d.]+ [MG]B, \d+ s, \d+ s left"
    )


def test_the_same_command_resumes_and_says_so_in_plain_lines(trained, main):
    done = main("train", "--steps", "3", *TINY, cwd=trained)
    assert (done.code, done.out) == (0, "")
    expected = [
        STARTING,
        "18 pairs to train on, 5 held out, vocabulary 55",
        r"matrix products in float32, 1 processor, about \d+ MB of memory",
        "resuming after step 2",
        progress(3),
        "step 3: saved step-3 in model/checkpoints",
        r"stopped at step 3 after \d+ s: all 3 steps done, loss \d\.\d{3}, held-out \d\.\d{3}",
        "now talk to it: chatbot chat --model model",
    ]
    said = done.err.splitlines()
    assert len(said) == len(expected)
    for line, pattern in zip(said, expected, strict=True):
        assert re.fullmatch(pattern, line)
    again = main("train", cwd=trained)  # the end is remembered, and reached
    assert again.code == 0
    assert "resuming after step 3" in again.err.splitlines()
    assert re.search(r"^stopped at step 3 after \d+ s: all 3 steps done", again.err, re.M)


def test_restart_begins_anew(trained, main):
    done = main("train", "--restart", "--steps", "1", *TINY[:4], "--batch", "9", cwd=trained)
    assert done.code == 0
    assert "resuming" not in done.err
    assert "stopped at step 1 " in done.err
    there = {path.name for path in (trained / "model" / "checkpoints").glob("*.index")}
    assert there == {"step-1.index"}


def test_a_cap_of_memory_that_cannot_be_kept_is_refused_with_one_that_can(built, main, refused):
    done = main("train", "--memory", "60MB", *TINY, cwd=built)
    least = int(re.search(r"--memory (\d+)MB or more", done.err)[1])
    assert 100 < least < 1_000
    refused(
        done,
        f"--memory 60MB: this training takes {least} MB at the least, in steps of 1 part. Give "
        f"--memory {least}MB or more, or take fewer --units, or a smaller vocabulary (build-vocab "
        "--max-size).",
        [STARTING],
    )
    assert not (built / "model" / "history.jsonl").exists()


def test_a_cap_that_can_be_kept_is_told_with_the_parts_of_a_step(built, main):
    done = main("train", "--memory", "2GB", "--steps", "1", *TINY, cwd=built)
    assert done.code == 0
    assert "MB of memory; a step in 1 part, to stay under 2GB" in done.err
    assert "stopped at step 1 " in done.err


VECTORS = "5 3\n啊 1 2 3\n问 0 0 1\n答 1 0\n的 1 1 1\n题 1 0 0\n"


def test_what_word_vectors_cover_is_said_once_and_they_are_not_needed_again(built, main, refused):
    (built / "zh.vec").write_text(VECTORS, "utf-8")
    size = ("--units", "8", "--precision", "float32", "--batch", "7")
    done = main(
        "train", "--steps", "1", "--vectors", "zh.vec", "--freeze-vectors", *size, cwd=built
    )
    assert done.code == 0
    assert done.err.splitlines()[3:4] == [
        "vectors: 3 of 51 entries (5.9 %), 46.2 % of the running words, width 3; 1 line of "
        "another width left out",
    ]
    (built / "zh.vec").unlink()
    again = main("train", "--steps", "2", cwd=built)
    assert again.code == 0
    assert "vectors:" not in again.err
    refused(
        main("train", "--no-freeze-vectors", cwd=built),
        "--freeze-vectors False: begun with True, which cannot change. Leave the option "
        "out to go on, or begin anew with --restart.",
        [STARTING],
    )


def test_word_vectors_that_do_not_fit_are_refused_and_nothing_is_written(
    built, main, refused, files_in
):
    (built / "zh.vec").write_text(VECTORS, "utf-8")
    (built / "en.vec").write_text("hello 1 2\n", "utf-8")
    files = files_in(built)
    for arguments, line in (
        (
            ("--vectors", "zh.vec", "--embedding", "8"),
            "--embedding 8: the vectors in zh.vec have width 3. Leave the option out, or name "
            "vectors of that width.",
        ),
        (
            ("--vectors", "en.vec"),
            "en.vec: no vector of width 2 for any entry of the vocabulary. Name a file of word "
            "vectors in the language of the corpus, in UTF-8.",
        ),
        (
            ("--freeze-vectors",),
            "--freeze-vectors: nothing to freeze. Name a file with --vectors.",
        ),
    ):
        refused(main("train", *arguments, cwd=built), line, [STARTING])
        assert files_in(built) == files


# Signals.


def test_the_first_signal_is_noted_and_the_second_interrupts():
    for number, reason in ((signal.SIGINT, "interrupted"), (signal.SIGTERM, "terminated")):
        before = [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)]
        signals = _Signals()
        with signals.caught():
            assert signals.reason() is None
            os.kill(os.getpid(), number)
            assert signals.reason() == reason
            with pytest.raises(KeyboardInterrupt):
                os.kill(os.getpid(), signal.SIGINT)
            assert signals.number == number
        assert [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)] == before


def stopped(process, number):
    """The lines a run has said when it has been signalled at its first step, and how it left."""
    said = []
    for line in process.stderr:
        said.append(line.decode().rstrip("\n"))
        if said[-1].startswith("step "):
            break
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    return said, process.returncode, out, err.decode().splitlines()


def test_ctrl_c_twice_leaves_at_once_with_the_last_checkpoint(built, start, main):
    """The second is SIGTERM here: two of one kind are one to a process that is stopped."""
    long = ("--batch", "7", "--save-every", "2", "--validate-every", "1000000", "--threads", "1")
    process = start("train", "--steps", "1000000", *TINY, *long, cwd=built)
    for line in process.stderr:
        if b"saved step-4 " in line:
            break
    os.kill(process.pid, signal.SIGSTOP)  # both wait for it when it goes on
    os.kill(process.pid, signal.SIGINT)
    os.kill(process.pid, signal.SIGTERM)
    os.kill(process.pid, signal.SIGCONT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, b"")
    assert b"Traceback" not in err
    assert b"stopped at step" not in err
    done = main("train", "--steps", "9", cwd=built)
    assert done.code == 0
    (resumed,) = [line for line in done.err.splitlines() if line.startswith("resuming after step")]
    assert int(resumed.split()[-1].replace(",", "")) >= 4


def test_a_signal_saves_and_the_same_command_goes_on_from_there(built, start, main):
    command, reached = ("train", "--steps", "1000000", *TINY), 0
    signals = (
        (signal.SIGINT, 130, "interrupted"),
        (signal.SIGTERM, 143, "terminated"),
        (signal.SIGHUP, 129, "the terminal was closed"),
    )
    for number, code, reason in signals:
        said, left, out, err = stopped(start(*command, cwd=built), number)
        assert (left, out) == (code, b"")
        assert said[0] == STARTING
        resumed = [line for line in said if line.startswith("resuming")]
        assert resumed == ([f"resuming after step {reached:,}"] if reached else [])
        assert said[-1].startswith(f"step {reached + 1:,}: loss ")
        end = [re.match(r"stopped at step ([\d,]+) after \d+ s: ([^,]+), ", line) for line in err]
        ((step, why),) = [match.groups() for match in end if match]
        assert why == reason
        assert f"step {step}: saved step-{step.replace(',', '')} in model/checkpoints" in err
        assert int(step.replace(",", "")) > reached
        reached = int(step.replace(",", ""))
    done = main("train", "--steps", str(reached), cwd=built)
    assert done.code == 0
    assert f"resuming after step {reached:,}" in done.err.splitlines()


def test_a_damaged_checkpoint_is_named_and_the_one_before_is_used(trained, main):
    assert main("train", "--steps", "3", cwd=trained).code == 0
    (trained / "model" / "checkpoints" / "step-3.index").write_bytes(b"no checkpoint")
    done = main("train", "--steps", "4", cwd=trained)
    lines = done.err.splitlines()
    assert done.code == 0
    assert "resuming after step 2" in lines
    (told,) = [line for line in lines if "damaged" in line]
    assert re.fullmatch(r"model/checkpoints/step-3: damaged checkpoint \(.+\), not used", told)


def test_a_second_train_on_a_folder_is_refused_and_the_first_goes_on(built, start, main, refused):
    first = start("train", "--steps", "1000000", *TINY, cwd=built)
    for line in first.stderr:
        if line.startswith(b"step "):
            break
    line = (
        "model: another build-vocab or train is writing here. Wait until it has ended, or choose "
        "another folder with --model."
    )
    refused(main("train", "--restart", *TINY, cwd=built), line, [STARTING])
    done = main("build-vocab", "--tokenizer", "char", cwd=built)
    assert done.code == 1
    assert done.err.splitlines()[-1] == f"Error: {line}"
    first.send_signal(signal.SIGINT)
    assert first.wait(60) == 130
    assert main("train", "--steps", "1", cwd=built).code == 0


def test_training_goes_on_when_nobody_reads_what_it_says(built, start):
    process = start("train", "--steps", "40", *TINY, cwd=built)
    process.stderr.readline()
    process.stderr.close()
    assert process.wait(60) == 0
    assert (built / "model" / "checkpoints" / "step-40.index").exists()


def test_a_hangup_that_nohup_ignores_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        signals = _Signals()
        with signals.caught():
            os.kill(os.getpid(), signal.SIGHUP)
            assert signals.reason() is None
    finally:
        signal.signal(signal.SIGHUP, before)
