"""`chatbot build-vocab --add` as its user meets it."""

import json
import re
import shutil
import zlib

import pytest

from chatbot.corpus.store import TokenStore

ADD = ("build-vocab", "--workers", "1", "--add")
AGAIN = "Build from all files again, without --add."


def talk(first, count):
    """Pairs, some of which are repeated within the file and in others."""
    pairs = [f"今天第{i}次见面\t第{i % 5}个回答\n" for i in range(first, first + count)]
    return "".join(pairs) + "你好\t你好呀\n" * 3


@pytest.fixture(scope="module")
def begun(tmp_path_factory, main):
    """A folder with three files, `model` built from the first of them."""
    folder = tmp_path_factory.mktemp("begun")
    for name, first in (("a", 0), ("b", 19), ("c", 52)):
        (folder / f"{name}.tsv").write_text(talk(first, 21), "utf-8")
    (folder / "words.txt").write_text("今天第\n", "utf-8")
    (folder / "bad.txt").write_text("第4个\n", "utf-8")
    done = main("build-vocab", "a.tsv", "--tokenizer", "char", cwd=folder)
    assert done.code == 0
    return folder


@pytest.fixture
def folder(begun, tmp_path):
    return shutil.copytree(begun, tmp_path, dirs_exist_ok=True)


def bytes_of(folder, model="model"):
    return [(folder / model / name).read_bytes() for name in ("vocabulary.txt", "pairs.store")]


def test_files_are_added_to_the_same_bytes_as_one_build(folder, main):
    for name, total in (("b.tsv", 48), ("c.tsv", 72)):
        done = main(*ADD, name, cwd=folder)
        assert (done.code, done.out) == (0, "")
        assert f"{total} pairs in {total // 24} files" in done.err.splitlines()
    files = ("a.tsv", "b.tsv", "c.tsv")
    assert (
        main("build-vocab", *files, "--tokenizer", "char", "--model", "one", cwd=folder).code == 0
    )
    assert bytes_of(folder) == bytes_of(folder, "one")


def test_what_may_change_is_changed_for_all_and_stays_so(folder, main):
    new = ("--min-freq", "3", "--holdout", "7", "--drop-duplicates", "--max-repeats", "2")
    assert main(*ADD, "b.tsv", *new, cwd=folder).code == 0
    assert main(*ADD, "c.tsv", cwd=folder).code == 0
    files = ("a.tsv", "b.tsv", "c.tsv", "--tokenizer", "char", "--model", "one")
    assert main("build-vocab", *files, *new, cwd=folder).code == 0
    assert bytes_of(folder) == bytes_of(folder, "one")
    with TokenStore(folder / "model" / "pairs.store") as store:
        assert store.header.cleaning["max_repeats"] == 2
        assert store.header.settings["min_freq"] == 3
        assert (store.header.held_out, len(store.header.files)) == (7, 3)


def cannot(option, now, before):
    begun = "without one" if before is None else f"with {before}"
    return (
        f"{option} {now}: begun {begun}, which cannot change. Leave the option out "
        "to go on, or begin anew without --add."
    )


def other_file(option, name):
    return (
        f"{option} {name}: what stands in model began without one, which cannot change. Leave the "
        "option out, or build anew without --add."
    )


