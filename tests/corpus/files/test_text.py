"""Names in; numbered lines of text out, whatever is wrong with the files."""

import gzip
import pickle
import random
import sqlite3
import tracemalloc
import zipfile
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.config import ReadingConfig
from chatbot.corpus.files import text as text_module
from chatbot.corpus.files.mending import Faults, Foreign, decode_block
from chatbot.corpus.files.text import LONGEST_LINE, SAMPLE_LINES, Sample, find_texts
from chatbot.errors import ChatbotError

GREETING, ANSWER = "早上好，你吃饭了吗？", "还没有，我们一起去吧。"
TRADITIONAL = "還沒有，我們一起去吃飯吧。"


def written(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def opened(path, **reading):
    (found,) = find_texts([path], ReadingConfig(**reading))
    return found


def read(path, **reading):
    return [line for _, line in opened(path, **reading).lines()]


def refusal(action, *arguments, **options):
    with pytest.raises(ChatbotError) as caught:
        list(action(*arguments, **options) or ())
    return str(caught.value)


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"one", ["one"]),
        (b"one\n", ["one"]),
        (b"one\n\ntwo\n", ["one", "", "two"]),
        (b"\n\none\n\n\n", ["", "", "one", "", ""]),
        (b"a\rb\r\nc\n", ["a\rb\r", "c"]),
        ("a\u2028b\x0cc\x85d\x1ce\n".encode(), ["a\u2028b\x0cc\x85d\x1ce"]),
        (b"\xef\xbb\xbffirst\n\xef\xbb\xbfsecond\n", ["first", "\ufeffsecond"]),
        ("\ufeff你好\n\u0a05一\n".encode("utf-16-le"), ["你好", "\u0a05一"]),
        ("\ufeff你好\n再\u0a0a见".encode("utf-16-be"), ["你好", "再\u0a0a见"]),
    ],
)
def test_a_line_ends_at_a_line_feed_and_nowhere_else(tmp_path, content, lines):
    path = written(tmp_path / "x.txt", content)
    assert list(opened(path).lines()) == list(enumerate(lines, 1))


LETTERS = st.text(st.sampled_from("你好吗我们早上没有aé \t\r\"'\u2028，。😀"), max_size=9)


@given(
    st.lists(LETTERS, min_size=1, max_size=9),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "gb18030", "utf-32"]),
    st.sampled_from([1, 2, 3, 5, 7, 64, 1 << 20]),
    st.booleans(),
    st.booleans(),
)
def test_lines_and_blocks_are_the_text_whatever_the_encoding_and_the_size_of_blocks(
    tmp_path_factory, lines, encoding, block, ended, packed
):
    meant = "\n".join([f"{GREETING}{ANSWER}", *lines]) + "\n" * ended
    raw = meant.encode(encoding)
    path = written(
        tmp_path_factory.getbasetemp() / "any.txt", gzip.compress(raw) if packed else raw
    )
    given_encoding = None if encoding in ("utf-8", "utf-8-sig") else encoding
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_module, "_BLOCK", block)
        found = opened(path, encoding=given_encoding)
        assert list(found.lines()) == list(enumerate(meant.removesuffix("\n").split("\n"), 1)) or (
            meant.endswith("\n\n") and "".join(f"{x}\n" for _, x in found.lines()) == meant
        )
        assert found.faults == Faults()
        assert found.position == found.size == path.stat().st_size
        assert "".join(found.blocks()) == meant
        assert found.faults == Faults()


def test_half_a_character_of_utf16_that_looks_like_a_line_feed_is_none(tmp_path, monkeypatch):
    long = "\u0a05一" * 2000
    path = written(tmp_path / "x.txt", f"好\n{long}\n{long}".encode("utf-16-le"))
    monkeypatch.setattr(text_module, "_BLOCK", 64)
    assert read(path, encoding="utf-16") == ["好", long, long]
    monkeypatch.setattr(text_module, "LONGEST_LINE", 5000)
    assert refusal(read, path, encoding="utf-16").startswith(f"{path}:2: line over ")
    faults = Faults()
    raw = "\u0a05一".encode("utf-16-le") + b"\x00\xd8\n\x00" + "a\n".encode("utf-16-le")
    assert decode_block(raw, "utf-16-le", 7, faults) == "\u0a05一\ufffd\na\n"
    assert faults.places == [(7, 5)]


def test_a_text_may_begin_with_many_blank_lines(tmp_path):
    path = written(tmp_path / "x.txt", "\n" * 2000 + "a\tb\n")
    assert list(opened(path).lines())[-1] == (2001, "a\tb")


