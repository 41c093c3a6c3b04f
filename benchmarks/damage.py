"""Damaged corpora, made by code, and what may be said of each; decided before any was read.

Knows nothing of the package. A case makes files in a folder and gives the names to be read.
"""

from __future__ import annotations

import bz2
import gzip
import importlib
import io
import json
import lzma
import random
import sqlite3
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

Check = Callable[[dict[str, Any] | None, str], str]
"""(what was read, or None; the line that was said instead) -> what is wrong with that."""


class Damage(NamedTuple):
    """A damaged corpus.

    Attributes:
        name: what is the matter with it.
        make: makes it in a folder; gives the names to be read.
        check: whether what came of it is right.
        heavy: it is read only once, as it takes long.
        grows: a file of it is written to all the time.
    """

    name: str
    make: Callable[[Path], Sequence[str | Path]]
    check: Check
    heavy: bool = False
    grows: bool = False


DAMAGES: list[Damage] = []


def damage(
    name: str, check: Check, *, heavy: bool = False, grows: bool = False
) -> Callable[[Callable[[Path], Any]], Callable[[Path], Any]]:
    """Lists a maker; it gives the file it made, or the names to be read."""

    def listed(make: Callable[[Path], Any]) -> Callable[[Path], Any]:
        def names(folder: Path) -> Sequence[str | Path]:
            made = make(folder)
            return made if isinstance(made, list) else [made]

        DAMAGES.append(Damage(name, names, check, heavy, grows))
        return make

    return listed


# What may be said


def refused(*words: str) -> Check:
    """It is not read, and the line says why in these words."""

    def check(read: dict[str, Any] | None, said: str) -> str:
        if read is not None:
            return f"was read: {read['pairs']:,} pairs"
        missing = [word for word in words if word not in said]
        return f"does not say {', '.join(missing)}" if missing else ""

    return check


def whole(pairs: int, *words: str, total: int = 0, format: str = "") -> Check:
    """So many pairs are read, all else is counted as left out, and the words are said somewhere.

    Args:
        pairs: pairs that are sound.
        words: what must be said in skipped, faults or mixed.
        total: pairs and damaged places together; `pairs` if 0.
        format: in what format.
    """

    def check(read: dict[str, Any] | None, said: str) -> str:
        if read is None:
            return f"was not read: {said}"
        found, left = read["pairs"], sum(sum(f["skipped"].values()) for f in read["files"])
        faults = []
        if found != pairs:
            faults.append(f"{found:,} pairs, {pairs:,} are sound")
        if found + left != (total or pairs):
            faults.append(f"{found + left:,} accounted for, {total or pairs:,} are there")
        told = json.dumps([told_of(file) for file in read["files"]], ensure_ascii=False)
        faults += [f"does not say {word}" for word in words if word not in told]
        if format and {file["format"] for file in read["files"]} != {format}:
            faults.append(f"read as {', '.join(file['format'] for file in read['files'])}")
        return "; ".join(faults)

    return check


def either(*checks: Check) -> Check:
    """One of several answers is right."""

    def check(read: dict[str, Any] | None, said: str) -> str:
        faults = [one(read, said) for one in checks]
        return "" if "" in faults else " / ".join(faults)

    return check


def told_of(file: dict[str, Any]) -> dict[str, Any]:
    """What is told of a file beside its pairs, empty things left out."""
    keys = ("skipped", "bad_bytes", "faults", "mixed", "encoding", "format")
    return {key: file[key] for key in keys if file[key]}


# Sound material

SOUND = 3000


def lines(count: int = SOUND, seed: int = 5, mark: str = "\t") -> list[str]:
    """So many different lines of a question and a reply."""
    chance = random.Random(seed)
    asked = ("今天天气怎么样", "你吃饭了吗", "我们去看电影吧", "这本书是谁的", "火车几点开")
    said = ("外面下着雨呢", "我刚刚吃过了", "好啊，几点见面", "是我妹妹的书", "大概九点半吧")
    return [
        f"{chance.choice(asked)}{chance.randrange(100)}{mark}{chance.choice(said)}第{i}次"
        for i in range(count)
    ]


