"""`chatbot build-vocab` as its user meets it."""

import gzip
import os
import re
import shutil
import signal

import psutil
import pytest

from chatbot.corpus.store import TokenStore
from chatbot.corpus.vocabulary import Vocabulary

CHAR = ("build-vocab", "--tokenizer", "char")
SAME = (*CHAR, "--holdout", "5")
"""How the fixtures `built` and `trained` were built."""

GB18030 = "".join(f"旧文件第{i}行\t回答{i}\n" for i in range(9)).encode("gb18030")
PACKED = gzip.compress("".join(f"q{i}\t{i * i}\n" for i in range(99)).encode(), mtime=0)
FORMATS = (
    "Known: E/M conversations; E/M conversations cut by slashes; TAB-separated lines; lines "
    'separated by @@; lines separated by " | "; lines separated by =; paired files such as '
    "train.enc and train.dec. See docs/formats.md."
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
        {"picture.tsv": b"q\tr\n\x89PNG\r\n\x1a\n\0\0"},
        ["picture.tsv"],
        [],
        "picture.tsv:4: binary data. Name text files only (UTF-8, plain or .gz).",
    ),
    "another encoding": (
        {"old.tsv": GB18030},
        ["old.tsv"],
        [],
        "old.tsv:1: not UTF-8. Convert it first, for Chinese often: iconv -f gb18030 -t utf-8 "
        "old.tsv > utf8-old.tsv",
    ),
    "paired files that differ in length": (
        {"talk.enc": b"a\nb\nc\n", "talk.dec": b"x\ny\n"},
        ["talk.enc"],
        ["talk.enc: paired files"],
        "talk.enc: 3 lines, but talk.dec has 2. Line i of one must answer line i of the other; "
        "mend the files.",
    ),
    "paired files with more replies": (
        {"post.txt": b"a\n", "response.txt": b"x\ny\nz\n"},
        ["response.txt"],
        ["post.txt: paired files"],
        "post.txt: 1 lines, but response.txt has 3. Line i of one must answer line i of the "
        "other; mend the files.",
    ),
    "a wrong number of fields everywhere": (
        {"three.tsv": b"a\tb\tc\nd\te\tf\n"},
        ["three.tsv"],
        [],
        f"three.tsv: format not recognised; the first line reads 'a\\tb\\tc'. {FORMATS}",
    ),
    "no separator": (
        {"prose.txt": "很久很久以前\n有一个人\n".encode()},
        ["prose.txt"],
        [],
        f"prose.txt: format not recognised; the first line reads '很久很久以前'. {FORMATS}",
    ),
    "conversations of one turn": (
        {"short.conv": b"E\nM a\nE\nM b\n"},
        ["short.conv"],
        ["short.conv: E/M conversations"],
        "short.conv: read as E/M conversations, but not one line gives a pair (no conversation "
        "has two turns). See docs/formats.md.",
    ),
    "a truncated .gz": (
        {"talk.tsv.gz": PACKED[:-12]},
        ["talk.tsv.gz"],
        [],
        "talk.tsv.gz: cannot be read (Compressed file ended before the end-of-stream marker was "
        "reached). Check the file.",
    ),
    "a .gz that is none": (
        {"talk.tsv.gz": b"q\tr\n"},
        ["talk.tsv.gz"],
        [],
        "talk.tsv.gz: cannot be read (Not a gzipped file (b'q\\t')). Check the file.",
    ),
    "an endless line": (
        {"long.tsv": b"q\tr\n" + b"x" * (1 << 20) + b"\ty\n"},
        ["long.tsv"],
        [],
        "long.tsv:2: line over 1 MiB. Give one utterance or pair a line.",
    ),
    "all pairs held out": (
        {"few.tsv": b"a\tb\nc\td\n"},
        ["few.tsv", "--holdout", "2"],
        ["few.tsv: TAB-separated lines", "PROGRESS"],
        "--holdout: holds out all 2 pairs. Leave some to train on.",
    ),
    "a good file and a bad one": (
        {"few.tsv": b"a\tb\nc\td\n", "old.tsv": GB18030},
        ["few.tsv", "old.tsv"],
        [],
        "old.tsv:1: not UTF-8. Convert it first, for Chinese often: iconv -f gb18030 -t utf-8 "
        "old.tsv > utf8-old.tsv",
    ),
}


def without_speed(done):
    """The lines on stderr, those that tell the speed made one word."""
    lines = [
        re.sub(r"^[\d,]+ pairs, [\d,]+ a second$", "PROGRESS", x) for x in done.err.split("\n")
    ]
    return done._replace(err="\n".join(lines))


@pytest.mark.parametrize("case", BAD)
def test_a_bad_input_is_one_line_of_error_and_nothing_is_touched(
    built, main, refused, files_in, case
):
    contents, arguments, before, line = BAD[case]
    for name, content in contents.items():
        (built / name).write_bytes(content)
    whole = files_in(built)
    refused(without_speed(main(*CHAR, *arguments, cwd=built)), line, before)
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