def test_blocks_end_at_line_ends_where_there_are_any(tmp_path, monkeypatch):
    monkeypatch.setattr(text_module, "_BLOCK", 64)
    path = written(tmp_path / "x.txt", f"{GREETING}\n" * 30 + GREETING * 40 + f"\n{ANSWER}\n" * 3)
    blocks = list(opened(path).blocks())
    ends = [block.endswith("\n") for block in blocks]
    long = [i for i, block in enumerate(blocks) if "\n" not in block]
    assert len(long) > 10
    assert all(end for i, end in enumerate(ends) if i not in long)
    assert all(len(block) <= 128 for block in blocks)


@pytest.mark.parametrize("encoding", ["gb18030", "utf-16", "big5"])
def test_a_reading_can_be_repeated_and_two_do_not_disturb_each_other(tmp_path, encoding):
    lines = [TRADITIONAL, "b", "c"]
    found = opened(written(tmp_path / "x.txt", "\n".join(lines).encode(encoding)))
    one, other = found.lines(), found.lines()
    assert [next(one), next(other), next(one)] == [(1, TRADITIONAL), (1, TRADITIONAL), (2, "b")]
    assert list(found.lines()) == list(enumerate(lines, 1))
    assert list(other) == [(2, "b"), (3, "c")]


def test_a_text_can_be_sent_to_another_process(tmp_path):
    found = opened(written(tmp_path / "x.txt", f"{GREETING}\n".encode("gb18030")))
    twin = pickle.loads(pickle.dumps(found))  # noqa: S301
    assert (twin.name, twin.encoding, twin.place) == (found.name, "gb18030", found.place)
    assert list(twin.lines()) == [(1, GREETING)]


# What is wrong in a file: read, counted and located.


def test_bad_bytes_become_replacement_characters_and_are_located(tmp_path):
    bad = f"{GREETING}\n" * 3 + "你\n" + GREETING * 2 + "\n"
    raw = bad.encode()
    raw += b"ab\xffcd " + GREETING.encode() + b"\xfe\n" + f"{ANSWER}\n".encode()
    found = opened(written(tmp_path / "x.txt", raw))
    lines = [line for _, line in found.lines()]
    assert lines[5] == f"ab\ufffdcd {GREETING}\ufffd"
    assert lines[6] == ANSWER
    place = 7 + len(GREETING.encode())
    assert found.faults == Faults(bad=2, bad_lines=1, places=[(6, 3), (6, place)])
    assert found.faults.sentences() == [
        f"2 places are not text (line 6 byte 3, line 6 byte {place})"
    ]


def test_a_character_cut_short_is_one_bad_place(tmp_path):
    raw = f"{GREETING}\n".encode() + GREETING.encode()[:-1] + b"\n"
    found = opened(written(tmp_path / "x.txt", raw))
    assert [line for _, line in found.lines()] == [GREETING, GREETING[:-1] + "\ufffd"]
    assert found.faults.places == [(2, len(GREETING.encode()) - 2)]


def test_replacement_characters_in_the_file_itself_are_no_faults(tmp_path):
    found = opened(written(tmp_path / "x.txt", f"{GREETING}\ufffd\n".encode() * 2))
    assert [line for _, line in found.lines()] == [f"{GREETING}\ufffd"] * 2
    assert not found.faults
    raw = f"{GREETING}\ufffd".encode() + b"\xff\n"
    found = opened(written(tmp_path / "y.txt", raw))
    list(found.lines())
    assert found.faults.bad == 1


def test_five_places_are_kept_and_all_are_counted(tmp_path):
    raw = (GREETING.encode() + b"\xff\n") * 9
    found = opened(written(tmp_path / "x.txt", raw))
    list(found.lines())
    byte = len(GREETING.encode()) + 1
    assert found.faults == Faults(9, 9, [(line, byte) for line in range(1, 6)])
    assert found.faults.sentences()[0].startswith("9 places are not text (line 1 byte 31, ")
    assert found.faults.sentences()[0].endswith("line 5 byte 31 ...)")


