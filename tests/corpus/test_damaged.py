"""Damaged corpora in; what is left of them, or the one line that says why nothing is, out.

Each case goes through the whole way from the file to what the doctor knows of it. The benchmark
`damaged` does the same with large ones, as real processes.
"""

import bz2
import contextlib
import gzip
import json
import lzma
import os
import random
import sqlite3
import zipfile

import pytest

from chatbot.config import CorpusConfig, ReadingConfig
from chatbot.corpus.building import Sources, examine
from chatbot.corpus.pairs import find_corpora
from chatbot.errors import ChatbotError

PAIRS = [(f"今天天气怎么样{i}", f"外面下着雨呢，记得带伞{i}") for i in range(60)]
LINES = [f"{question}\t{reply}\n" for question, reply in PAIRS]
TALK = "".join(LINES)


def examined(*names, **reading):
    """What is known of the files named, each in a dictionary."""
    corpora = find_corpora([str(name) for name in names], ReadingConfig(**reading))
    survey = examine(Sources(corpora, CorpusConfig(tokenizer="char")))
    assert survey.pairs == sum(file.pairs for file in survey.files)
    return survey.files


def the_line(tmp_path, *names):
    """The line that is said instead, without the folder."""
    with pytest.raises(ChatbotError) as refused:
        examined(*names)
    return str(refused.value).replace(f"{tmp_path}/", "")