REFUSED = {
    "another tokenizer": (["--tokenizer", "jieba"], cannot("--tokenizer", "jieba", "char")),
    "another context": (["--context", "2"], cannot("--context", 2, 0)),
    "another seed": (["--seed", "9"], cannot("--seed", 9, 0)),
    "another rule": (["--strip-urls"], cannot("--strip-urls", True, False)),
    "another filter": (["--min-chars", "2"], cannot("--min-chars", 2, None)),
    "a user dictionary": (["--user-dict", "words.txt"], other_file("--user-dict", "words.txt")),
    "a block list": (["--block-list", "bad.txt"], other_file("--block-list", "bad.txt")),
    "a folder of nothing": (
        ["--model", "new"],
        "new: no segmented corpus to add to. Build from all files first: chatbot build-vocab "
        "FILE... --model new.",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_change_is_refused_before_anything_is_read(
    folder, main, refused, files_in, case
):
    options, line = REFUSED[case]
    before = files_in(folder)
    refused(main(*ADD, "b.tsv", *options, cwd=folder), line)
    assert files_in(folder) == before


def test_the_same_file_is_not_added_twice(folder, main, files_in):
    (folder / "copy.tsv").write_bytes((folder / "a.tsv").read_bytes())
    before = files_in(folder)
    for name in ("a.tsv", "copy.tsv"):
        done = main(*ADD, "b.tsv", name, cwd=folder)
        assert (done.code, done.out) == (1, "")
        assert done.err.splitlines()[-1] == (
            f"Error: {name}: the same 24 pairs are in the corpus already, from a.tsv. Name only "
            "new files with --add."
        )
        assert files_in(folder) == before


def test_a_file_must_be_named(folder, main, files_in):
    before = files_in(folder)
    done = main(*ADD, cwd=folder)
    assert (done.code, done.out) == (2, "")
    assert done.err.splitlines()[-1] == "Error: --add: name the files to add."
    assert files_in(folder) == before


@pytest.mark.parametrize("name", ["manifest", "words-000", "part"])
def test_a_damaged_segmented_corpus_is_refused(folder, main, files_in, name):
    segmented = folder / "model" / "segmented"
    path = next(path for path in sorted(segmented.glob(f"{name}*")) if path.stat().st_size)
    data = path.read_bytes()
    path.write_bytes(data[:-2] + bytes([data[-2] ^ 4]) + data[-1:])
    before = files_in(folder)
    done = main(*ADD, "b.tsv", cwd=folder)
    assert (done.code, done.out) == (1, "")
    shown = done.err.splitlines()[-1].replace("\\", "/")
    assert shown.startswith("Error: model/")
    assert shown.endswith(f"/{path.name}: damaged (truncated or changed). {AGAIN}")
    assert files_in(folder) == before


def test_without_the_segmented_corpus_nothing_can_be_added(folder, main, refused):
    more = ("--tokenizer", "char", "--no-keep-segmented")
    assert main("build-vocab", "a.tsv", *more, cwd=folder).code == 0
    assert not (folder / "model" / "segmented").exists()
    refused(
        main(*ADD, "b.tsv", cwd=folder),
        "model: no segmented corpus to add to. Build from all files first: chatbot build-vocab "
        "FILE... --model model.",
    )


@pytest.fixture
def with_files(folder, main):
    """A model built with a user dictionary and a block list."""
    named = ("--user-dict", "words.txt", "--block-list", "bad.txt", "--restart")
    assert main("build-vocab", "a.tsv", *named, cwd=folder).code == 0
    return folder


def test_words_and_block_list_are_kept_to(with_files, main):
    (with_files / "words.txt").rename(with_files / "moved.txt")  # the folder has its own
    assert main(*ADD, "b.tsv", "--block-list", "bad.txt", cwd=with_files).code == 0
    named = ("--user-dict", "moved.txt", "--block-list", "bad.txt", "--model", "one")
    assert main("build-vocab", "a.tsv", "b.tsv", *named, cwd=with_files).code == 0
    one, two = (
        (with_files / name / "pairs.store").read_bytes()[-999:] for name in ("model", "one")
    )
    assert one == two


def test_another_dictionary_or_block_list_is_refused(with_files, main, refused, files_in):
    (with_files / "bad.txt").write_text("坏坏\n", "utf-8")
    (with_files / "words.txt").write_text("第今天\n", "utf-8")
    before = files_in(with_files)
    manifest = (with_files / "model" / "segmented" / "manifest").read_bytes()
    settings = json.loads(manifest.split(b" ", 3)[3])
    words, bad = settings["settings"]["user_dict"], settings["cleaning"]["block_list"]
    assert (words[:-8], bad[:-8]) == ("words.txt ", "bad.txt ")
    for options, line in (
        (
            ["--block-list", "bad.txt"],
            f"--block-list bad.txt: what stands in model began with {bad}, which cannot change. "
            "Give the same file, or build anew without --add.",
        ),
        (
            ["--user-dict", "words.txt"],
            f"--user-dict words.txt: what stands in model began with {words}, which cannot change. "
            "Give the same file, or build anew without --add.",
        ),
        ([], f"--block-list: what stands in model was built with {bad}. Give the same file again."),
    ):
        refused(main(*ADD, "b.tsv", *options, cwd=with_files), line)
        assert files_in(with_files) == before


def recommended(done):
    """The commands that a build recommends, in one line."""
    lines = done.err.replace(" \\\n", " ").splitlines()
    return " ".join(next(one for one in lines if one.startswith("    chatbot ")).split())


def test_no_command_is_recommended_that_builds_of_the_added_files_alone(folder, main):
    done = main(*ADD, "b.tsv", cwd=folder)
    assert done.code == 0
    assert recommended(done) == "chatbot train"
    (folder / "dull.tsv").write_text("你好\t不知道\n" * 99, "utf-8")
    done = main(*ADD, "dull.tsv", "--model", "model", cwd=folder)
    assert recommended(done) == "chatbot train"
    assert "--drop-duplicates: " not in done.err
    assert "Look first" in done.err


def test_a_vocabulary_that_was_brought_is_asked_for_again(folder, main, refused, files_in):
    (folder / "list.txt").write_text("今\n天\n你\n好\n呀\n", "utf-8")
    char = ("--tokenizer", "char", "--vocab", "list.txt")
    done = main("build-vocab", "a.tsv", *char, "--restart", cwd=folder)
    assert recommended(done) == (
        "chatbot build-vocab a.tsv --tokenizer char --vocab list.txt && chatbot train"
    )
    before = files_in(folder)
    checksum = f"{zlib.crc32((folder / 'list.txt').read_bytes()):08x}"
    refused(
        main(*ADD, "b.tsv", cwd=folder),
        f"--vocab: what stands in model was built with list.txt {checksum}. Give it again, or "
        "another, or build anew without --add.",
    )
    assert files_in(folder) == before
    assert main(*ADD, "b.tsv", "--vocab", "list.txt", cwd=folder).code == 0
    assert main("build-vocab", "a.tsv", "b.tsv", *char, "--model", "one", cwd=folder).code == 0
    assert bytes_of(folder) == bytes_of(folder, "one")


def test_words_changed_in_the_folder_are_refused(with_files, main, files_in):
    path = with_files / "model" / "user-dict.txt"
    path.write_text("第今天\n", "utf-8")
    for fault in (
        "not the words that the corpus was cut with (words.txt ",
        "cannot be read (No such file or directory)",
    ):
        before = files_in(with_files)
        done = main(*ADD, "b.tsv", "--block-list", "bad.txt", cwd=with_files)
        assert (done.code, done.out, done.err.count("\n")) == (1, "", 1)
        assert done.err.startswith(f"Error: model/user-dict.txt: {fault}")
        assert files_in(with_files) == before
        path.unlink(missing_ok=True)


def test_a_trained_model_is_not_added_to_without_restart(trained, main, files_in):
    (trained / "more.tsv").write_text(talk(3, 5), "utf-8")
    before = files_in(trained)
    done = main(*ADD, "more.tsv", cwd=trained)
    assert (done.code, done.out) == (1, "")
    assert done.err.splitlines()[-1] == (
        "Error: model: a model was trained here on another corpus or with other settings. Choose "
        "another folder with --model, keep it with --extend to train it further on this corpus, or "
        "give it up with --restart."
    )
    assert files_in(trained) == before
    assert main(*ADD, "more.tsv", "--restart", cwd=trained).code == 0
    assert "none yet: chatbot train" in main("info", cwd=trained).out


def test_a_trained_model_is_trained_further_on_more(trained, main):
    (trained / "more.tsv").write_text(talk(3, 41), "utf-8")
    asked = "问题一\n".encode()
    replies = main("chat", cwd=trained, stdin=asked).out
    assert main(*ADD, "more.tsv", "--extend", cwd=trained).code == 0
    assert main("chat", cwd=trained, stdin=asked).out == replies  # as it was trained
    done = main("train", "--steps", "4", cwd=trained)
    assert (done.code, done.out) == (1, "")
    said = done.err.splitlines()[-1]
    assert said.startswith("Error: model/checkpoints/step-2: trained with another vocabulary (")
    assert "Go on with this one with train --extend, " in said
    done = main("train", "--steps", "4", "--extend", cwd=trained)
    assert done.code == 0
    (said,) = [line for line in done.err.splitlines() if line.startswith("resuming after step 2")]
    assert re.fullmatch(
        r"resuming after step 2, extended: \d+ entries of the vocabulary go on, \d+ are new"
        r"(, \d+ no longer there)?",
        said,
    )
    assert main("train", "--steps", "5", cwd=trained).code == 0
    assert main("chat", cwd=trained, stdin=asked).code == 0


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("build-vocab",), "--restart gives up what --extend keeps. Choose one."),
        (("train",), "--restart gives up what --extend goes on with. Choose one."),
    ],
)
def test_a_model_is_either_given_up_or_extended(trained, main, files_in, command, said):
    before = files_in(trained)
    done = main(*command, "--restart", "--extend", cwd=trained)
    assert (done.code, done.out) == (2, "")
    assert done.err.splitlines()[-1] == f"Error: {said}"
    assert files_in(trained) == before