def test_a_bad_byte_in_a_long_line_is_located_across_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr(text_module, "_BLOCK", 64)
    start = f"{ANSWER}\n".encode() * 20
    raw = start + b"a" * 1000 + b"\xff" + GREETING.encode() * 9 + b"\n\xff\nb\n" + GREETING.encode()
    found = opened(written(tmp_path / "x.txt", raw))
    for reading in (found.lines, found.blocks):
        list(reading())
        assert found.faults.places == [(21, 1001), (22, 1)]


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16-le"])
def test_a_few_nuls_are_kept_and_counted(tmp_path, encoding):
    raw = f"{GREETING}\n{ANSWER}\n".encode(encoding) * 20 + "a\0b\0\n".encode(encoding)
    found = opened(written(tmp_path / "x.txt", raw), encoding=encoding)
    assert list(found.lines())[-1] == (41, "a\0b\0")
    assert found.faults == Faults(nuls=2)
    assert found.faults.sentences() == ["2 NUL characters"]


@pytest.mark.parametrize(
    ("main", "other", "sentence", "foreign"),
    [
        ("utf-8", "gb18030", GREETING, "gb18030"),
        ("utf-8", "big5", TRADITIONAL, "big5hkscs"),
        ("gb18030", "utf-8", GREETING, "utf-8"),
        ("gb18030", "utf-8", "你好", "utf-8"),
        ("gb18030", "utf-8", "\u263a ok", "utf-8"),
        ("big5", "utf-8", TRADITIONAL, "utf-8"),
        ("gb18030", "big5", TRADITIONAL, "big5hkscs"),
        ("big5", "gb18030", GREETING, "gb18030"),
    ],
)
def test_lines_in_another_encoding_are_read_and_counted(tmp_path, main, other, sentence, foreign):
    text = TRADITIONAL if main == "big5" else ANSWER
    raw = f"{text}\n".encode(main) * 500 + f"{sentence}\n".encode(other) * 120
    raw += f"{text}\n".encode(main) * 7 + f"{sentence}\n".encode(other)
    found = opened(written(tmp_path / "x.txt", raw))
    lines = [line for _, line in found.lines()]
    assert lines == [text] * 500 + [sentence] * 120 + [text] * 7 + [sentence]
    assert found.faults == Faults(foreign={foreign: Foreign(121, 501)})
    name = {"gb18030": "GB18030", "big5hkscs": "Big5", "utf-8": "UTF-8"}[foreign]
    assert found.faults.sentences() == [f"121 lines from line 501 on are {name}"]


def test_utf8_lines_of_a_western_file_are_read(tmp_path):
    raw = b"na\xefve, she said\n" * 20 + "it\u2019s café\n".encode()
    found = opened(written(tmp_path / "x.txt", raw))
    assert found.encoding == "cp1252"
    assert [line for _, line in found.lines()] == ["naïve, she said"] * 20 + ["it\u2019s café"]
    assert found.faults.sentences() == ["1 line, 21, is UTF-8"]


@given(st.data())
def test_one_broken_byte_does_not_make_a_line_of_utf8_another_encoding(data):
    raw = bytearray(data.draw(st.sampled_from([GREETING, ANSWER, TRADITIONAL])).encode())
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] = data.draw(st.integers(0x80, 0xFF))
    faults = Faults()
    text = decode_block(bytes(raw) + b"\n", "utf-8", 1, faults)
    assert faults.foreign == {}
    assert text == bytes(raw).decode("utf-8", "replace") + "\n"


@given(st.data())
def test_short_lines_of_gb18030_are_not_taken_for_utf8(data):
    usual = "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子"
    line = (
        data.draw(st.text(st.sampled_from(usual + "涌浜浠娴洿鏈"), min_size=1, max_size=6)) + "\n"
    )
    faults = Faults()
    assert decode_block(line.encode("gb18030"), "gb18030", 1, faults) == line
    assert not faults


USUAL = "的一是不了在人有我他大地到以出可也你生能而子好了上下 a1，"


@pytest.mark.parametrize(
    ("encoding", "usual"),
    [
        ("gb18030", USUAL + "這個們來為國說時會對"),
        ("gb18030", USUAL + "这个们来为国说时会对"),
        ("big5hkscs", USUAL + "這個們來為國說時會對"),
    ],
)
@given(st.data())
def test_sound_lines_are_not_taken_for_the_twin_of_their_encoding(encoding, usual, data):
    line = data.draw(st.text(st.sampled_from(usual), min_size=1, max_size=9)) + "\n"
    faults = Faults()
    assert decode_block(line.encode(encoding), encoding, 1, faults) == line
    assert not faults


def test_a_line_that_makes_sense_in_gb18030_stays_in_it_though_it_is_valid_utf8():
    raw = "涓电不\n".encode("gb18030")
    assert raw.decode() == "\u4e35\u7cbb\n"
    assert decode_block(raw, "gb18030", 1, Faults()) == "涓电不\n"


