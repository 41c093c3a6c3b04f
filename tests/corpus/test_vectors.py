"""Literal files of word vectors in, rows of the vocabulary out; what is no such file is refused."""

import bz2
import gzip
import lzma
import tracemalloc

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chatbot.config import CorpusConfig
from chatbot.corpus.vectors import Coverage, read_vectors
from chatbot.corpus.vocabulary import SPECIAL, Vocabulary
from chatbot.errors import ChatbotError

WORDS = (" ", "##", "你好", "我", "##a", "b", "祸", "##b", "###")
COUNTS = (0, 0, 1000, 7, 50, 40, 30, 20, 10, 9, 8, 6, 5)  # of PAD, GO, EOS, UNK, and of the words
VOCABULARY = Vocabulary((*SPECIAL, *WORDS), COUNTS, CorpusConfig())

LITERAL = """\
9 3
的 1 2 3
我 0.25 -1e-2 +3
<eos> 7 7 7
## 8 8 8
我 4 4 4
a .5 5. 0
你好吗 nonsense
b 1 1 2
\t你好 1 2 3
"""
ROWS = {7: [0.25, -0.01, 3], 8: [0.5, 5, 0], 9: [1, 1, 2], 11: [1, 1, 2]}
"""What it has for 我, ##a, b and ##b."""


@pytest.fixture
def read(tmp_path):
    """(content, name, width) -> what is read from a file of that content."""

    def run(content, name="words.vec", width=None, vocabulary=VOCABULARY):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_vectors(path, vocabulary, width)

    return run


def table(vectors):
    return dict(zip(vectors.ids.tolist(), vectors.rows, strict=True))


def assert_has(vectors, expected):
    assert vectors.ids.tolist() == sorted(expected)
    assert (vectors.ids.dtype, vectors.rows.dtype) == (np.int64, np.float32)
    for id, row in table(vectors).items():
        np.testing.assert_array_equal(row, np.array(expected[id], np.float32))


def test_the_entries_of_the_vocabulary_get_the_rows_of_the_file(read):
    vectors = read(LITERAL)
    assert_has(vectors, ROWS)
    # 你好 stands behind a TAB and 祸 is not there; 185 is all but the ends of replies.
    assert vectors.coverage == Coverage(4, 9, (20 + 10 + 9 + 6) / 185, 3, 0)


def test_the_first_line_may_be_a_vector_and_a_width_may_be_asked_for(read):
    assert_has(read(LITERAL.split("\n", 1)[1], width=3), ROWS)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", " \n"),
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("\n", "\n\n") + "  \n",
        lambda text: text.replace(" ", "   "),
        lambda text: text[:-1],
        lambda text: "\ufeff" + text,
    ],
    ids=["blank at the end", "CRLF", "empty lines", "wide", "no last line feed", "BOM"],
)
def test_what_programs_write_differently_is_read_the_same(read, change):
    for text in (LITERAL, LITERAL.split("\n", 1)[1]):
        assert_has(read(change(text)), ROWS)


@pytest.mark.parametrize(("suffix", "packed"), [("gz", gzip), ("bz2", bz2), ("xz", lzma)])
def test_packed_files_are_read_and_what_is_cut_off_is_refused(read, tmp_path, suffix, packed):
    data = packed.compress(LITERAL.encode())
    assert_has(read(data, f"words.vec.{suffix}"), ROWS)
    with pytest.raises(ChatbotError) as caught:
        read(data[:-12], f"words.vec.{suffix}")
    assert str(caught.value).startswith(f"{tmp_path}/words.vec.{suffix}: cannot be read (")
    assert_has(read(LITERAL, f"words.vec.{suffix}"), ROWS)


def test_a_character_joined_to_the_one_before_has_its_own_vector_if_there_is_one(read):
    for lines in (["a 1 2", "##a 3 4"], ["##a 3 4", "a 1 2"]):
        assert_has(read("\n".join(["b 5 6", *lines])), {8: [3, 4], 9: [5, 6], 11: [5, 6]})
    assert_has(read("# 1 2"), {12: [1, 2]})


def test_marks_and_special_entries_take_no_vector(read):
    assert_has(read("## 1 2\n<pad> 1 2\n<go> 1 2\n<eos> 1 2\n<unk> 1 2\n  1 2\nb 3 4"), {
        9: [3, 4],
        11: [3, 4],
    })  # fmt: skip


def test_lines_of_another_width_are_left_out_and_counted_where_they_are_of_entries(read):
    vectors = read("x 0 0\nb . . 9\nb 1\n我 7 7 7\nyy 3 3 3\nb 1 2\nb 1 2 3\n祸\n")
    assert_has(vectors, {9: [1, 2], 11: [1, 2]})
    assert vectors.coverage.left_out == 4


@pytest.mark.parametrize("inside", ["\u3000", "\xa0", "\x85", "\u2028", "\x0c", "\t"])
def test_only_a_blank_ends_a_word(read, inside):
    word = f"你{inside}好"
    vocabulary = Vocabulary((*SPECIAL, "你", word), (0, 0, 1, 0, 1, 1), CorpusConfig())
    assert_has(read(f"{word} 1 2\n你 3 4\n", vocabulary=vocabulary), {4: [3, 4], 5: [1, 2]})


