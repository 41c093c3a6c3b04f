"""A segmented corpus in; its vocabulary, and what other cut-offs would have given, out."""

from collections import Counter

import numpy as np
import pytest

from chatbot.config import CorpusConfig
from chatbot.corpus import cutting, words
from chatbot.corpus.building import Sources, build
from chatbot.corpus.pairs import find_corpora
from chatbot.corpus.store import TokenStore
from chatbot.corpus.tokenizer import make_tokenizer
from chatbot.corpus.vocabulary import UNK, Vocabulary
from chatbot.errors import ChatbotError
from chatbot.folder import ModelFolder

TALK = [
    ("今天天气怎么样", "今天天气很好"),
    ("明天天气怎么样", "明天也很好，hello"),
    ("hello", "hello hello 你好"),
    ("你好", "你好呀"),
    ("今天吃什么", "吃面条，面条好吃"),
] * 2 + [("祸不单行", "福无双至"), ("why", "because it rains")]


@pytest.fixture
def made(tmp_path):
    """(settings, vocabulary file, name of the folder) -> the folder and the report."""
    corpus = tmp_path / "talk.tsv"
    corpus.write_text("".join(f"{q}\t{r}\n" for q, r in TALK), "utf-8")

    def make(fixed=None, name="model", files=(corpus,), **settings):
        folder = ModelFolder(tmp_path / name)
        config = CorpusConfig(**settings)
        return folder, build(Sources(find_corpora(files), config, vocabulary=fixed), folder)

    return make


@pytest.mark.parametrize("tokenizer", ["jieba", "char"])
@pytest.mark.parametrize("rare", ["characters", "unk"])
def test_every_cut_off_gives_what_a_build_with_it_gives(made, tokenizer, rare):
    _, report = made(tokenizer=tokenizer, rare=rare, min_freq=1)
    known = [one for one in report.survey.cutoffs if one.unknown < 1]
    assert len(known) >= 5
    for one in known:
        _, other = made(tokenizer=tokenizer, rare=rare, min_freq=one.min_freq)
        assert one.entries == len(other.vocabulary)
        assert one.unknown == pytest.approx(1 - other.covered / other.survey.words)


@pytest.mark.parametrize("generations", [1, "several"])
def test_words_and_lengths_are_counted_one_by_one(made, monkeypatch, generations):
    if generations == "several":
        monkeypatch.setattr(cutting, "CHUNK", 4)
        monkeypatch.setattr(words, "BUDGET", 5)
    _, report = made(min_freq=1)
    tokenizer = make_tokenizer("jieba")
    cut = [[tokenizer.tokens(side) for side in pair] for pair in TALK]
    counts = Counter(word for pair in cut for side in pair for word in side)
    assert (report.survey.words, report.survey.distinct_words) == (counts.total(), len(counts))
    assert report.survey.distinct_characters == len(set("".join(counts)))
    for side in (0, 1):
        expected = np.bincount([len(pair[side]) for pair in cut], minlength=1025)
        np.testing.assert_array_equal(report.survey.tokens[side], expected)
    seen = dict(zip(report.vocabulary.words, report.vocabulary.counts, strict=True))
    assert {word: seen[word] for word in counts} == dict(counts)


@pytest.mark.parametrize("rare", ["characters", "unk"])
@pytest.mark.parametrize(("tokenizer", "expected"), [("jieba", "ab好你.5"), ("char", "ab好你.5")])
def test_characters_are_counted_once_each(made, tmp_path, tokenizer, expected, rare):
    talk = tmp_path / "odd.conv"
    talk.write_text("E\nM ab.ba\nM 你好\nM 5好aa\n", "utf-8")
    _, report = made(files=[talk], tokenizer=tokenizer, rare=rare, min_freq=1, context=1)
    assert report.survey.distinct_characters == len(expected)


# A vocabulary that is brought.


def test_a_list_of_words_is_taken_whole_and_ordered_by_the_corpus(made, tmp_path):
    path = tmp_path / "words.txt"
    path.write_bytes("\ufeff面条\t900\r\n你好\n\nzebra\n今天\n<eos>\n好\n你好\t3\n".encode())
    folder, report = made(path)
    entries = report.vocabulary.words[4:]
    assert sorted(entries) == sorted(["面条", "你好", "zebra", "今天", "好", " ", "##"])
    counts = report.vocabulary.counts[4:]
    assert list(counts) == sorted(counts, reverse=True)
    assert dict(zip(entries, counts, strict=True))["zebra"] == 0
    with TokenStore(folder.store) as store:
        tokens = Counter(store.read([(0, len(TALK))]).tokens.tolist())
    assert list(counts) == [tokens[id] for id in range(4, 11)]
    assert report.unknown == report.vocabulary.counts[UNK] == tokens[UNK] > 0