def test_one_chinese_character_is_not_enough_for_utf8():
    raw = "中！\n".encode()
    assert decode_block(raw, "gb18030", 1, Faults()) == raw.decode("gb18030")


def test_two_bytes_alone_are_bad_unless_other_lines_were_in_that_encoding():
    alone, line = "好\n".encode("gb18030"), f"{GREETING}\n".encode("gb18030")
    faults = Faults()
    text = decode_block(alone + line + alone, "utf-8", 1, faults)
    assert text == f"\ufffd\ufffd\n{GREETING}\n好\n"
    assert faults == Faults(2, 1, [(1, 1), (1, 2)], 0, {"gb18030": Foreign(2, 2)})


def test_every_reading_counts_its_faults_anew(tmp_path):
    found = opened(written(tmp_path / "x.txt", GREETING.encode() + b"\xff\n" + b"a\n" * 3))
    assert not found.faults
    for _ in range(2):
        list(found.lines())
        assert found.faults.bad == 1
    found.sample()
    assert found.faults.bad == 1
    next(iter(found.blocks()))
    assert found.faults.bad == 1


@given(st.binary(min_size=1, max_size=200))
def test_any_bytes_are_read_or_refused(tmp_path_factory, content):
    path = written(tmp_path_factory.getbasetemp() / "bytes.txt", content)
    try:
        found = opened(path)
        numbers = [number for number, _ in found.lines()]
    except ChatbotError as error:
        assert str(error).startswith(f"{path}")  # noqa: PT017
        return
    assert numbers == list(range(1, len(numbers) + 1))


# What is refused.


def test_an_empty_file_and_one_of_blank_lines_are_refused(tmp_path):
    for content in (b"", b"\n \t\n\r\n", "\u3000\n".encode(), b"\xef\xbb\xbf", gzip.compress(b"")):
        path = written(tmp_path / "x.txt", content)
        assert refusal(opened, path) == (
            f"{path}: empty file. Put conversations in it, or remove it."
        )


def test_a_line_of_16_mebibytes_is_read_and_a_longer_one_refused(tmp_path, monkeypatch):
    assert LONGEST_LINE == 16 << 20
    monkeypatch.setattr(text_module, "LONGEST_LINE", 5000)
    monkeypatch.setattr(text_module, "_BLOCK", 1000)
    longest = b"x" * 5000
    path = written(tmp_path / "a.txt", b"y\n" + longest + b"\n" + longest)
    assert [len(line) for line in read(path)] == [1, 5000, 5000]
    for name, content in (("b.txt", b"y\nx" + longest), ("c.txt", b"y\nx" + longest + b"\nz\n")):
        path = written(tmp_path / name, content)
        assert refusal(lambda path=path: opened(path).lines()).startswith(f"{path}:2: line over ")
        assert "".join(opened(path).blocks()) == content.decode()


def test_a_giant_line_costs_a_bounded_memory_in_blocks(tmp_path):
    path = written(tmp_path / "x.json", gzip.compress(b'["' + b"a" * (24 << 20), 1))
    found = opened(path)
    tracemalloc.start()
    assert sum(map(len, found.blocks())) == (24 << 20) + 2
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 << 20
    assert refusal(found.lines) == (
        f"{path}:1: line over 16 MiB. Give one utterance or pair a line."
    )


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path):
    path = written(tmp_path / "x.txt", f"{GREETING}\n".encode() * 100_000)
    lines = opened(path).lines()
    next(lines)
    with path.open("ab") as file:
        file.write(b"more\n")
    assert refusal(lambda: lines) == (
        f"{path}: changed while it was read. Let nothing write to it, and run the command again."
    )


def test_an_unknown_encoding_is_refused_by_the_name_of_the_option(tmp_path):
    path = written(tmp_path / "x.txt", "a\n")
    assert refusal(opened, path, encoding="klingon").startswith("--encoding klingon: no such")


# Samples.


def test_a_sample_is_the_beginning_of_a_text(tmp_path):
    path = written(tmp_path / "talk.CSV", "a,b\n\n" + f"{GREETING}\n")
    raw = path.read_bytes()
    assert opened(path).sample() == Sample("talk.CSV", ["a,b", "", GREETING], True, raw)


