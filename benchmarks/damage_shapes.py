"""The damages of `damage` that are not in single bytes: shapes, sizes, files and folders."""

from __future__ import annotations

import gzip
import io
import json
import os
import random
import tarfile
import zipfile
from pathlib import Path

from damage import SOUND, damage, either, lines, put, refused, talks, text, whole, zipped

# Wrong shapes


@damage("a .csv with TABs", whole(SOUND, format="tab"))
def _(folder: Path) -> Path:
    return put(folder / "talk.csv", text(lines()))


@damage(
    "half of the lines with TAB, half with =",
    either(whole(SOUND // 2, "wrong number of fields", total=SOUND), refused("talk.txt: ")),
)
def _(folder: Path) -> Path:
    half = SOUND // 2
    rows = lines(half) + lines(half, mark="=")
    random.Random(1).shuffle(rows)
    return put(folder / "talk.txt", text(rows))


@damage("a TAB file with a few chat log lines", whole(SOUND - 9, "wrong number", total=SOUND))
def _(folder: Path) -> Path:
    rows = lines()
    rows[100:1000:100] = ["2019-01-02 10:11:12 (用户 加入了群)"] * 9
    return put(folder / "talk.tsv", text(rows))


@damage("lines that end in CR alone", either(whole(SOUND), refused("talk.tsv")))
def _(folder: Path) -> Path:
    return put(folder / "talk.tsv", text(lines()).replace("\n", "\r"))


@damage("CSV with a quote that is never closed", whole(SOUND - 1, "wrong number", total=SOUND))
def _(folder: Path) -> Path:
    rows = ["question,answer", *lines(mark=",")]
    rows[1000] = '"' + rows[1000].replace(",", " ")
    return put(folder / "talk.csv", text(rows))


@damage(
    "CSV whose unclosed quote is closed by the next quoted field",
    either(*(whole(SOUND - n, total=SOUND - m) for n in range(12) for m in range(n + 1))),
)
def _(folder: Path) -> Path:
    rows = ["question,answer"]
    for row in lines():
        question, reply = row.split("\t")
        rows.append(f'{question},"{reply}，好"')
    rows[1000] = rows[1000][:-1]
    return put(folder / "talk.csv", text(rows))


@damage("indented JSON, one bracket missing", whole(SOUND - 1, "not JSON", total=SOUND))
def _(folder: Path) -> Path:
    rows = json.dumps(talks(), ensure_ascii=False, indent=1).split("\n")
    place = rows.index(" ],", 4000)
    del rows[place]
    return put(folder / "talk.json", text(rows))


@damage("JSON lines, 30 of them no JSON", whole(SOUND - 30, '"not JSON": 30', total=SOUND))
def _(folder: Path) -> Path:
    rows = [json.dumps({"messages": [{"role": "user", "content": q},
                                     {"role": "assistant", "content": r}]}, ensure_ascii=False)
            for q, r in talks()]  # fmt: skip
    rows[50::100] = [row[: len(row) // 2] for row in rows[50::100]]
    return put(folder / "talk.jsonl", text(rows))


@damage("JSON with half surrogates", whole(SOUND))
def _(folder: Path) -> Path:
    rows = [json.dumps([q, r + "\ud83d"]) for q, r in talks()]
    return put(folder / "talk.jsonl", text(rows))


@damage("100,000 arrays in each other", refused("talk.json"))
def _(folder: Path) -> Path:
    return put(folder / "talk.json", "[" * 100_000 + "]" * 100_000)


@damage("one question side alone", refused("train.enc"))
def _(folder: Path) -> Path:
    return put(folder / "train.enc", text([q for q, _ in talks()]))


@damage("paired files of unequal length", refused("3,000 lines", "2,990"))
def _(folder: Path) -> Path:
    put(folder / "train.enc", text([q for q, _ in talks()]))
    put(folder / "train.dec", text([r for _, r in talks()][:-10]))
    return folder


@damage("an HTML page under the name", refused("talk.tsv"))
def _(folder: Path) -> Path:
    page = "<!DOCTYPE html>\n<html>\n<head><title>404</title></head>\n<body>\n<p>Not found</p>\n"
    return put(folder / "talk.tsv", page + "</body>\n</html>\n")


@damage("a pointer of Git LFS under the name", refused("talk.tsv"))
def _(folder: Path) -> Path:
    return put(
        folder / "talk.tsv",
        "version https://git-lfs.github.com/spec/v1\n"
        "oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n",
    )


# Sizes


@damage("one line of 40 MB", refused("talk.tsv:1: line over 16 MiB"))
def _(folder: Path) -> Path:
    return put(folder / "talk.tsv", "你好\t" + "好" * 14_000_000 + "\n")


@damage("a line of 40 MB among others", refused("talk.tsv:1501: line over 16 MiB"))
def _(folder: Path) -> Path:
    rows = lines()
    return put(
        folder / "talk.tsv", text(rows[:1500]) + "好" * 14_000_000 + "\n" + text(rows[1500:])
    )


@damage("a JSON record of 40 MB", refused("talk.jsonl:2:", "16 MiB"))
def _(folder: Path) -> Path:
    rows = [json.dumps(["早", "你早"]), json.dumps(["早", "a" * 40_000_000])]
    return put(folder / "talk.jsonl", text(rows))


def _bomb(byte: bytes) -> bytes:
    out = io.BytesIO()
    with (
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("talk.tsv", "w", force_zip64=True) as member,
    ):
        for _ in range(1 << 10):
            member.write(byte * (1 << 20))
    return out.getvalue()


@damage("a zip of 1 GiB of the digit 0 on one line", refused("talk.tsv"), heavy=True)
def _(folder: Path) -> Path:
    return put(folder / "bomb.zip", _bomb(b"0"))


@damage("a zip of 1 GiB of NULs", refused("talk.tsv: binary data"), heavy=True)
def _(folder: Path) -> Path:
    return put(folder / "bomb.zip", _bomb(b"\0"))


@damage("10 million equal lines", whole(10_000_000, format="tab"), heavy=True)
def _(folder: Path) -> Path:
    with (folder / "talk.tsv").open("wb") as file:
        for _ in range(100):
            file.write("在吗\t在的\n".encode() * 100_000)
    return folder / "talk.tsv"


@damage("an empty file", refused("talk.tsv: empty file"))
def _(folder: Path) -> Path:
    return put(folder / "talk.tsv", b"")


@damage(
    "nothing but blank lines", either(refused("talk.tsv: empty"), refused("talk.tsv: ", "no text"))
)
def _(folder: Path) -> Path:
    return put(folder / "talk.tsv", "\n  \n\t\n" * 1000)


@damage("an empty gz", refused("talk.tsv.gz: empty file"))
def _(folder: Path) -> Path:
    return put(folder / "talk.tsv.gz", gzip.compress(b""))


# Files and folders


@damage("a zip in a zip", refused("talks.zip:inner.zip: ", "zip archive"))
def _(folder: Path) -> Path:
    inner = zipped({"talk.tsv": text(lines()).encode()})
    return put(folder / "talks.zip", zipped({"inner.zip": inner}))


@damage(
    "a zip whose member is called ../../talk.tsv",
    either(whole(SOUND), refused("talks.zip: no corpus")),
)
def _(folder: Path) -> Path:
    return put(folder / "talks.zip", zipped({"../../talk.tsv": text(lines()).encode()}))


@damage("gz in gz", refused("talk.tsv.gz: compressed twice"))
def _(folder: Path) -> Path:
    return put(folder / "talk.tsv.gz", gzip.compress(gzip.compress(text(lines()).encode())))


@damage("tar in gz", refused("talks.tar.gz: ", "tar archive"))
def _(folder: Path) -> Path:
    path = put(folder / "talk.tsv", text(lines()))
    with tarfile.open(folder / "talks.tar.gz", "w:gz") as archive:
        archive.add(path, "talk.tsv")
    return folder / "talks.tar.gz"


@damage("a workbook of Excel", refused("talk.xlsx: ", "office"))
def _(folder: Path) -> Path:
    members = {"[Content_Types].xml": b"<Types/>", "xl/workbook.xml": b"<workbook/>"}
    return put(folder / "talk.xlsx", zipped(members))


@damage("gz without its suffix, and text with it", whole(2 * SOUND))
def _(folder: Path) -> Path:
    put(folder / "a.tsv", gzip.compress(text(lines()).encode()))
    put(folder / "b.tsv.gz", text(lines(seed=6)))
    return folder


@damage("a file name that is no UTF-8", whole(SOUND))
def _(folder: Path) -> Path:
    return put(folder / os.fsdecode(b"\xc4\xe3\xba\xc3.tsv"), text(lines()))


@damage("a folder with links back to itself", whole(SOUND))
def _(folder: Path) -> Path:
    put(folder / "talk.tsv", text(lines()))
    (folder / "again").symlink_to(folder)
    (folder / "deep").mkdir()
    (folder / "deep" / "up").symlink_to(folder)
    (folder / "round").symlink_to("round")
    (folder / "gone.tsv").symlink_to("nowhere")
    return folder


@damage("a link to itself", refused("round.tsv: "))
def _(folder: Path) -> Path:
    (folder / "round.tsv").symlink_to("round.tsv")
    return folder / "round.tsv"


@damage("a folder of good files and a broken one", refused("c.tsv: binary data"))
def _(folder: Path) -> Path:
    put(folder / "a.tsv", text(lines()))
    put(folder / "b.jsonl", text([json.dumps(talk, ensure_ascii=False) for talk in talks()]))
    put(folder / "c.tsv", random.Random(3).randbytes(5000))
    return folder


@damage("a folder of nothing", refused("no corpus found"))
def _(folder: Path) -> Path:
    return folder


@damage("no such file", refused("gone.tsv: no such file"))
def _(folder: Path) -> Path:
    return folder / "gone.tsv"


@damage("a pipe", refused("pipe: not a regular file"))
def _(folder: Path) -> Path:
    os.mkfifo(folder / "pipe")
    return folder / "pipe"


@damage("a pipe in a folder", either(whole(SOUND), refused("pipe")))
def _(folder: Path) -> Path:
    put(folder / "talk.tsv", text(lines()))
    os.mkfifo(folder / "pipe")
    return folder


@damage("a file that grows while it is read", refused("changed while it was read"), grows=True)
def _(folder: Path) -> Path:
    return put(folder / "talk.tsv", text(lines()) * 100)


if os.geteuid():

    @damage("a file that may not be read", refused("talk.tsv: cannot be read", "Permission"))
    def _(folder: Path) -> Path:
        path = put(folder / "talk.tsv", text(lines()))
        path.chmod(0)
        return path