def put(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def replaced(lines, place, new):
    return "".join([*lines[:place], new, *lines[place + 1 :]])


AS_JSON = [json.dumps(list(pair), ensure_ascii=False) for pair in PAIRS]
AS_CSV = ["question,answer\n", *(f'{question},"{reply}，好"\n' for question, reply in PAIRS)]
AS_YAML = "conversations:\n" + "".join(f'- - "{q}"\n  - "{r}"\n' for q, r in PAIRS)

READ = {
    "cut in a line": ("a.tsv", TALK[:-20], "tab", 59, {"wrong number of fields": 1}, []),
    "cut in a character of UTF-8": (
        *("a.tsv", (TALK + "早\t早").encode()[:-1], "tab", 60, {"empty reply": 1}),
        ["a.tsv: 1 place is not text (line 61 byte 5)"],
    ),
    "cut in a character of GB18030": (
        *("a.tsv", (TALK + "早\t你早").encode("gb18030")[:-1], "tab", 61, {}),
        ["a.tsv: 1 place is not text (line 61 byte 6)"],
    ),
    "UTF-16 without a mark": ("a.tsv", TALK.encode("utf-16-be"), "tab", 60, {}, []),
    "UTF-16 of an odd number of bytes": (
        *("a.tsv", b"\xff\xfe" + TALK.encode("utf-16-le")[:-1], "tab", 60, {}),
        ["a.tsv: 1 place is not text (line 60 byte 47)"],
    ),
    "GB18030 after UTF-8": (
        *("a.tsv", "".join(LINES[:40]).encode() + "".join(LINES[40:]).encode("gb18030")),
        *("tab", 60, {}, ["a.tsv: 20 lines from line 41 on are GB18030"]),
    ),
    "a byte order mark in the middle": (
        *("a.tsv", TALK + "\ufeff" + TALK.replace("今天", "明天"), "tab", 120, {}, []),
    ),
    "NUL characters": (
        *("a.tsv", replaced(LINES, 7, "今\0天\t下\0雨\n"), "tab", 60, {}),
        ["a.tsv: 2 NUL characters"],
    ),
    "a .csv with TABs": ("a.csv", TALK, "tab", 60, {}, []),
    "lines of chat logs between": (
        *("a.tsv", replaced(LINES, 30, "2019-01-02 10:11 用户加入了群\n")),
        *("tab", 59, {"wrong number of fields": 1}, []),
    ),
    "CSV with a quote that is never closed": (
        *("a.csv", replaced(AS_CSV, 20, '"今天,下雨\n').replace("，好", "")),
        *("csv", 60, {}, []),
    ),
    "CSV in CR LF with quotes and line ends inside": (
        *("a.csv", replaced(AS_CSV, 20, '今天,"下\n雨"\n').replace("\n", "\r\n")),
        *("csv", 60, {}, []),
    ),
    "JSON lines cut in a record": (
        *("a.jsonl", "\n".join(AS_JSON)[:-9], "json-lists", 59, {"cut off": 1}, []),
    ),
    "a JSON array on one line, cut": (
        *("a.json", f"[{', '.join(AS_JSON)}"[:-9], "json-lists", 59, {"cut off": 1}, []),
    ),
    "a line of JSON lines that is no JSON": (
        *("a.jsonl", "\n".join([*AS_JSON[:30], '["今天", "下', *AS_JSON[30:]])),
        *("json-lists", 60, {"not JSON": 1}, []),
    ),
    "indented JSON without one bracket": (
        *("a.json", json.dumps(PAIRS, indent=1).replace(" ],\n", "", 1)),
        *("json-lists", 59, {"not JSON": 1}, []),
    ),
    "half surrogates in JSON": (
        *("a.jsonl", "\n".join(json.dumps([q, r + "\ud83d"]) for q, r in PAIRS)),
        *("json-lists", 60, {}, []),
    ),
    "YAML cut in a conversation": ("a.yml", AS_YAML[:-9], "chatterbot", 59, {"not YAML": 1}, []),
    "gz without its suffix": ("a.tsv", gzip.compress(TALK.encode()), "tab", 60, {}, []),
    "the suffix of gz without gz": ("a.tsv.gz", TALK, "tab", 60, {}, []),
    "a name that is no UTF-8": (os.fsdecode(b"\xc4\xe3.tsv"), TALK, "tab", 60, {}, []),
}


@pytest.mark.parametrize("case", READ)
def test_what_is_sound_is_read_and_all_else_is_counted(tmp_path, case):
    name, content, format, pairs, skipped, faults = READ[case]
    (facts,) = examined(put(tmp_path, name, content))
    assert (facts.format, facts.pairs, facts.skipped) == (format, pairs, skipped)
    assert facts.faults == faults


def test_what_was_read_of_a_damaged_file_is_what_stands_there(tmp_path):
    rows = replaced(AS_CSV, 20, '今天,"下\n雨，""真""冷"\n').replace("\n", "\r\n")
    (facts,) = examined(put(tmp_path, "a.csv", rows[: rows.index("下") + 30]))
    assert facts.first[0] == [PAIRS[0][0], f"{PAIRS[0][1]}，好"]
    (facts,) = examined(put(tmp_path, "b.csv", f"question,answer\r\n{rows[rows.index('今天,') :]}"))
    assert facts.first[0] == ["今天", '下 雨，"真"冷']


NOT_READ = {
    "an empty file": ("a.tsv", b"", "a.tsv: empty file. Put conversations in it, or remove it."),
    "an empty gz": (
        *("a.tsv.gz", gzip.compress(b"")),
        "a.tsv.gz: empty file. Put conversations in it, or remove it.",
    ),
    "blank lines": (
        *("a.tsv", "\n \t\n" * 20),
        "a.tsv: empty file. Put conversations in it, or remove it.",
    ),
    "many blank lines": (
        *("a.tsv", "\n  \n\t\n" * 1000),
        "a.tsv: format not recognised; it begins with no text. Name files of text only.",
    ),
    "random bytes": (
        *("a.tsv", random.Random(1).randbytes(9999)),
        "a.tsv: binary data. Name text files only, plain or compressed.",
    ),
    "NULs for half of the file": (
        *("a.tsv", TALK.encode() + bytes(len(TALK.encode()))),
        "a.tsv: binary data. Name text files only, plain or compressed.",
    ),
    "gz cut in half": (
        *("a.tsv.gz", gzip.compress(TALK.encode(), mtime=0)[:150]),
        "a.tsv.gz: cannot be read (cut off: compressed data ends after 150 bytes). Check the file.",
    ),
    "bz2 cut in half": (
        *("a.tsv.bz2", bz2.compress(TALK.encode())[:150]),
        "a.tsv.bz2: cannot be read (cut off: compressed data ends after 150 bytes). Check the "
        "file.",
    ),
    "xz cut in half": (
        *("a.tsv.xz", lzma.compress(TALK.encode())[:150]),
        "a.tsv.xz: cannot be read (cut off: compressed data ends after 150 bytes). Check the file.",
    ),
    "zip cut in half": (
        *("a.zip", None),
        "a.zip: cannot be read (File is not a zip file). Check the file.",
    ),
    "SQLite cut in half": (
        *("a.db", None),
        "a.db: the database cannot be read (4,096 of 8,192 bytes are there). Rescue what is in it: "
        "sqlite3 FILE .recover | sqlite3 mended.db",
    ),
    "a line of 17 MiB": (
        *("a.tsv", TALK + "a" * (17 << 20) + "\n" + TALK),
        "a.tsv:61: line over 16 MiB. Give one utterance or pair a line.",
    ),
    "a JSON record of 17 MiB": (
        *("a.jsonl", f'["早", "你早"]\n["早", "{"a" * (17 << 20)}"]\n'),
        "a.jsonl:2: the JSON value that begins here is longer than 16 MiB. Give each conversation "
        "its own array or object.",
    ),
    "arrays in arrays in arrays": (
        *("a.json", "[" * 50_000 + "]" * 50_000),
        "a.json: format not recognised; the first line reads "
        "'[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[['.",
    ),
}


@pytest.mark.parametrize("case", NOT_READ)
def test_what_cannot_be_read_is_refused_in_one_line(tmp_path, case):
    name, content, line = NOT_READ[case]
    path = tmp_path / name
    if name == "a.zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a.tsv", TALK)
        content = path.read_bytes()[:200]
    elif name == "a.db":
        with sqlite3.connect(path) as base:
            base.execute("CREATE TABLE talk (ask TEXT, answer TEXT)")
            base.executemany("INSERT INTO talk VALUES (?, ?)", PAIRS[:20])
        base.close()
        content = path.read_bytes()[:4096]
    said = the_line(tmp_path, put(tmp_path, name, content))
    assert said.startswith(line)
    assert said == line or case == "arrays in arrays in arrays"  # which goes on with all formats
    assert "\n" not in said


