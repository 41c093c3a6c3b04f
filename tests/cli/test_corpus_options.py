"""What `build-vocab` does to a corpus on request: cleaning, a vocabulary, words of one's own."""

import itertools
import json
import os
import shutil

import pytest

from chatbot.corpus.store import TokenStore
from chatbot.corpus.vocabulary import Vocabulary

CHAR = ("build-vocab", "talk.tsv", "--tokenizer", "char")
TINY = ("--units", "8", "--embedding", "8", "--precision", "float32", "--batch", "7")

TALK = (
    *(("你好", "你好呀"),) * 4,
    *((f"问题{n}", "不知道") for n in "一二三四五"),
    ("嗯", "嗯"),
    ("早", "早上好"),
    ("坏话", "别说"),
    ("说个笑话", "从前有座山，山里有座庙，庙里有个老和尚"),
)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "talk.tsv").write_text("".join(f"{q}\t{r}\n" for q, r in TALK), "utf-8")
    (tmp_path / "bad.txt").write_text("# words that offend\n坏话\n", "utf-8")
    return tmp_path


CLEANED = {
    "nothing": ([], len(TALK), {}),
    "duplicates": (["--drop-duplicates"], 10, {"duplicate": 3}),
    "repeats": (["--max-repeats", "2"], 8, {"reply repeated too often": 5}),
    "echoes": (["--drop-echoes"], 12, {"reply equals question": 1}),
    "short ones": (["--min-chars", "2"], 11, {"too short": 2}),
    "long ones": (["--max-chars", "4"], 12, {"too long": 1}),
    "blocked ones": (["--block-list", "bad.txt"], 12, {"block list": 1}),
    "all of it": (
        [
            *("--drop-duplicates", "--max-repeats", "2", "--drop-echoes", "--min-chars", "2"),
            *("--max-chars", "4", "--block-list", "bad.txt"),
        ],
        3,
        {
            "block list": 1,
            "reply equals question": 1,
            "too short": 1,
            "too long": 1,
            "duplicate": 3,
            "reply repeated too often": 3,
        },
    ),
}


@pytest.mark.parametrize("case", CLEANED)
def test_every_option_says_how_many_pairs_it_took(folder, main, case):
    options, left, dropped = CLEANED[case]
    done = main(*CHAR, *options, cwd=folder)
    assert (done.code, done.out) == (0, "")
    assert any(line.startswith(f"{left} pairs, none held out;") for line in done.err.splitlines())
    with TokenStore(folder / "model" / "pairs.store") as store:
        assert store.header.pairs == left
        assert {k: n for k, n in store.header.dropped.items() if n} == dropped
        recorded = store.header.cleaning
    looked = json.loads(main("inspect", *CHAR[1:], *options, "--json", cwd=folder).out)
    assert (looked["pairs"], {k: n for k, n in looked["dropped"].items() if n}) == (left, dropped)
    report = " ".join(main("inspect", *CHAR[1:], *options, cwd=folder).out.split())
    for reason, count in dropped.items():
        assert f"{count} {reason}" in report
    given = {one[2:].replace("-", "_") for one in options if one.startswith("--")}
    assert {name for name, value in recorded.items() if value not in (None, False)} == given
    if "block_list" in given:
        assert recorded["block_list"].startswith("bad.txt ")