def text(rows: Sequence[str]) -> str:
    """The lines as a text."""
    return "".join(f"{row}\n" for row in rows)


def put(path: Path, content: str | bytes, encoding: str = "utf-8") -> Path:
    """Writes a file."""
    path.write_bytes(content.encode(encoding) if isinstance(content, str) else content)
    return path


def talks() -> list[list[str]]:
    """Conversations of two turns."""
    return [row.split("\t") for row in lines()]


# Cut off


@damage("cut in the middle of a line", whole(SOUND - 1, "wrong number of fields", total=SOUND))
def _(folder: Path) -> Path:
    rows = lines()
    rows[-1] = rows[-1][:4]
    return put(folder / "talk.tsv", text(rows)[:-1])


@damage("cut in the middle of a UTF-8 character", whole(SOUND, "bad_bytes"))
def _(folder: Path) -> Path:
    return put(folder / "talk.tsv", text(lines()).encode()[:-3])


@damage("cut in the middle of a GB18030 character", whole(SOUND, "bad_bytes", "gb18030"))
def _(folder: Path) -> Path:
    return put(folder / "talk.tsv", text(lines()).encode("gb18030")[:-2])


@damage("UTF-16 of an odd number of bytes", whole(SOUND, "bad_bytes", "utf-16-le"))
def _(folder: Path) -> Path:
    return put(folder / "talk.tsv", b"\xff\xfe" + text(lines()).encode("utf-16-le")[:-3])


@damage("JSON lines cut in a record", whole(SOUND - 1, "cut off", total=SOUND))
def _(folder: Path) -> Path:
    rows = [json.dumps(talk, ensure_ascii=False) for talk in talks()]
    return put(folder / "talk.jsonl", text(rows)[:-12])


@damage("JSON array on one line, cut in a record", whole(SOUND - 1, "cut off", total=SOUND))
def _(folder: Path) -> Path:
    return put(folder / "talk.json", json.dumps(talks(), ensure_ascii=False)[:-8])


@damage("YAML cut in a conversation", either(whole(SOUND - 1, total=SOUND), whole(SOUND)))
def _(folder: Path) -> Path:
    rows = ["conversations:"]
    for question, reply in talks():
        rows += [f'- - "{question}"', f'  - "{reply}"']
    return put(folder / "talk.yml", text(rows)[:-6])


def _packed(name: str, raw: bytes) -> bytes:
    if name == "zst":
        for module in ("compression.zstd", "backports.zstd"):
            try:
                return bytes(importlib.import_module(module).compress(raw))
            except ImportError:
                continue
    return {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}[name](raw)