def test_paired_files_of_unequal_length_are_refused_with_both_counts(tmp_path):
    put(tmp_path, "a.enc", "".join(f"{question}\n" for question, _ in PAIRS))
    put(tmp_path, "a.dec", "".join(f"{reply}\n" for _, reply in PAIRS[:-3]))
    assert the_line(tmp_path, tmp_path) == (
        "a.enc: 60 lines, but a.dec has 57. Line i of one must answer line i of the other; mend "
        "the files."
    )


def test_one_broken_file_in_a_folder_is_named(tmp_path):
    put(tmp_path, "a.tsv", TALK)
    put(tmp_path, "b.tsv", random.Random(2).randbytes(5000))
    put(tmp_path, "c.jsonl", "\n".join(AS_JSON))
    said = the_line(tmp_path, tmp_path)
    assert said == "b.tsv: binary data. Name text files only, plain or compressed."


def test_links_that_lead_back_and_pipes_in_a_folder_do_no_harm(tmp_path):
    put(tmp_path, "a.tsv", TALK)
    (tmp_path / "again").symlink_to(tmp_path)
    (tmp_path / "round").symlink_to("round")
    (tmp_path / "gone.tsv").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe")
    (facts,) = examined(tmp_path)
    assert facts.pairs == 60


@pytest.mark.parametrize(("given", "encoding"), [(None, "utf-8"), ("gb18030", "gb18030")])
def test_a_database_has_the_encoding_its_bytes_were_read_in(tmp_path, given, encoding):
    path = tmp_path / "a.db"
    with contextlib.closing(sqlite3.connect(path)) as base, base:
        base.execute("CREATE TABLE talk (ask, answer)")
        base.execute("INSERT INTO talk VALUES ('a', x'62ff')")
    corpora = find_corpora([path], ReadingConfig(encoding=given))
    (facts,) = examine(Sources(corpora, CorpusConfig(tokenizer="char"))).files
    assert (facts.encoding, facts.bad_bytes, facts.pairs) == (encoding, 1, 1)
    assert facts.faults == ["a.db: 1 place is not text (line 1 byte 2)"]


def test_ten_thousand_equal_lines_are_ten_thousand_pairs(tmp_path):
    path = put(tmp_path, "a.tsv", "在吗\t在的\n" * 10_000)
    survey = examine(Sources(find_corpora([path]), CorpusConfig(tokenizer="char")))
    assert (survey.pairs, survey.distinct_pairs) == (10_000, 1)
    assert survey.top_replies == [("在的", 10_000)]


@pytest.mark.parametrize("seed", range(40))
def test_a_file_cut_anywhere_loses_no_more_than_what_was_cut(tmp_path, seed):
    chance = random.Random(seed)
    name, whole = chance.choice(
        [
            ("a.tsv", TALK),
            ("a.csv", "".join(AS_CSV)),
            ("a.jsonl", "\n".join(AS_JSON) + "\n"),
            ("a.json", f"[{', '.join(AS_JSON)}]\n"),
            ("a.yml", AS_YAML),
        ]
    )
    raw = whole.encode()
    cut = chance.randrange(len(raw) // 2, len(raw))
    begun = sum(f"今天天气怎么样{i}" in raw[:cut].decode(errors="ignore") for i in range(60))
    (facts,) = examined(put(tmp_path, name, raw[:cut]))
    assert begun - 1 <= facts.pairs <= begun
    assert facts.pairs + sum(facts.skipped.values()) - begun in (0, 1)