def test_a_block_list_or_dictionary_that_is_none_is_one_line(folder, main, files_in):
    (folder / "empty.txt").write_text("# nothing\n", "utf-8")
    (folder / "faulty.txt").write_text("今天\n下雨\t5\n", "utf-8")
    before = files_in(folder)
    for options, said in (
        (["--block-list", "gone.txt"], "gone.txt: cannot be read (No such file or directory)"),
        (["--block-list", "empty.txt"], "empty.txt: an empty block list. Give a word or "),
        (["--user-dict", "gone.txt", "--tokenizer", "jieba"], "gone.txt: cannot be read ("),
        (
            ["--user-dict", "faulty.txt", "--tokenizer", "jieba"],
            "Error: faulty.txt:2: '下雨\\t5' is not understood. Write word [count [tag]], ",
        ),
        (["--user-dict", "bad.txt"], "Error: --user-dict bad.txt: --tokenizer char takes no "),
        (["--vocab", "gone.txt"], "gone.txt: cannot be read (No such file or directory)"),
    ):
        done = main(*CHAR, *options, cwd=folder)
        assert (done.code, done.out) == (1, "")
        (line,) = [line for line in done.err.splitlines() if line.startswith("Error: ")]
        assert done.err.splitlines()[-1] == line
        assert said in line, line
        assert ".building-" not in line
        assert files_in(folder) == before


# A vocabulary that is brought.


def test_a_vocabulary_that_is_brought_is_taken_and_said(folder, main):
    (folder / "words.txt").write_text("好\n你\n山\n庙\n", "utf-8")
    done = main(*CHAR, "--vocab", "words.txt", cwd=folder)
    assert (done.code, done.out) == (0, "")
    assert any(line.startswith("vocabulary: 9 entries, ") for line in done.err.splitlines())
    vocabulary = Vocabulary.load(folder / "model" / "vocabulary.txt")
    assert vocabulary.words[4:] == ("好", "你", "山", "庙", " ")
    again = main(*CHAR, "--vocab", "model/vocabulary.txt", "--model", "other", cwd=folder)
    assert again.code == 0
    paths = [folder / name / "vocabulary.txt" for name in ("model", "other")]
    assert paths[0].read_bytes() == paths[1].read_bytes()


@pytest.mark.parametrize("cut_off", ["--min-freq", "--max-size"])
def test_cut_offs_beside_a_vocabulary_that_is_brought_are_wrong_usage(folder, main, cut_off):
    (folder / "words.txt").write_text("好\n", "utf-8")
    done = main(*CHAR, "--vocab", "words.txt", cut_off, "9", cwd=folder)
    assert (done.code, done.out) == (2, "")
    assert done.err.splitlines()[-1] == (
        f"Error: {cut_off}: --vocab takes a vocabulary as it is. Leave one of them out."
    )


def test_a_vocabulary_that_does_not_fit_is_one_line(folder, main, files_in):
    assert main(*CHAR, "--model", "other", cwd=folder).code == 0
    (folder / "blank.txt").write_text("你\nnew york\n", "utf-8")
    (folder / "empty.txt").write_text("\n", "utf-8")
    before = files_in(folder)
    for options, line in (
        (
            ["--vocab", "other/vocabulary.txt", "--tokenizer", "jieba"],
            "other/vocabulary.txt: made with --tokenizer char, asked for now is jieba. Give "
            "--tokenizer char, or bring a plain list of words.",
        ),
        (
            ["--vocab", "blank.txt"],
            "blank.txt:2: 'new york' has a blank. Give one word a line.",
        ),
        (["--vocab", "empty.txt"], "empty.txt: no words. Give one a line."),
    ):
        done = main(*CHAR, *options, cwd=folder)
        assert (done.code, done.out) == (1, "")
        assert done.err.splitlines()[-1] == f"Error: {line}"
        assert files_in(folder) == before


# Words of one's own.

WORDS = "庙里有个 5 n\n从前有座山\n"
WHOLE = ("庙里有个", "从前有座山")


@pytest.fixture(scope="module")
def own_words_once(tmp_path_factory, main):
    """A folder with a model that was built and trained with words of the user's own."""
    folder = tmp_path_factory.mktemp("words")
    (folder / "talk.tsv").write_text("".join(f"{q}\t{r}\n" for q, r in TALK), "utf-8")
    (folder / "my words.txt").write_text(WORDS, "utf-8")
    words = ("--user-dict", "my words.txt", "--min-freq", "1")
    assert main("build-vocab", "talk.tsv", *words, cwd=folder).code == 0
    plain = main("build-vocab", "talk.tsv", "--model", "plain", "--min-freq", "1", cwd=folder)
    assert plain.code == 0
    assert main("train", "--steps", "2", *TINY, cwd=folder).code == 0
    return folder