@pytest.mark.parametrize(
    ("model", "fault"), [("file", "File exists"), ("file/model", "Not a directory")]
)
def test_a_folder_that_cannot_be_written_is_refused(built, main, refused, files_in, model, fault):
    (built / "file").write_bytes(b"mine")
    whole = files_in(built)
    refused(
        main(*CHAR, "--model", model, cwd=built),
        f"{model}: cannot be written ({fault}). Make room or choose another folder with --model; "
        "what stood there before is untouched.",
        before=["data/talk.tsv: TAB-separated lines"],
    )
    assert files_in(built) == whole


def test_what_was_read_and_written_is_said_in_plain_lines(tmp_path, main):
    (tmp_path / "talk").mkdir()
    good = [f"问{i}\t答{i * i}" for i in range(1, 31)]
    lines = [line.encode() for line in good] + [b"a\tb\tc", b"nothing", b"\xff\tx", b" \ty", b"z\t"]
    (tmp_path / "talk" / "a.tsv").write_bytes(b"\n".join(lines))
    (tmp_path / "talk" / "b.conv").write_bytes("E\nM 早\nM 你早\n?\n".encode())
    done = main(*CHAR, "talk", "--model", "m", "--holdout", "3", cwd=tmp_path)
    assert (done.code, done.out) == (0, "")
    digits = sum(len(f"{i}{i * i}") for i in range(1, 31))
    said = without_speed(done).err.splitlines()
    assert said[:-1] == [
        "talk/a.tsv: TAB-separated lines",
        "talk/b.conv: E/M conversations",
        "PROGRESS",
        "a.tsv: 30 pairs; skipped: 2 wrong number of fields, 1 not UTF-8, 1 empty question, "
        "1 empty reply",
        "b.conv: 1 pairs; skipped: 1 neither E nor M",
        f"31 pairs, 3 held out; {digits + 60 + 3:,} words, 14 distinct",
        f"vocabulary: 18 entries, covering 100.0% of the words; 0.000% of {digits + 63} tokens "
        "unknown",
        "tokens a question: half up to 3, 95 % up to 3, longest 3; a reply with its end: half up "
        "to 5, 95 % up to 5, longest 5",
    ]
    wrote = r"wrote m/vocabulary.txt and m/pairs.store in \d s, peak memory \d+ MB"
    assert re.fullmatch(wrote, said[-1].split(" and ", 2)[0] + " and " + said[-1].split(" and ")[1])
    assert "\x1b" not in done.err
    assert "\r" not in done.err


def test_the_settings_given_are_the_settings_written(tmp_path, main):
    (tmp_path / "t.tsv").write_text("你好\t好\n早\t早 早\n好\t早\n", "utf-8")
    options = "--tokenizer char --min-freq 3 --max-size 9 --rare unk --holdout 1 --seed 4"
    assert main("build-vocab", "t.tsv", *options.split(), cwd=tmp_path).code == 0
    vocabulary = Vocabulary.load(tmp_path / "model" / "vocabulary.txt")
    assert list(vocabulary.config.as_dict().values()) == ["char", 3, 9, "unk", 1.0, 4]
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
    for arguments in (["--seed", "1"], ["data", "more.tsv"]):
        done = without_speed(main(*SAME, *arguments, cwd=trained))
        assert (done.code, done.out) == (1, "")
        assert done.err.splitlines()[-2:] == [
            "PROGRESS",
            "Error: model: a model was trained here on another corpus or with other settings. "
            "Choose another folder with --model, or give it up with --restart.",
        ]
        assert files_in(trained) == whole


def test_restart_gives_the_trained_model_up(trained, main):
    assert main(*SAME, "--seed", "1", "--restart", cwd=trained).code == 0
    left = sorted(path.name for path in (trained / "model").iterdir())
    assert left == ["pairs.store", "vocabulary.txt"]
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


@pytest.mark.parametrize(
    ("number", "code", "group"),
    [(signal.SIGINT, 130, True), (signal.SIGINT, 130, False), (signal.SIGTERM, 143, False)],
)
def test_a_signal_ends_a_build_and_nothing_is_left(
    built, start, left, files_in, large, number, code, group
):
    whole = files_in(built)
    process = start(*CHAR, str(large), "--workers", "2", cwd=built, start_new_session=True)
    assert process.stderr.readline() == f"{large}: TAB-separated lines\n".encode()
    assert b" pairs, " in process.stderr.readline()
    assert any(path.name.startswith(".building-") for path in (built / "model").iterdir())
    (os.killpg if group else os.kill)(process.pid, number)  # a terminal signals the whole group
    done = left(process)
    assert (done.code, done.out, done.err.strip()) == (code, "", "")
    assert files_in(built) == whole
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)  # no worker lives on


def test_workers_leave_ctrl_c_to_the_process_that_began_them(tmp_path, start, left, large):
    some = tmp_path / "some.tsv"
    lines = large.read_text("utf-8").splitlines(keepends=True)
    some.write_text("".join(lines[:150_000]), "utf-8")
    process = start(*CHAR, "some.tsv", "--workers", "2", cwd=tmp_path)
    process.stderr.readline()
    assert b" pairs, " in process.stderr.readline()
    workers = psutil.Process(process.pid).children(recursive=True)
    assert len(workers) >= 2
    for worker in workers:
        worker.send_signal(signal.SIGINT)
    done = left(process)
    assert done.code == 0
    assert "some.tsv: 150,000 pairs" in done.err.splitlines()
