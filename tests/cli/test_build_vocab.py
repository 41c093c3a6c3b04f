"""`chatbot build-vocab` as its user meets it."""

import gzip
import os
import re
import shutil
import signal
import time

import psutil
import pytest

from chatbot.corpus.store import TokenStore
from chatbot.corpus.vocabulary import Vocabulary

CHAR = ("build-vocab", "--tokenizer", "char")
SAME = (*CHAR, "--holdout", "5")
"""How the fixtures `built` and `trained` were built."""

PACKED = gzip.compress("".join(f"q{i}\t{i * i}\n" for i in range(99)).encode(), mtime=0)
PICTURE = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)) * 9

PAIRED = "paired files (its name and the one beside it are those of paired files)"


def tab(name, lines, of=None):
    """The line that says what a file of TAB-separated lines was taken for."""
    return (
        f"{name}: TAB-separated lines ({lines} of {of or lines} lines have one TAB between texts)"
    )


BAD = {
    "no such file": (
        {},
        ["gone.tsv"],
        [],
        "gone.tsv: no such file or folder. Name a file of conversations, or put one in data/.",
    ),
    "an empty file": (
        {"empty.tsv": b""},
        ["empty.tsv"],
        [],
        "empty.tsv: empty file. Put conversations in it, or remove it.",
    ),
    "blank lines only": (
        {"empty.tsv": b"\n \n\r\n"},
        ["empty.tsv"],
        [],
        "empty.tsv: empty file. Put conversations in it, or remove it.",
    ),
    "binary data": (
        {"picture.tsv": PICTURE},
        ["picture.tsv"],
        [],
        "picture.tsv: binary data. Name text files only, plain or compressed.",
    ),
    "binary data behind some text": (
        {"picture.tsv": b"q\tr\n" * 3 + PICTURE},
        ["picture.tsv"],
        [],
        "picture.tsv: binary data. Name text files only, plain or compressed.",
    ),
    "another encoding than the one named": (
        {"old.tsv": "你好\t早\n".encode("gb18030")},
        ["old.tsv", "--encoding", "utf-8"],
        [],
        "old.tsv: not utf-8 for the most part. Leave --encoding out, or name another.",
    ),
    "another format than the one named": (
        {"few.tsv": b"a\tb\n"},
        ["few.tsv", "--format", "json-lists"],
        ["few.tsv: JSON lists of texts (--format json-lists says so)"],
        "few.tsv: read as JSON lists of texts, but not one line gives a pair (1 not JSON). See "
        "docs/formats.md.",
    ),
    "paired files that differ in length": (
        {"talk.enc": b"a\nb\nc\n", "talk.dec": b"x\ny\n"},
        ["talk.enc"],
        [f"talk.enc: {PAIRED}"],
        "talk.enc: 3 lines, but talk.dec has 2. Line i of one must answer line i of the other; "
        "mend the files.",
    ),
    "paired files with more replies": (
        {"post.txt": b"a\n", "response.txt": b"x\ny\nz\n"},
        ["response.txt"],
        [f"post.txt: {PAIRED}"],
        "post.txt: 1 lines, but response.txt has 3. Line i of one must answer line i of the "
        "other; mend the files.",
    ),
    "a wrong number of fields everywhere": (
        {"three.tsv": b"a\tb\tc\nd\te\tf\n"},
        ["three.tsv"],
        [],
        "three.tsv: a table, but which of its 3 columns are question and reply is not known; the "
        "first row reads a, b, c. Say it with two numbers or names, e.g. --columns 1,2, or if all "
        "but the first are replies --format answers.",
    ),
    "no separator": (
        {"prose.txt": "很久很久以前\n有一个人\n".encode()},
        ["prose.txt"],
        [],
        "prose.txt: may be in 2 formats. Say which: alternating lines (2 lines and no blank one "
        "among them, read as question, reply, question, reply): --format alternating; blocks of "
        "lines (2 lines and no blank one among them, each read as the reply to the one before): "
        "--format blocks.",
    ),
    "conversations of one turn": (
        {"short.conv": b"E\nM a\nE\nM b\n"},
        ["short.conv"],
        ["short.conv: E/M conversations (4 of 4 lines are E alone or begin with M)"],
        "short.conv: read as E/M conversations, but not one line gives a pair (2 conversation of "
        "one turn). See docs/formats.md.",
    ),
    "a truncated .gz": (
        {"talk.tsv.gz": PACKED[:-12]},
        ["talk.tsv.gz"],
        [],
        "talk.tsv.gz: cannot be read (cut off: compressed data ends after 404 bytes). Check the "
        "file.",
    ),
    "a damaged .gz that is not called so": (
        {"talk.tsv": PACKED[:40] + bytes(99) + PACKED[139:]},
        ["talk.tsv"],
        [],
        "talk.tsv: cannot be read (damaged within the first 416 bytes of compressed data: Error -3 "
        "while decompressing data: incorrect data check). Check the file.",
    ),
    "an endless line": (
        {"long.tsv": b"q\tr\n" + b"x" * (1 << 24) + b"\ty\n"},
        ["long.tsv"],
        [tab("long.tsv", 1)],
        "long.tsv:2: line over 16 MiB. Give one utterance or pair a line.",
    ),
    "all pairs held out": (
        {"few.tsv": b"a\tb\nc\td\n"},
        ["few.tsv", "--holdout", "2"],
        [tab("few.tsv", 2), "reading: 2 pairs"],
        "--holdout: holds out all 2 pairs. Leave some to train on.",
    ),
    "all pairs left out": (
        {"few.tsv": b"a\ta\nc\tc\n"},
        ["few.tsv", "--drop-echoes"],
        [tab("few.tsv", 2), "reading: 0 pairs"],
        "cleaning: not one pair is left (2 reply equals question). Ask for less of it.",
    ),
    "a cut-off that no word reaches": (
        {"few.tsv": b"a\tb\nc\td\n"},
        ["few.tsv", "--min-freq", "2"],
        [tab("few.tsv", 2), "reading: 2 pairs"],
        "--min-freq: not one word is seen 2 times. Give a lower one: --min-freq 1.",
    ),
    "a cut-off of its own that no word reaches": (
        {"few.tsv": b"a\tb\nc\td\n"},
        ["few.tsv", "--rare", "unk"],
        [tab("few.tsv", 2), "reading: 2 pairs"],
        "--min-freq: not one word is seen 2 times. Give a lower one: --min-freq 1.",
    ),
    "a good file and a bad one": (
        {"few.tsv": b"a\tb\nc\td\n", "picture.tsv": PICTURE},
        ["few.tsv", "picture.tsv"],
        [],
        "picture.tsv: binary data. Name text files only, plain or compressed.",
    ),
    "a good file and one that ends badly": (
        {"few.tsv": b"a\tb\nc\td\n", "short.conv": b"E\nM a\nE\nM b\n"},
        ["few.tsv", "short.conv"],
        [
            tab("few.tsv", 2),
            "short.conv: E/M conversations (4 of 4 lines are E alone or begin with M)",
            "reading: 2 pairs",
        ],
        "short.conv: read as E/M conversations, but not one line gives a pair (2 conversation of "
        "one turn). See docs/formats.md.",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_input_is_one_line_of_error_and_nothing_is_touched(
    built, main, refused, files_in, case
):
    contents, arguments, before, line = BAD[case]
    for name, content in contents.items():
        (built / name).write_bytes(content)
    whole = files_in(built)
    refused(main(*CHAR, *arguments, cwd=built), line, before)
    assert files_in(built) == whole


def test_without_any_corpus_data_is_named(tmp_path, main, refused):
    refused(
        main("build-vocab", cwd=tmp_path),
        "data: no such file or folder. Name a file of conversations, or put one in data/.",
    )
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "README.md").write_text("put\tthem here\n", "utf-8")
    refused(
        main("build-vocab", cwd=tmp_path),
        "data: no corpus found. Put a file of conversations there, one question<TAB>reply a line, "
        "or name one: chatbot build-vocab FILE.",
    )
    assert not (tmp_path / "model").exists()


def test_a_folder_that_cannot_be_written_is_refused(built, main, refused, files_in):
    (built / "file").write_bytes(b"mine")
    whole = files_in(built)
    refused(
        main(*CHAR, "--model", "file/model", cwd=built),
        "file/model: Not a directory. Mend this and run the same again, or choose another folder "
        "with --model; what stood there before is untouched.",
        before=[tab("data/talk.tsv", 23)],
    )
    assert files_in(built) == whole


def test_a_folder_that_is_a_file_is_refused(built, main, refused, files_in):
    (built / "file").write_bytes(b"mine")
    whole = files_in(built)
    refused(
        main(*CHAR, "--model", "file", cwd=built),
        "--model file: is a file, a bot to talk to at best. Name the folder it was trained in.",
    )
    assert files_in(built) == whole


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--format", "klingon", "no such format. Known: conv, conv-slashes, tab, "),
        ("--encoding", "klingon", "no such encoding. Name one such as utf-8, gb18030, big5 or "),
    ],
)
def test_a_format_or_an_encoding_that_does_not_exist_is_wrong_usage(
    built, main, files_in, option, value, said
):
    whole = files_in(built)
    done = main(*CHAR, option, value, cwd=built)
    assert (done.code, done.out) == (2, "")
    assert done.err.splitlines()[-1].startswith(f"Error: {option} {value}: {said}")
    assert files_in(built) == whole