NO_ENTRY = (
    "{0}: no vector of width {1} for any entry of the vocabulary. Name a file of word vectors in "
    "the language of the corpus, in UTF-8."
)
NO_VECTORS = (
    "{0}: not a file of word vectors. It takes a word and its numbers a line, blanks between "
    "(word2vec's text format)."
)
NO_NUMBERS = "{0}:{1}: not finite numbers behind its word. Delete the line."


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("", NO_VECTORS),
        (" \n\n", NO_VECTORS),
        ("你好\n我\n", NO_VECTORS),
        ("b\t1\t2\n", NO_VECTORS.replace("{1}", "2")),
        ("{}\n", NO_VECTORS),
        ("x 1 2\ny 3 4\n", NO_ENTRY.replace("{1}", "2")),
        ("2 3\nb 1 2\n我 1 2\n", NO_ENTRY.replace("{1}", "3")),
        ("我 你好\n".encode("gb18030"), NO_ENTRY.replace("{1}", "1")),
        ("b 0 0\n我 0 -0\nx 1 2", "{0}: all its vectors are zero. Name another file."),
        ("x 1 2\nb 1 nan\n", NO_NUMBERS.replace("{1}", "2")),
        ("1 2\n\nb inf 1\n", NO_NUMBERS.replace("{1}", "3")),
        ("b 1 1e39\n", NO_NUMBERS.replace("{1}", "1")),
        ("x 1 2\nb 1 two\n", NO_NUMBERS.replace("{1}", "2")),
        ("x 1 2\nb 1 二\n", NO_NUMBERS.replace("{1}", "2")),
        (
            "3 2\nb 1 2\nx 1 2\n",
            "{0}: 2 vectors where its first line says 3. Get the whole file, or delete the first "
            "line to take it as it is.",
        ),
        (
            "1 2\nb 1 2\nx 1 2\n",
            "{0}: 2 vectors where its first line says 1. Get the whole file, or delete the first "
            "line to take it as it is.",
        ),
        (
            b"2 3\nb \0\0\x80?\0\0\x80?\0\0\0\0\n",
            "{0}: binary. Convert it to text, a word and its numbers a line.",
        ),
        (
            b"b 1 2\nx" + b" 1" * (1 << 20) + b"\n",
            "{0}:2: line over 1 MiB, so no word vector.",
        ),
    ],
)
def test_what_is_no_file_of_vectors_is_refused_in_one_line(read, tmp_path, content, line):
    with pytest.raises(ChatbotError) as caught:
        read(content)
    assert str(caught.value) == line.replace("{0}", str(tmp_path / "words.vec"))


def test_another_width_than_asked_for_is_refused_at_once(read, tmp_path):
    for content in ("9 3\n", "b 1 2 3\nb 1 nan 2\n"):
        with pytest.raises(ChatbotError) as caught:
            read(content, width=4)
        assert str(caught.value) == (
            f"--embedding 4: the vectors in {tmp_path}/words.vec have width 3. Leave the option "
            "out, or name vectors of that width."
        )


def test_a_file_that_is_not_there_or_a_folder_is_refused(tmp_path):
    for path, reason in (
        (tmp_path / "none.vec", "No such file or directory"),
        (tmp_path, "Is a directory"),
    ):
        with pytest.raises(ChatbotError) as caught:
            read_vectors(path, VOCABULARY)
        assert str(caught.value) == f"{path}: cannot be read ({reason}). Check the file."


ALPHABET = ["a", "b", "ab", "##a", "你", "你好", "c", "##", " "]
LINES = st.tuples(
    st.sampled_from([*ALPHABET, "zz", "的"]),
    st.lists(st.integers(-9, 9), min_size=1, max_size=3),
)


@example(["a"], [(" ", [0, 0]), ("a", [1]), ("a", [2, 3])])
@given(st.lists(st.sampled_from(ALPHABET), unique=True), st.lists(LINES, min_size=1))
def test_any_file_is_read_as_by_a_loop_over_it(tmp_path_factory, words, lines):
    vocabulary = Vocabulary((*SPECIAL, *words), tuple(range(4 + len(words))), CorpusConfig())
    text = "".join(f"{word} {' '.join(map(str, numbers))}\n" for word, numbers in lines)
    lines = [tuple(line.split(" ", 1)) for line in text.splitlines()]
    width = len(lines[0][1].split())
    expected = {}
    for id, word in enumerate(vocabulary.words):
        bare = word[2:] if len(word) == 3 and word[:2] == "##" else word
        for source in (word, bare) if id >= 4 and word not in (" ", "##") else ():
            rows = [n.split() for w, n in lines if w == source and len(n.split()) == width]
            if rows:
                expected.setdefault(id, [int(number) for number in rows[0]])
    path = tmp_path_factory.mktemp("any") / "words.vec"
    path.write_text(text, "utf-8")
    if any(any(row) for row in expected.values()):
        vectors = read_vectors(path, vocabulary)
        assert_has(vectors, expected)
        assert vectors.coverage.covered == len(expected)
        assert vectors.coverage.entries == len(words)
    else:
        with pytest.raises(ChatbotError):
            read_vectors(path, vocabulary)


def test_memory_does_not_grow_with_the_file(tmp_path):
    path = tmp_path / "many.vec.gz"
    with gzip.open(path, "wt", encoding="utf-8", compresslevel=1) as file:
        for number in range(20_000):
            file.write(f"词{number} {'0.125 ' * 200}\n")
        file.write(f"我 {'0.5 ' * 200}\n")
    tracemalloc.start()
    try:
        vectors = read_vectors(path, VOCABULARY)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert vectors.coverage.covered == 1
    assert peak < 1 << 20  # of 25 MB