@pytest.fixture
def own_words(own_words_once, tmp_path):
    return shutil.copytree(own_words_once, tmp_path, dirs_exist_ok=True)


def test_files_whose_names_are_no_text_are_recorded_all_the_same(own_words, main):
    names = [os.fsdecode(f"{name}\xff.txt".encode("latin-1")) for name in ("words", "bad", "list")]
    for name, content in zip(names, (WORDS, "坏坏\n", "庙\n山\n"), strict=True):
        (own_words / name).write_text(content, "utf-8")
    options = itertools.chain(*zip(("--user-dict", "--block-list", "--vocab"), names, strict=True))
    done = main("build-vocab", "talk.tsv", *options, "--model", "odd", cwd=own_words)
    assert done.code == 0, done.err
    settings = Vocabulary.load(own_words / "odd" / "vocabulary.txt").config
    assert settings.user_dict.startswith("words\ufffd.txt ")
    assert main("build-vocab", "--add", names[0], "--model", "odd", cwd=own_words).code == 1
    looked = main("inspect", "talk.tsv", "--json", "--user-dict", names[0], cwd=own_words)
    assert looked.code == 0, looked.err


def test_words_of_ones_own_are_kept_whole(own_words):
    entries, plain = (
        set(Vocabulary.load(own_words / name / "vocabulary.txt").words)
        for name in ("model", "plain")
    )
    assert set(WHOLE) <= entries
    assert not set(WHOLE) & plain


def test_the_words_go_with_the_model_and_the_file_is_not_needed_again(own_words, main):
    (own_words / "my words.txt").unlink()
    assert (own_words / "model" / "user-dict.txt").read_text("utf-8") == WORDS
    done = main("chat", cwd=own_words, stdin="庙里有个老和尚\n你好\n".encode())
    assert (done.code, done.err, done.out.count("\n")) == (0, "", 2)
    done = main("evaluate", "--json", "talk.tsv", cwd=own_words)
    assert done.code == 0
    assert json.loads(done.out)["unknown_rate"] == 0
    from chatbot.talk.bot import Bot

    bot = Bot.load(own_words / "model")
    assert bot.tokenizer.tokens("庙里有个人") == ["庙里有个", "人"]
    assert "user_dict my words.txt " in main("info", cwd=own_words).out


@pytest.mark.parametrize("command", ["chat", "evaluate"])
def test_words_that_were_changed_or_lost_are_refused(own_words, main, refused, command):
    path = own_words / "model" / "user-dict.txt"
    arguments = [command, *(["talk.tsv"] if command == "evaluate" else [])]
    taken_for = f"TAB-separated lines ({len(TALK)} of {len(TALK)} lines have one TAB between texts)"
    before = [f"talk.tsv: {taken_for}"] if command == "evaluate" else []
    recorded = Vocabulary.load(own_words / "model" / "vocabulary.txt").config.user_dict
    path.write_text(WORDS.replace("5", "6"), "utf-8")
    refused(
        main(*arguments, cwd=own_words),
        "model/user-dict.txt: not the words that the vocabulary was built with "
        f"({recorded}). Put these back.",
        before,
    )
    path.unlink()
    refused(
        main(*arguments, cwd=own_words),
        "model/user-dict.txt: cannot be read (No such file or directory). Put the file back that "
        "the vocabulary was built with.",
        before,
    )


def test_a_build_without_words_leaves_none_behind(own_words, main):
    done = main("build-vocab", "talk.tsv", "--restart", cwd=own_words)
    assert done.code == 0
    assert not (own_words / "model" / "user-dict.txt").exists()
