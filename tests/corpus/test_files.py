"""Names and bytes in; corpus files and numbered lines out."""

import gzip
import os
import re
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.corpus.files import SAMPLE_LINES, find_files, read_lines, sample_lines
from chatbot.errors import ChatbotError


def written(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def refusal(path, action=sample_lines):
    with pytest.raises(ChatbotError) as caught:
        list(action(path))
    return str(caught.value)


def test_a_folder_stands_for_its_files_sorted_by_path(tmp_path):
    for name in ("b.txt", "a/z.txt", "a/deep/er.tsv", "c.tsv.gz"):
        written(tmp_path / name, "x\ty\n")
    names = [str(path.relative_to(tmp_path)) for path in find_files([tmp_path])]
    assert names == ["a/deep/er.tsv", "a/z.txt", "b.txt", "c.tsv.gz"]


def test_readmes_licences_and_hidden_files_in_a_folder_are_not_corpora(tmp_path):
    ignored = ("README.md", "readme", "LICENSE", "LICENCE.txt", "COPYING", "CHANGELOG.md")
    for name in (*ignored, "NOTICE", ".hidden.tsv", ".git/talk.tsv", "a/.DS_Store"):
        written(tmp_path / name, "x\ty\n")
    talk = written(tmp_path / "talk.tsv", "x\ty\n")
    assert find_files([tmp_path]) == [talk]


@pytest.mark.parametrize(
    ("name", "ignored"),
    [
        ("README", True),
        ("readme.zh.md", True),
        ("README-first.txt", True),
        ("LICENSE-MIT", True),
        ("Notice.txt", True),
        ("CHANGELOG", True),
        ("notices.tsv", False),
        ("copyings.tsv", False),
        ("licensed_talk.tsv", False),
        ("readme_talk.tsv", False),
        ("readmes", False),
        ("my-readme.tsv", False),
        ("unlicense", False),
    ],
)
def test_names_of_files_that_are_no_corpora_are_whole_words(tmp_path, name, ignored):
    written(tmp_path / name, "x\ty\n")
    talk = written(tmp_path / "z.tsv", "x\ty\n")
    assert find_files([tmp_path]) == ([talk] if ignored else [tmp_path / name, talk])


def test_a_hidden_folder_named_outright_is_read(tmp_path):
    talk = written(tmp_path / ".mine" / "talk.tsv", "x\ty\n")
    assert find_files([tmp_path / ".mine"]) == [talk]


def test_a_readme_named_outright_is_taken(tmp_path):
    readme = written(tmp_path / "README.md", "x\ty\n")
    assert find_files([readme]) == [readme]


def test_a_file_named_in_several_ways_comes_once(tmp_path, monkeypatch):
    one, other = written(tmp_path / "one.tsv", "x\ty\n"), written(tmp_path / "other.tsv", "x\ty\n")
    monkeypatch.chdir(tmp_path)
    names = [Path("other.tsv"), tmp_path, one, other, tmp_path / "." / "one.tsv"]
    assert find_files(names) == [Path("other.tsv"), one]


def test_what_does_not_exist_is_refused(tmp_path):
    name = tmp_path / "gone.tsv"
    assert refusal([name], find_files) == (
        f"{name}: no such file or folder. Name a file of conversations, or put one in data/."
    )


def test_folders_without_a_corpus_are_refused_by_name(tmp_path):
    written(tmp_path / "one" / "README.md", "nothing")
    (tmp_path / "two").mkdir()
    assert refusal([tmp_path / "one", tmp_path / "two"], find_files) == (
        f"{tmp_path / 'one'}, {tmp_path / 'two'}: no corpus found. Put a file of conversations "
        "there, one question<TAB>reply a line, or name one: chatbot build-vocab FILE."
    )


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"", []),
        (b"\n", [""]),
        (b"one", ["one"]),
        (b"one\n", ["one"]),
        (b"one\n\ntwo\n", ["one", "", "two"]),
        (b"a\rb\r\n\xe2\x80\xa8c\x0cd\x85\n", ["a\rb\r", None]),
        ("a\u2028b\x0cc\x85d\n".encode(), ["a\u2028b\x0cc\x85d"]),
        (b"\xef\xbb\xbffirst\n\xef\xbb\xbfsecond\n", ["first", "\ufeffsecond"]),
        (b"good\n\xc4\xe3\xba\xc3\ngood again\n", ["good", None, "good again"]),
    ],
)
def test_a_line_ends_at_a_line_feed_and_nowhere_else(tmp_path, content, lines):
    path = written(tmp_path / "x.txt", content)
    assert list(read_lines(path)) == list(enumerate(lines, 1))