def test_what_was_read_and_written_is_said_in_plain_lines(tmp_path, main):
    (tmp_path / "talk").mkdir()
    good = [f"问{i}\t答{i * i}" for i in range(1, 31)]
    lines = [line.encode() for line in good] + [b"a\tb\tc", b"nothing", b"\xff\tx", b" \ty", b"z\t"]
    (tmp_path / "talk" / "a.tsv").write_bytes(b"\n".join(lines))
    (tmp_path / "talk" / "b.conv").write_bytes("E\nM 早\nM 你早\n?\n".encode())
    options = ("--tokenizer", "char", "--holdout", "3", "--workers", "1")
    done = main("build-vocab", "talk", *options, cwd=tmp_path)
    looked = main("inspect", "talk", *options, cwd=tmp_path)
    assert (done.code, done.out) == (0, "")
    digits = sum(len(f"{i}{i * i}") for i in range(1, 31))
    said, report = done.err.splitlines(), looked.out.splitlines()
    begin = [
        tab("talk/a.tsv", 31, 35),
        "talk/b.conv: E/M conversations (3 of 4 lines are E alone or begin with M)",
        "reading: 30 pairs",
        "reading: 31 pairs",
    ]
    assert said[: len(begin)] == looked.err.splitlines() == begin
    assert said[len(begin) : -3] == report
    for line in (
        "  talk/a.tsv: 30 pairs, tab, UTF-8",
        "    skipped: 2 wrong number of fields, 2 empty question, 1 empty reply",
        "    a.tsv: 1 place is not text (line 33 byte 1)",
        "  talk/b.conv: 1 pair, conv, UTF-8",
        "    skipped: 1 neither E nor M",
    ):
        assert report.count(line) == 1
    assert said[-3:-1] == [
        f"31 pairs, 3 held out; {digits + 60 + 3:,} words, 14 distinct",
        f"vocabulary: 18 entries, covering 100.0% of the words; 0.000% of {digits + 63} tokens "
        "unknown",
    ]
    wrote = r"wrote model/vocabulary\.txt and model/pairs\.store in \d s, peak memory [\d.]+ [MG]B"
    assert re.fullmatch(wrote, said[-1].split(" and ", 2)[0] + " and " + said[-1].split(" and ")[1])
    assert "\x1b" not in done.err
    assert "\r" not in done.err