def _halved(suffix: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        raw = _packed(suffix, text(lines()).encode())
        return put(folder / f"talk.tsv.{suffix}", raw[: len(raw) // 2])

    return make


def _flipped(suffix: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        raw = bytearray(_packed(suffix, text(lines()).encode()))
        for place in range(len(raw) // 2, len(raw) // 2 + 40):
            raw[place] ^= 0x5A
        return put(folder / f"talk.tsv.{suffix}", bytes(raw))

    return make


for _suffix in ("gz", "bz2", "xz", "zst"):
    damage(f"{_suffix} cut in half", refused(f"talk.tsv.{_suffix}:", "cut off"))(_halved(_suffix))
    damage(f"{_suffix} with 40 wrong bytes", refused(f"talk.tsv.{_suffix}:", "damaged"))(
        _flipped(_suffix)
    )


def zipped(members: dict[str, bytes]) -> bytes:
    """An archive of these members."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, raw in members.items():
            archive.writestr(name, raw)
    return out.getvalue()


@damage("zip cut in half", refused("talk.zip: cannot be read"))
def _(folder: Path) -> Path:
    raw = zipped({"talk.tsv": text(lines()).encode()})
    return put(folder / "talk.zip", raw[: len(raw) // 2])


@damage("zip with 40 wrong bytes in a member", refused("talk.zip:talk.tsv: ", "damaged"))
def _(folder: Path) -> Path:
    raw = bytearray(zipped({"talk.tsv": text(lines()).encode()}))
    for place in range(2000, 2040):
        raw[place] ^= 0x5A
    return put(folder / "talk.zip", bytes(raw))


@damage("SQLite cut in half", refused("talk.db:", "the database cannot be read"))
def _(folder: Path) -> Path:
    base = sqlite3.connect(folder / "whole.db")
    base.execute("CREATE TABLE talk (ask TEXT, answer TEXT)")
    base.executemany("INSERT INTO talk VALUES (?, ?)", talks())
    base.commit()
    base.close()
    raw = (folder / "whole.db").read_bytes()
    (folder / "whole.db").unlink()
    return put(folder / "talk.db", raw[: len(raw) // 2])


# Wrong bytes


@damage("UTF-8, and GB18030 from line 2,001 on", whole(SOUND, '"gb18030": 1000'))
def _(folder: Path) -> Path:
    rows = lines()
    raw = text(rows[:2000]).encode() + text(rows[2000:]).encode("gb18030")
    return put(folder / "talk.tsv", raw)


@damage("GB18030, and Big5 in 300 lines", whole(SOUND + 300, "big5"))
def _(folder: Path) -> Path:
    more = text([f"今天的天氣怎麼樣呢\t外面還在下著雨，記得帶傘{i}" for i in range(300)])
    raw = text(lines()).encode("gb18030")
    middle = raw.index(b"\n", len(raw) // 2) + 1
    return put(folder / "talk.tsv", raw[:middle] + more.encode("cp950") + raw[middle:])


@damage("a bad byte in every 20th line", whole(SOUND, '"bad_bytes": 150'))
def _(folder: Path) -> Path:
    rows = [row.encode() + b"\n" for row in lines()]
    rows[10::20] = [row[:6] + b"\xff" + row[6:] for row in rows[10::20]]
    return put(folder / "talk.tsv", b"".join(rows))


@damage("a byte order mark in the middle, of files put together", whole(SOUND))
def _(folder: Path) -> Path:
    rows = lines()
    content = "\ufeff" + text(rows[:1500]) + "\ufeff" + text(rows[1500:])
    return put(folder / "talk.tsv", content)


@damage("UTF-16 without a mark", whole(SOUND, "utf-16-le"))
def _(folder: Path) -> Path:
    return put(folder / "talk.tsv", text(lines()).encode("utf-16-le"))


@damage("three NUL characters", whole(SOUND, "3 NUL characters"))
def _(folder: Path) -> Path:
    rows = lines()
    for place in (10, 1500, 2990):
        rows[place] = rows[place][:3] + "\0" + rows[place][3:]
    return put(folder / "talk.tsv", text(rows))


def _lost(size: int) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        rows = lines()
        content = text(rows[:1500]) + "\0" * size + text(rows[1500:])
        return put(folder / "talk.tsv", content)

    return make


damage("4 KiB of NULs in the middle, a lost block", whole(SOUND, "4,096 NUL"))(_lost(4096))
damage("64 KiB of NULs in the middle of 150", either(whole(SOUND, "NUL"), refused("binary data")))(
    _lost(65536)
)


@damage("half of the file NULs, as after a crash", either(whole(SOUND, "NUL", total=SOUND + 1),
                                                          refused("binary")))  # fmt: skip
def _(folder: Path) -> Path:
    raw = text(lines()).encode()
    return put(folder / "talk.tsv", raw + b"\0" * len(raw))


@damage("random bytes", refused("talk.tsv: binary data"))
def _(folder: Path) -> Path:
    return put(folder / "talk.tsv", random.Random(1).randbytes(200_000))


@damage("a picture", refused("cat.png: binary data"))
def _(folder: Path) -> Path:
    return put(
        folder / "cat.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + random.Random(2).randbytes(9999)
    )


@damage("a program", refused("python: binary data"))
def _(folder: Path) -> Path:
    return put(folder / "python", Path("/proc/self/exe").read_bytes()[:1_000_000])