def test_a_sample_has_at_most_a_thousand_lines(tmp_path):
    for more in (0, 1):
        path = written(tmp_path / "x.txt", "a\n" * (SAMPLE_LINES + more))
        sample = opened(path).sample()
        assert sample.lines == ["a"] * 1000
        assert sample.whole == (not more)


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16"])
def test_a_line_that_is_cut_off_is_no_part_of_a_sample(tmp_path, encoding, monkeypatch):
    monkeypatch.setattr(text_module, "SAMPLE_BYTES", 777)
    path = written(tmp_path / "x.txt", (f"{GREETING}{ANSWER}\n" * 50).encode(encoding))
    sample = opened(path).sample()
    assert set(sample.lines) == {GREETING + ANSWER}
    assert 5 < len(sample.lines) < 20
    assert not sample.whole


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16"])
def test_the_only_line_is_sampled_up_to_a_whole_character(tmp_path, encoding, monkeypatch):
    path = written(tmp_path / "x.txt", (GREETING * 50).encode(encoding))
    for size in (501, 502, 503, 504):
        monkeypatch.setattr(text_module, "SAMPLE_BYTES", size)
        (line,) = opened(path).sample().lines
        assert (GREETING * 50).startswith(line)
        assert len(line) >= 160


@pytest.mark.parametrize(
    ("name", "short"),
    [("talk.csv.gz", "talk.csv"), ("talk.tsv.XZ", "talk.tsv"), ("talk.gz.csv", "talk.gz.csv")],
)
def test_a_sample_is_named_without_what_it_was_compressed_by(tmp_path, name, short):
    path = written(tmp_path / name, gzip.compress(b"a\n" * 3000))
    sample = opened(path).sample()
    assert (sample.name, sample.head) == (short, b"a\n" * 2048)


def test_a_member_of_an_archive_is_named_after_both(tmp_path):
    path = tmp_path / "talks.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("films/a.txt", "x\ty\n")
    found = opened(path)
    assert (found.name, found.sample().name) == (f"{path}:films/a.txt", "a.txt")
    assert list(found.lines()) == [(1, "x\ty")]


# Databases, companions.


def test_a_database_has_no_lines_but_stands_on_disk(tmp_path):
    plain = tmp_path / "x.db"
    with closing(sqlite3.connect(plain)) as database:
        database.execute("create table talk (ask text, answer text)")
        database.execute("insert into talk values ('a', 'b')")
        database.commit()
    packed = written(tmp_path / "y.db.gz", gzip.compress(plain.read_bytes()))
    for path in (plain, packed):
        found = opened(path)
        sample = found.sample()
        assert (found.encoding, sample.lines, sample.whole) == ("", (), False)
        assert sample.head == plain.read_bytes()[:4096]
        with found.on_disk() as place, closing(sqlite3.connect(place)) as database:
            assert database.execute("select * from talk").fetchall() == [("a", "b")]
        assert place.exists() == (path == plain)
        assert refusal(found.lines) == f"{path}: binary data. Name text files only."


def test_the_companion_of_a_file_stands_beside_it(tmp_path):
    question = written(tmp_path / "x.enc", f"{GREETING}\n".encode("gb18030"))
    answer = written(tmp_path / "x.dec.gz", gzip.compress(f"{ANSWER}\n".encode("gb18030")))
    found = opened(question)
    companion = found.beside(["x.out", "x.dec", "x.enc"])
    assert list(companion.lines()) == [(1, ANSWER)]
    assert companion.place == opened(answer).place != found.place
    assert companion.name == str(answer)
    assert found.beside(["x.out"]) is None


def test_the_companion_of_a_member_stands_in_the_same_folder_of_the_archive(tmp_path):
    path = tmp_path / "talks.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("a/x.enc", "a/x.dec", "b/x.dec", "x.dec"):
            archive.writestr(name, f"{name}\n")
    texts = {found.name: found for found in find_texts([path], ReadingConfig())}
    companion = texts[f"{path}:a/x.enc"].beside(["x.dec"])
    assert list(companion.lines()) == [(1, "a/x.dec")]
    assert companion.place == texts[f"{path}:a/x.dec"].place
    assert len({found.place for found in texts.values()}) == 4
    assert texts[f"{path}:b/x.dec"].beside(["x.enc"]) is None
    path.unlink()
    assert texts[f"{path}:b/x.dec"].beside(()) is None, "no name, nothing to look for"


def test_random_blocks_of_mixed_lines_are_the_lines_one_by_one(tmp_path):
    source = random.Random(5)
    lines = [
        (sentence, encoding)
        for _ in range(400)
        for sentence, encoding in [
            source.choice([(GREETING, "utf-8"), (ANSWER, "gb18030"), (TRADITIONAL, "utf-8")])
        ]
    ]
    raw = b"".join(f"{sentence}\n".encode(encoding) for sentence, encoding in lines)
    assert read(written(tmp_path / "x.txt", raw)) == [sentence for sentence, _ in lines]