def test_gzip_reads_as_the_plain_file_does(tmp_path):
    content = "你好\t再见\n".encode() * 7
    plain = written(tmp_path / "x.tsv", content)
    packed = written(tmp_path / "x.tsv.gz", gzip.compress(content))
    assert list(read_lines(packed)) == list(read_lines(plain))


@given(st.binary(max_size=300))
def test_every_line_of_any_bytes_is_text_or_none_or_the_file_is_refused(tmp_path_factory, content):
    path = written(tmp_path_factory.getbasetemp() / "any.txt", content)
    try:
        lines = list(read_lines(path))
    except ChatbotError as error:
        line = content[: content.index(b"\0")].count(b"\n") + 1
        assert str(error).startswith(f"{path}:{line}: binary data.")  # noqa: PT017
        return
    assert [number for number, _ in lines] == list(range(1, len(lines) + 1))
    texts = [line for _, line in lines]
    if None not in texts:
        ended = "\n" if content.endswith(b"\n") else ""
        assert "\n".join(texts) + ended == content.removeprefix(b"\xef\xbb\xbf").decode()


def test_a_line_of_one_mebibyte_is_read_and_a_longer_one_refused(tmp_path):
    longest = b"x" * ((1 << 20) - 1) + b"\n"
    assert len(list(read_lines(written(tmp_path / "a.txt", b"y\n" + longest)))) == 2
    path = written(tmp_path / "b.txt", b"y\nx" + longest)
    assert refusal(path, read_lines) == (
        f"{path}:2: line over 1 MiB. Give one utterance or pair a line."
    )


def test_an_empty_file_and_one_of_blank_lines_are_refused(tmp_path):
    for content in (b"", b"\n \t\n\r\n", "\u3000\n".encode(), b"\xef\xbb\xbf"):
        path = written(tmp_path / "x.txt", content)
        assert refusal(path) == f"{path}: empty file. Put conversations in it, or remove it."


def test_a_binary_file_is_refused(tmp_path):
    path = written(tmp_path / "x.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
    assert refusal(path) == (f"{path}:3: binary data. Name text files only (UTF-8, plain or .gz).")


def test_a_gb18030_file_is_refused_with_the_command_that_converts_it(tmp_path):
    path = written(tmp_path / "x.tsv", "早上好\t你也早\n".encode("gb18030") * 3)
    assert refusal(path) == (
        f"{path}:1: not UTF-8. Convert it first, for Chinese often: "
        "iconv -f gb18030 -t utf-8 x.tsv > utf8-x.tsv"
    )


def test_one_bad_line_in_ten_is_suffered_and_one_more_is_not(tmp_path):
    good, bad = b"fine\tindeed\n", b"\xff\xfe\tx\n"
    assert len(sample_lines(written(tmp_path / "a.tsv", good * 18 + bad * 2))) == 18
    path = written(tmp_path / "b.tsv", good * 17 + bad * 2)
    assert refusal(path).startswith(f"{path}:18: not UTF-8.")


def test_a_sample_is_the_first_lines_without_blank_ones(tmp_path):
    lines = [f"line {i}" if i % 3 else " " for i in range(SAMPLE_LINES + 50)]
    path = written(tmp_path / "x.txt", "\n".join(lines))
    assert sample_lines(path) == [line for line in lines[:SAMPLE_LINES] if line != " "]


def test_a_truncated_or_damaged_gz_is_refused(tmp_path):
    packed = gzip.compress(b"".join(b"%d\t%d\n" % (i, i * i) for i in range(500)))
    path = written(tmp_path / "x.gz", packed[:-20])
    assert refusal(path, read_lines) == (
        f"{path}: cannot be read (Compressed file ended before the end-of-stream marker was "
        "reached). Check the file."
    )
    foreign = written(tmp_path / "y.gz", b"plain text\n")
    assert refusal(foreign, read_lines) == (
        f"{foreign}: cannot be read (Not a gzipped file (b'pl')). Check the file."
    )
    middle = len(packed) // 2
    flipped = packed[:middle] + bytes([packed[middle] ^ 0xFF]) + packed[middle + 1 :]
    with pytest.raises((zlib.error, OSError, EOFError)):
        gzip.decompress(flipped)
    wrong = written(tmp_path / "z.gz", flipped)
    assert re.fullmatch(
        re.escape(f"{wrong}: cannot be read (") + r".*\)\. Check the file\.",
        refusal(wrong, read_lines),
    )


def test_a_folder_in_place_of_a_file_is_refused(tmp_path):
    assert refusal(tmp_path, read_lines) == (
        f"{tmp_path}: cannot be read ([Errno 21] Is a directory: '{tmp_path}'). Check the file."
    )


def test_a_pipe_is_refused_as_a_corpus_is_read_twice(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(ChatbotError) as caught:
        find_files([path])
    assert str(caught.value) == (
        f"{path}: not a regular file, and a corpus is read twice. Save it to a file first."
    )