def test_the_settings_given_are_the_settings_written(tmp_path, main):
    (tmp_path / "t.tsv").write_text("你好\t好\n早\t早 早\n好\t早\n", "utf-8")
    options = "--tokenizer char --min-freq 3 --max-size 9 --rare unk --holdout 1 --seed 4"
    assert main("build-vocab", "t.tsv", *options.split(), cwd=tmp_path).code == 0
    vocabulary = Vocabulary.load(tmp_path / "model" / "vocabulary.txt")
    assert list(vocabulary.config.as_dict().values())[:7] == ["char", 3, 9, "unk", 1.0, None, 4]
    assert vocabulary.words[4:] == ("早", "好")
    with TokenStore(tmp_path / "model" / "pairs.store") as store:
        assert store.header.settings == vocabulary.config.as_dict()


def test_the_bytes_do_not_depend_on_the_workers(tmp_path, start, left, files_in):
    text = "".join(f"今天第{i}个问题 abc\t{i * 7}个回答\n" for i in range(4500))
    (tmp_path / "talk.tsv").write_text(text, "utf-8")
    for n in "12":
        done = left(start(*CHAR, "talk.tsv", "--model", n, "--workers", n, cwd=tmp_path))
        assert (done.code, done.out) == (0, "")
        assert ("a worker" in done.err) == (n == "2")
    assert files_in(tmp_path / "1") == files_in(tmp_path / "2")


# A folder where a model was trained.


def test_the_same_bytes_over_a_trained_model_go_through(trained, main, files_in):
    whole = files_in(trained)
    for more in ([], ["--restart"]):
        assert main(*SAME, *more, cwd=trained).code == 0
        assert files_in(trained) == whole


def test_other_bytes_over_a_trained_model_are_refused(trained, main, refused, files_in):
    (trained / "more.tsv").write_text("早\t早上好\n", "utf-8")
    whole = files_in(trained)
    for arguments, pairs in ((["--seed", "1"], 23), (["data", "more.tsv"], 24)):
        done = main(*SAME, *arguments, cwd=trained)
        assert (done.code, done.out) == (1, "")
        assert done.err.splitlines()[-2:] == [
            f"reading: {pairs} pairs",
            "Error: model: a model was trained here on another corpus or with other settings. "
            "Choose another folder with --model, keep it with --extend to train it further on this "
            "corpus, or give it up with --restart.",
        ]
        assert files_in(trained) == whole


