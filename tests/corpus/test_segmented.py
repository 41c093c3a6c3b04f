"""Corpora in; a folder of pairs in provisional ids out, which can be added to."""

import itertools
import json
import random
import sqlite3
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatbot.config import CleaningConfig, CorpusConfig, ReadingConfig
from chatbot.corpus import cutting, words
from chatbot.corpus import segmented as module
from chatbot.corpus.building import Sources, build
from chatbot.corpus.pairs import find_corpora
from chatbot.corpus.recorded import settings_to_add_with
from chatbot.corpus.segmented import Segmented, stored_settings
from chatbot.errors import ChatbotError
from chatbot.folder import ModelFolder

AGAIN = "Build from all files again, without --add."
CHAR = CorpusConfig(tokenizer="char")
TAB = ReadingConfig(format="tab")

MANIFEST = {
    "settings": {
        "tokenizer": "char",
        "min_freq": None,
        "max_size": 20000,
        "rare": "characters",
        "holdout": None,
        "openings": None,
        "seed": 0,
        "user_dict": None,
        "context": 0,
        "reverse": False,
        "narrow": True,
        "unescape": True,
        "simplify": False,
        "strip_placeholders": True,
        "strip_controls": True,
        "strip_urls": False,
        "strip_speakers": False,
        "blanks": "one",
    },
    "cleaning": {
        "drop_duplicates": False,
        "max_repeats": None,
        "min_chars": None,
        "max_chars": None,
        "drop_echoes": False,
        "block_list": None,
    },
    "vocab": None,
    "files": [
        {
            "name": "t.conv",
            "format": "conv",
            "evidence": "4 of 4 lines are E alone or begin with M",
            "encoding": "utf-8",
            "pairs": 2,
            "skipped": {},
            "dropped": {},
            "bad_bytes": 0,
            "faults": [],
            "mixed": {},
            "normalised": {},
            "first": [["早", "你早"], ["你早", "早"]],
        }
    ],
    "census": {
        "pairs": 2,
        "echoes": 0,
        "utterances": 4,
        "judged": 0,
        "segmented": 0,
        "named": 0,
        "stamped": 0,
        "scripts": {"chinese": 4},
        "characters": [[0, 1, 1], [0, 1, 1]],
    },
    "writings": 1,
    "words": [3],
    "lists": ["3b5b1fe2"],
}
EARLY, LATE = "7ef7bf458c08b3e8", "33475d7a0960b620"
FIRST, SECOND = "c0b5da5f0533b7bc", "c1b5da5f0533b7bc"
"""The keys of a stretch of two pairs: a hash of both, and in the lowest five bits the place."""
PARTS = {
    "早 你早": "00000000 00000000 0100000000000000 0300000000000000"
    f"{EARLY} {LATE} {FIRST} 00000000 03000000 00000000 02000000 01000000 02000000"
    "01000000 01000000 02000000 01000000",
    "你早 早": "00000000 00000000 0100000000000000 0300000000000000"
    f"{LATE} {EARLY} {SECOND} 00000000 04000000 01000000 01000000 02000000 01000000"
    "00000000 02000000 01000000 01000000",
}


def built(path, files, config=CHAR, cleaning=None, reading=None):
    """Builds a folder from files at once; gives it."""
    folder = ModelFolder(path)
    build(Sources(find_corpora(files, reading), config, cleaning or CleaningConfig()), folder)
    return folder


def added(folder, files, corpus=None, cleaning=None, reading=None):
    """Adds files to what a folder was built from."""
    config = settings_to_add_with(folder, corpus or {}, cleaning or {})
    build(Sources(find_corpora(files, reading), *config), folder, add=True)


def content(folder):
    return folder.vocabulary.read_bytes(), folder.store.read_bytes()


@pytest.fixture
def tiny(tmp_path):
    (tmp_path / "t.conv").write_text("E\nM 早\nM 你早\nM 早\n", "utf-8")
    return built(tmp_path / "model", [tmp_path / "t.conv"])


def test_the_files_are_those_that_are_drawn(tiny):
    files = {path.name: path.read_bytes() for path in tiny.segmented.iterdir()}
    assert sorted(files) == ["manifest", *(f"part-{n:02}" for n in range(64)), "words-000"]
    assert files["words-000"] == "<sep>\n早\n你\n".encode()
    filled = {name: data for name, data in files.items() if data and name.startswith("part")}
    assert sorted(filled.values()) == sorted(map(bytes.fromhex, PARTS.values()))
    magic, number, checksum, data = files["manifest"].split(b" ", 3)
    assert (magic, number) == (b"chatbot-segmented", b"3")
    assert checksum == f"{zlib.crc32(data):08x}".encode()
    facts = json.loads(data)
    parts = [files[f"part-{n:02}"] for n in range(64)]
    assert facts.pop("rows") == [int(bool(part)) for part in parts]
    assert facts.pop("parts") == [f"{zlib.crc32(part):08x}" for part in parts]
    assert facts["files"][0].pop("digest") > 0
    assert facts == MANIFEST
    assert json.dumps(facts["settings"], ensure_ascii=False).encode() in data