def test_the_cut_offs_do_not_touch_a_vocabulary_that_is_brought(made, tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("".join(f"词{i}\n" for i in range(20)) + "好\n", "utf-8")
    _, report = made(path, min_freq=50, max_size=8)
    assert len(report.vocabulary) == 4 + 21 + 2


@pytest.mark.parametrize("tokenizer", ["jieba", "char"])
def test_blanks_need_not_stand_in_a_list(made, tmp_path, tokenizer):
    talk, path = tmp_path / "odd.tsv", tmp_path / "words.txt"
    talk.write_text("5G 网\tx.y\n", "utf-8")
    path.write_text("5G\n网\n5\nG\nx\ny\n.\n", "utf-8")
    _, report = made(path, files=[talk], tokenizer=tokenizer)
    assert report.unknown == 0
    assert set(report.vocabulary.words) >= ({" "} if tokenizer == "char" else {" ", "##"})


def test_the_ids_of_another_models_vocabulary_are_kept(made, tmp_path):
    other = tmp_path / "other.tsv"
    other.write_text("好吃\t面条面条\n" * 3 + "天\t地\n" * 2, "utf-8")
    first, _ = made(name="first", files=[other], min_freq=1)
    folder, report = made(first.vocabulary)
    brought = Vocabulary.load(first.vocabulary)
    assert report.vocabulary.words == brought.words
    assert report.vocabulary.counts != brought.counts
    assert list(report.vocabulary.counts[4:]) != sorted(report.vocabulary.counts[4:], reverse=True)
    assert Vocabulary.load(folder.vocabulary).digest == brought.digest


@pytest.mark.parametrize("kind", ["list", "vocabulary"])
def test_where_there_are_earlier_turns_the_separator_is_added(made, tmp_path, kind):
    talk = tmp_path / "talk.conv"
    talk.write_text("E\nM 早\nM 你早\nM 好\n", "utf-8")
    path = tmp_path / "words.txt"
    path.write_text("你\n早\n好\n", "utf-8")
    if kind == "vocabulary":
        path = made(path, "first", [talk], tokenizer="char")[0].vocabulary
    folder, report = made(path, "second", [talk], tokenizer="char", context=1)
    assert report.unknown == 0
    words = report.vocabulary.words
    if kind == "vocabulary":
        assert words == (*Vocabulary.load(path).words, "<sep>")
    with TokenStore(folder.store) as store:
        pairs = store.read([(0, 2)])
    sides = [
        "".join(words[id] for id in pairs.tokens[a:b].tolist())
        for a, b in zip(pairs.bounds[:-1], pairs.bounds[1:], strict=True)
    ]
    assert sorted(zip(sides[::2], sides[1::2], strict=True)) == [
        ("早", "你早"),
        ("早<sep>你早", "好"),
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", ": no words. Give one a line."),
        ("\n \r\n\t你好\n<pad>\n".encode(), ": no words. Give one a line."),
        ("你好\nnew york\n".encode(), ":2: 'new york' has a blank. Give one word a line."),
        ("你好".encode("gb18030"), ": not UTF-8. Save the list of words as UTF-8."),
        (None, ": cannot be read (No such file or directory). Check the file."),
    ],
)
def test_a_list_that_is_none_is_refused(made, tmp_path, content, said):
    path = tmp_path / "words.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ChatbotError) as caught:
        made(path)
    assert str(caught.value) == f"{path}{said}"


def test_a_vocabulary_for_text_cut_in_another_way_is_refused(made):
    path = made(name="first", tokenizer="char")[0].vocabulary
    with pytest.raises(ChatbotError) as caught:
        made(path)
    assert str(caught.value) == (
        f"{path}: made with --tokenizer char, asked for now is jieba. Give --tokenizer char, or "
        "bring a plain list of words."
    )
    with pytest.raises(ChatbotError) as caught:
        made(path, tokenizer="char", rare="unk")
    assert str(caught.value) == (
        f"{path}: made with --rare characters, asked for now is unk. Give --rare characters, or "
        "bring a plain list of words."
    )
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(ChatbotError, match="damaged"):
        made(path, tokenizer="char")