def test_restart_gives_the_trained_model_up(trained, main):
    assert main(*SAME, "--seed", "1", "--restart", cwd=trained).code == 0
    left = sorted(path.name for path in (trained / "model").iterdir())
    assert left == ["pairs.store", "segmented", "vocabulary.txt"]
    assert "none yet: chatbot train" in main("info", cwd=trained).out


# Signals.


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A corpus that takes two processes some seconds."""
    path = tmp_path_factory.mktemp("large") / "large.tsv"
    lines = (f"今天第{i}次问你天气好不好\t第{i}次回答你今天天气很好\n" for i in range(8000))
    path.write_text("".join(lines) * 40, "utf-8")
    yield path
    shutil.rmtree(path.parent)


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize(
    ("number", "code", "group"),
    [(signal.SIGINT, 130, True), (signal.SIGINT, 130, False), (signal.SIGTERM, 143, False)],
)
def test_a_signal_ends_a_build_and_nothing_is_left(
    built, start, left, files_in, large, number, code, group, workers
):
    whole = files_in(built)
    process = start(*CHAR, str(large), "--workers", workers, cwd=built, start_new_session=True)
    assert process.stderr.readline() == f"{tab(large, '1,000')}\n".encode()
    assert process.stderr.readline() == b"reading: 4,096 pairs\n"
    assert any(path.name.startswith(".building-") for path in (built / "model").iterdir())
    began = time.monotonic()
    (os.killpg if group else os.kill)(process.pid, number)  # a terminal signals the whole group
    done = left(process)
    assert time.monotonic() - began < 1.5  # a tenth of that where nothing else runs
    assert (done.code, done.out, done.err.strip()) == (code, "", "")
    assert files_in(built) == whole
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)  # no worker lives on


def test_a_signal_while_looking_leaves_no_temporary_files(tmp_path, start, left, large):
    process = start("inspect", str(large), cwd=tmp_path, env={"TMPDIR": str(tmp_path)})
    process.stderr.readline()
    assert process.stderr.readline().startswith(b"reading: ")
    assert [path.name[:16] for path in tmp_path.iterdir()] == ["chatbot-inspect-"]
    process.send_signal(signal.SIGTERM)
    assert left(process) == (143, "", "")
    assert list(tmp_path.iterdir()) == []


def workers_of(process):
    """The processes that cut, when two are at it."""
    process.stderr.readline()
    assert process.stderr.readline().startswith(b"reading: ")
    workers = psutil.Process(process.pid).children(recursive=True)
    assert len(workers) == 2
    return workers


def test_workers_leave_ctrl_c_to_the_process_that_began_them(tmp_path, start, left, large):
    some = tmp_path / "some.tsv"
    lines = large.read_text("utf-8").splitlines(keepends=True)
    some.write_text("".join(lines[:150_000]), "utf-8")
    process = start(*CHAR, "some.tsv", "--workers", "2", cwd=tmp_path)
    for worker in workers_of(process):
        worker.send_signal(signal.SIGINT)
    done = left(process)
    assert done.code == 0
    assert "150,000 pairs in 1 file" in done.err.splitlines()


def test_a_worker_that_is_killed_while_it_sends_ends_the_build_in_one_line(
    built, start, left, files_in, large
):
    """Stopped, the main process reads nothing: the workers wait in the middle of sending."""
    whole = files_in(built)
    process = start(*CHAR, str(large), "--workers", "2", cwd=built)
    workers = workers_of(process)
    process.send_signal(signal.SIGSTOP)
    until = time.monotonic() + 30
    while any(worker.status() == psutil.STATUS_RUNNING for worker in workers):
        assert time.monotonic() < until
        time.sleep(0.05)
    for worker in workers:
        worker.kill()
    process.send_signal(signal.SIGCONT)
    done = left(process, timeout=20)
    assert (done.code, done.out) == (1, "")
    assert done.err == (
        "Error: --workers: a process that cuts text was killed, perhaps for want of memory. Use "
        "fewer with --workers.\n"
    )
    assert files_in(built) == whole


def test_no_worker_outlives_a_build_that_is_killed(built, start, large, main):
    process = start(*CHAR, str(large), "--workers", "2", cwd=built)
    workers = workers_of(process)
    process.kill()
    _, alive = psutil.wait_procs(workers, timeout=20)
    assert alive == []
    assert any(path.name.startswith(".building-") for path in (built / "model").iterdir())
    assert main(*SAME, cwd=built).code == 0  # the next build clears up
    assert not any(path.name.startswith(".building-") for path in (built / "model").iterdir())