def test_what_was_finished_is_opened_as_it_was(tiny):
    found = Segmented.open(tiny.segmented)
    assert (found.settings, found.cleaning) == (CHAR, CleaningConfig())
    assert found.spill.pairs == 2
    assert found.words.sizes == [3]
    assert [facts.as_dict() for facts in found.files][0]["first"] == [
        ["早", "你早"],
        ["你早", "早"],
    ]
    assert found.census.as_dict() == MANIFEST["census"]
    assert stored_settings(tiny.segmented) == (CHAR, CleaningConfig())


def refusal(folder):
    with pytest.raises(ChatbotError) as caught:
        Segmented.open(folder.segmented)
    return str(caught.value)


def test_a_manifest_cut_or_changed_anywhere_is_refused(tiny):
    path = tiny.segmented / "manifest"
    whole = path.read_bytes()
    damaged = f"{path}: damaged (truncated or changed). {AGAIN}"
    foreign = f"{path}: not a segmented corpus of chatbot. {AGAIN}"
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        assert refusal(tiny) in (damaged, foreign)
    for place in random.Random(3).sample(range(len(whole)), 150):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 2]) + whole[place + 1 :])
        numbered = f"{path}: format 0, this version reads 3. {AGAIN}"
        assert refusal(tiny) in (damaged, foreign, numbered)
    path.write_bytes(whole + b" ")
    assert refusal(tiny) == damaged


@pytest.mark.parametrize(
    "data", [b"", b"question\treply\n", b"chatbot-vocabulary 1 2 {}", b"PK\3\4"]
)
def test_a_foreign_manifest_is_refused(tiny, data):
    path = tiny.segmented / "manifest"
    path.write_bytes(data)
    assert refusal(tiny) == f"{path}: not a segmented corpus of chatbot. {AGAIN}"
    path.unlink()
    assert refusal(tiny) == f"{path}: cannot be read (No such file or directory). {AGAIN}"


def test_another_format_number_is_refused(tiny):
    path = tiny.segmented / "manifest"
    path.write_bytes(path.read_bytes().replace(b"segmented 3 ", b"segmented 9 ", 1))
    assert refusal(tiny) == f"{path}: format 9, this version reads 3. {AGAIN}"


def test_one_flipped_byte_in_any_file_is_refused_and_named(tiny):
    for path in sorted(tiny.segmented.iterdir()):
        whole = path.read_bytes()
        for place in {0, len(whole) // 2, len(whole) - 1} if whole else ():
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
            assert refusal(tiny).startswith(f"{path}: ")
            assert refusal(tiny).endswith(AGAIN)
        path.write_bytes(whole + b"x")
        assert refusal(tiny).startswith(f"{path}: ")
        path.unlink()
        assert refusal(tiny).startswith(f"{path}: ")
        path.write_bytes(whole)
    Segmented.open(tiny.segmented)


# Adding gives the same bytes as one build of all files.


def some_files(folder, sizes, seed=5):
    """Files of conversations and of pairs, in turns, that share pairs, replies and words."""
    rng = random.Random(seed)
    letters = "天地人你我他上下左右大小"

    def said():
        return "".join(rng.choice(letters[: rng.randint(2, 12)]) for _ in range(rng.randint(1, 4)))

    files = []
    for number, size in enumerate(sizes):
        files.append(folder / f"f{number}.{'conv' if number % 2 else 'tsv'}")
        if number % 2:
            text = "".join("E\n" + "".join(f"M {said()}\n" for _ in range(4)) for _ in range(size))
        else:
            text = "".join(f"{said()}\t{said()}\n" for _ in range(size))
        files[-1].write_text(text, "utf-8")
    return files


CASES = {
    "plain": ({}, {}),
    "words": ({"tokenizer": "jieba"}, {}),
    "context": ({"context": 1}, {}),
    "repeats": ({"context": 2}, {"drop_duplicates": True, "max_repeats": 2}),
    "cleaned": ({"seed": 4}, {"drop_echoes": True, "min_chars": 2, "max_chars": 3}),
    "held out": ({"holdout": 21, "rare": "unk", "min_freq": 5}, {"max_repeats": 3}),
    "small": ({"max_size": 9}, {}),
}
TALKS = {"talks": ({"holdout": 21, "openings": True}, {"min_chars": 2})}
"""Which pairs go on from each other is seen within a chunk, so these depend on its size."""


class InPieces:
    """Three files built at once, and all ways to build them in two or three goes."""

    def __init__(self, folder, monkeypatch, case, generations):
        if generations == "several":
            monkeypatch.setattr(cutting, "CHUNK", 30)
            monkeypatch.setattr(words, "BUDGET", 7)
            monkeypatch.setattr(module, "_WRITE", 11)
        files = some_files(folder, (41, 23, 17))
        corpus, cleaning = (CASES | TALKS)[case]
        config = CorpusConfig(**{"tokenizer": "char"} | corpus)
        self.settings = config, CleaningConfig(**cleaning)
        self.whole = built(folder / "whole", files, *self.settings)
        self.cuts = {
            cuts: [files[a:b] for a, b in itertools.pairwise((0, *cuts, 3))]
            for cuts in ((1,), (2,), (1, 2))
        }


@pytest.mark.parametrize("generations", [1, "several"])
@pytest.mark.parametrize("case", CASES | TALKS)
def test_adding_gives_the_bytes_of_one_build(tmp_path, monkeypatch, case, generations):
    made = InPieces(tmp_path, monkeypatch, case, generations)
    whole = made.whole
    for cuts, pieces in made.cuts.items():
        folder = built(tmp_path / f"cut {cuts}", pieces[0], *made.settings)
        for piece in pieces[1:]:
            added(folder, piece)
        assert content(folder) == content(whole)
    sizes = json.loads((whole.segmented / "manifest").read_bytes().split(b" ", 3)[3])["words"]
    assert len(sizes) == 1 if generations == 1 else len(sizes) > 5


@pytest.mark.parametrize("case", CASES)
def test_the_bytes_do_not_depend_on_chunks_or_writings(tmp_path, monkeypatch, case):
    files = some_files(tmp_path, (41, 23, 17))
    config = CorpusConfig(**{"tokenizer": "char"} | CASES[case][0])
    cleaning = CleaningConfig(**CASES[case][1])
    whole = built(tmp_path / "whole", files, config, cleaning)
    for chunk, write, long in ((30, 11, 64), (5, 1 << 16, 64), (9, 40, 1)):
        monkeypatch.setattr(cutting, "CHUNK", chunk)
        monkeypatch.setattr(module, "_WRITE", write)
        monkeypatch.setattr(module, "_LONG", long)
        assert content(built(tmp_path / "cut", files, config, cleaning)) == content(whole)


def test_pairs_that_are_long_do_not_wait_for_many(tmp_path, monkeypatch):
    monkeypatch.setattr(cutting, "CHUNK", 4)
    monkeypatch.setattr(module, "_WRITE", 10)
    monkeypatch.setattr(module, "_LONG", 8)
    text = "".join(f"{'问' * 20}{i}\t{'答' * 60}\n" for i in range(9))
    (tmp_path / "a.tsv").write_text(text, "utf-8")
    folder = built(tmp_path / "model", [tmp_path / "a.tsv"])
    assert Segmented.open(folder.segmented).spill.writings_done == 5


def test_what_may_change_on_the_way_gives_the_bytes_of_one_build_with_the_last_of_it(tmp_path):
    files = some_files(tmp_path, (41, 23, 17))
    new = {"min_freq": 4, "max_size": 14, "rare": "unk", "holdout": 9.0}
    less = {"drop_duplicates": True, "max_repeats": 2}
    one = built(tmp_path / "one", files, CorpusConfig("char", **new), CleaningConfig(**less))
    late = built(tmp_path / "late", files[:1])
    added(late, files[1:2])
    added(late, files[2:], new, less)
    kept = built(tmp_path / "kept", files[:1])
    added(kept, files[1:2], new, less)
    added(kept, files[2:])
    assert content(late) == content(kept) == content(one)
    plain = built(tmp_path / "plain", files)
    assert content(plain) != content(one)
    added_back = built(tmp_path / "back", files[:2], CorpusConfig("char", **new))
    added(added_back, files[2:], {"min_freq": None, "max_size": 20000, "rare": "characters"})
    assert content(added_back)[0] != content(one)[0]


def test_files_of_which_every_pair_is_left_out_are_added_and_added_to(tmp_path):
    (tmp_path / "bad.txt").write_text("坏\n", "utf-8")
    files = some_files(tmp_path, (9,))
    for name, text in (("b", "坏\t好\n" * 2), ("c", "好\t坏\n" * 3), ("d", "好\t你好\n")):
        files.append(tmp_path / f"{name}.tsv")
        files[-1].write_text(text, "utf-8")
    blocked = CleaningConfig(block_list=str(tmp_path / "bad.txt"))
    whole = built(tmp_path / "whole", files, CHAR, blocked, TAB)
    folder = built(tmp_path / "parts", files[:1], CHAR, blocked, TAB)
    for file in files[1:]:
        added(folder, [file], cleaning={"block_list": str(tmp_path / "bad.txt")}, reading=TAB)
    assert content(folder) == content(whole)


def in_one_line(path, pairs):
    path.write_text(json.dumps(pairs, ensure_ascii=False), "utf-8")


def in_two_tables(path, pairs):
    with sqlite3.connect(path) as base:
        for table, step in (("one", 1), ("two", -1)):
            base.execute(f"CREATE TABLE {table} (question TEXT, answer TEXT)")
            base.executemany(f"INSERT INTO {table} VALUES (?, ?)", pairs[::step])
    base.close()


@pytest.mark.parametrize("write", [in_one_line, in_two_tables])
def test_the_same_repeats_stay_where_lines_do_not_rise(tmp_path, monkeypatch, write):
    monkeypatch.setattr(cutting, "CHUNK", 8)
    monkeypatch.setattr(module, "_WRITE", 11)
    pairs = [(f"问{i}", f"答{i % 3 if i < 30 else i}") for i in range(60)]
    (tmp_path / "a.tsv").write_text("甲\t乙\n" * 7, "utf-8")
    files = [tmp_path / "a.tsv", tmp_path / "b.json"]
    write(files[1], pairs)
    few = CleaningConfig(drop_duplicates=True, max_repeats=2)
    whole = built(tmp_path / "whole", files, CHAR, few)
    folder = built(tmp_path / "parts", files[:1], CHAR, few)
    added(folder, files[1:])
    assert content(folder) == content(whole)
    (tmp_path / "c.tsv").write_text("丙\t丁\n", "utf-8")
    added(folder, [tmp_path / "c.tsv"])
    assert content(folder) == content(
        built(tmp_path / "w", [*files, tmp_path / "c.tsv"], CHAR, few)
    )


LINES = st.lists(
    st.tuples(st.text("ab你 ", min_size=1, max_size=3), st.text("a我b", min_size=1, max_size=2)),
    min_size=2,
    max_size=9,
)


@settings(max_examples=25, deadline=None)
@given(st.lists(LINES, min_size=2, max_size=4), st.booleans(), st.none() | st.integers(1, 3))
def test_any_files_can_be_added_one_by_one(tmp_path_factory, contents, once, most):
    path = tmp_path_factory.mktemp("files")
    files = []
    for number, pairs in enumerate(contents):
        files.append(path / f"{number}.tsv")
        text = f"只有{number}\t答\n" + "".join(f"{q}\t{r}\n" for q, r in pairs)
        files[-1].write_text(text, "utf-8")
    cleaning = {"drop_duplicates": once, "max_repeats": most}
    whole = built(path / "whole", files, CHAR, CleaningConfig(**cleaning), TAB)
    folder = built(path / "parts", files[:1], CHAR, CleaningConfig(**cleaning), TAB)
    for file in files[1:]:
        added(folder, [file], reading=TAB)
    assert content(folder) == content(whole)


def test_a_failing_addition_leaves_everything_as_it_was(tmp_path, tiny):
    before = {path: path.read_bytes() for path in tiny.path.rglob("*") if path.is_file()}
    (tmp_path / "bad.conv").write_text("E\nM 早\nE\nM 你早\n", "utf-8")
    for file in ("bad.conv", "t.conv"):
        with pytest.raises(ChatbotError):
            added(tiny, [tmp_path / file])
        after = {path: path.read_bytes() for path in tiny.path.rglob("*") if path.is_file()}
        assert after == before


def test_the_same_pairs_are_not_added_twice_whatever_their_file_is_called(tmp_path, tiny):
    (tmp_path / "other.conv").write_text("E\nM 早\nM 你早\nE\nM 你早\nM 早\n", "utf-8")
    for name in ("t.conv", "other.conv"):
        with pytest.raises(ChatbotError) as caught:
            added(tiny, [tmp_path / name])
        assert str(caught.value) == (
            f"{name}: the same 2 pairs are in the corpus already, from t.conv. Name only new files "
            "with --add."
        )
    (tmp_path / "more.conv").write_text("E\nM 早\nM 你早\nM 早\nM 好\n", "utf-8")
    added(tiny, [tmp_path / "more.conv"])
