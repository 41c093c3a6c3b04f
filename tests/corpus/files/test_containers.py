"""Names in; corpus files and their decompressed bytes out."""

import bz2
import gzip
import io
import lzma
import os
import random
import struct
import sys
import tarfile
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.corpus.files.containers import Spool, find_sources
from chatbot.corpus.files.packings import packing_of
from chatbot.errors import ChatbotError

zstd = pytest.importorskip("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")

PACK = {"gzip": gzip.compress, "bzip2": bz2.compress, "xz": lzma.compress, "zstd": zstd.compress}
TALK = "".join(f"{i}\t你好 {i * i}\n" for i in range(3000)).encode()


def written(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def zipped(path, members, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def found(*names):
    return [source.path for source in find_sources(names)]


def read(path, size=1 << 16):
    (source,) = find_sources([path])
    return content_of(source, size)


def content_of(source, size=1 << 16):
    with source.open() as stream:
        pieces = list(iter(lambda: stream.read(size), b""))
        assert stream.position == source.size
    assert all(len(piece) <= size for piece in pieces)
    return b"".join(pieces)


def refusal(action, *arguments):
    with pytest.raises(ChatbotError) as caught:
        action(*arguments)
    return str(caught.value)


# From names to files.


def test_a_folder_stands_for_its_files_sorted_by_path(tmp_path):
    for name in ("b.txt", "a/z.txt", "a/deep/er.tsv", "c.tsv.gz", "a.txt"):
        written(tmp_path / name, "x\ty\n")
    names = [str(path.relative_to(tmp_path)) for path in found(tmp_path)]
    assert names == ["a/deep/er.tsv", "a/z.txt", "a.txt", "b.txt", "c.tsv.gz"]


def test_readmes_licences_and_hidden_files_in_a_folder_are_not_corpora(tmp_path):
    ignored = ("README.md", "readme", "LICENSE", "LICENCE.txt", "COPYING", "CHANGELOG.md")
    for name in (*ignored, "NOTICE", ".hidden.tsv", ".git/talk.tsv", "a/.DS_Store"):
        written(tmp_path / name, "x\ty\n")
    talk = written(tmp_path / "talk.tsv", "x\ty\n")
    assert found(tmp_path) == [talk]


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
    assert found(tmp_path) == ([talk] if ignored else [tmp_path / name, talk])


def test_a_hidden_folder_named_outright_is_read(tmp_path):
    talk = written(tmp_path / ".mine" / "talk.tsv", "x\ty\n")
    assert found(tmp_path / ".mine") == [talk]


def test_a_readme_named_outright_is_taken(tmp_path):
    readme = written(tmp_path / "README.md", "x\ty\n")
    assert found(readme) == [readme]


def test_a_file_named_in_several_ways_comes_once(tmp_path, monkeypatch):
    one, other = written(tmp_path / "one.tsv", "x\ty\n"), written(tmp_path / "other.tsv", "x\ty\n")
    monkeypatch.chdir(tmp_path)
    names = ["other.tsv", tmp_path, one, str(other), tmp_path / "." / "one.tsv"]
    assert found(*names) == [Path("other.tsv"), one]


def test_linked_folders_are_entered_and_cycles_are_noticed(tmp_path):
    inside = written(tmp_path / "data" / "a" / "talk.tsv", "x\ty\n")
    outside = written(tmp_path / "elsewhere" / "more.tsv", "x\ty\n")
    (tmp_path / "data" / "linked").symlink_to(outside.parent)
    (tmp_path / "data" / "a" / "back").symlink_to(tmp_path / "data")
    (outside.parent / "self").symlink_to(outside.parent)
    (tmp_path / "data" / "twice").symlink_to(inside.parent)
    (tmp_path / "data" / "dangling.tsv").symlink_to(tmp_path / "gone")
    assert found(tmp_path / "data") == [inside, tmp_path / "data" / "linked" / "more.tsv"]


def test_what_does_not_exist_is_refused(tmp_path):
    name = tmp_path / "gone.tsv"
    assert refusal(found, name) == (
        f"{name}: no such file or folder. Name a file of conversations, or put one in data/."
    )


def test_folders_without_a_corpus_are_refused_by_name(tmp_path):
    written(tmp_path / "one" / "README.md", "nothing")
    (tmp_path / "two").mkdir()
    assert refusal(found, tmp_path / "one", tmp_path / "two") == (
        f"{tmp_path / 'one'}, {tmp_path / 'two'}: no corpus found. Put a file of conversations "
        "there, one question<TAB>reply a line, or name one: chatbot build-vocab FILE."
    )


def test_a_pipe_is_refused_as_a_corpus_is_read_twice(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    assert refusal(found, path) == (
        f"{path}: not a regular file, and a corpus is read twice. Save it to a file first."
    )


def test_a_folder_that_cannot_be_listed_is_refused(tmp_path, monkeypatch):
    folder = tmp_path / "data"
    written(folder / "a" / "talk.tsv", "x\ty\n")
    scan = os.scandir

    def denied(path):
        if str(path).endswith("/a"):
            raise PermissionError(13, "Permission denied", path)
        return scan(path)

    monkeypatch.setattr(os, "scandir", denied)
    assert refusal(found, folder) == (
        f"{folder}/a: cannot be read (Permission denied). Check the folder."
    )


# Standard input.


def test_standard_input_is_kept_in_a_file_that_is_removed(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    with Spool(io.BytesIO(gzip.compress(TALK))) as spool:
        assert list(tmp_path.iterdir()) == []
        (source,) = find_sources(["-", "-"], spool)
        assert (source.name, source.short_name) == ("standard input", "standard input")
        assert [content_of(source) for _ in range(2)] == [TALK, TALK]
        assert source.beside(["x"]) is None
        assert len(list(tmp_path.iterdir())) == 1
    assert list(tmp_path.iterdir()) == []


def test_standard_input_is_removed_when_reading_fails(tmp_path, monkeypatch):
    class Broken(io.RawIOBase):
        def read(self, size=-1):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def attempt():
        with Spool(Broken()) as spool:
            find_sources(["-"], spool)

    assert refusal(attempt) == (
        f"standard input: cannot be kept in {tmp_path} ([Errno 28] No space left on device). Make "
        "room there, or set TMPDIR to another folder."
    )
    assert list(tmp_path.iterdir()) == []


def test_standard_input_without_anyone_to_keep_it_is_refused():
    assert refusal(find_sources, ["-"]) == (
        "standard input: a corpus is read twice. Save it to a file first."
    )


# Compressed files.


@given(st.binary(max_size=3000), st.sampled_from(["", *PACK]), st.integers(1, 4000))
def test_what_was_packed_is_read_back(tmp_path_factory, content, packing, size):
    if packing_of(content):
        return
    path = tmp_path_factory.getbasetemp() / "packed"
    assert read(written(path, PACK[packing](content) if packing else content), size) == content


@pytest.mark.parametrize("packing", PACK)
@pytest.mark.parametrize("size", [100, 1 << 20])
def test_what_does_not_shrink_is_read_back_too(tmp_path, packing, size):
    content = random.Random(7).randbytes(500_000)
    assert read(written(tmp_path / "x", PACK[packing](content)), size) == content


@pytest.mark.parametrize("packing", PACK)
def test_the_name_does_not_tell_how_a_file_is_packed(tmp_path, packing):
    for name in ("x.tsv", "x.gz", "x.zip"):
        assert read(written(tmp_path / name, PACK[packing](TALK))) == TALK
        assert read(written(tmp_path / name, TALK)) == TALK


@pytest.mark.parametrize("packing", PACK)
def test_several_compressed_files_put_together_are_one(tmp_path, packing):
    pack = PACK[packing]
    padding = b"" if packing == "zstd" else bytes(8)
    content = pack(TALK) + pack(b"") + pack(b"more\n") + padding
    assert read(written(tmp_path / "x", content)) == TALK + b"more\n"


@pytest.mark.parametrize("packing", PACK)
def test_a_file_that_is_cut_off_is_refused(tmp_path, packing):
    content = PACK[packing](TALK)
    for cut in (1, 9, len(content) // 2, len(content) - 15):
        path = written(tmp_path / "x", content[:-cut])
        assert refusal(read, path) == (
            f"{path}: cannot be read (cut off: compressed data ends after "
            f"{len(content) - cut:,} bytes). Check the file."
        )


@pytest.mark.parametrize("packing", PACK)
def test_a_damaged_file_is_refused(tmp_path, packing):
    options = {"options": {zstd.CompressionParameter.checksum_flag: 1}} if packing == "zstd" else {}
    content = PACK[packing](random.Random(3).randbytes(300_000), **options)
    middle = len(content) // 2
    damaged = content[:middle] + bytes([content[middle] ^ 0x41]) + content[middle + 1 :]
    for spoilt in (damaged, content + b"rubbish"):
        path = written(tmp_path / "x", spoilt)
        assert refusal(read, path).startswith(f"{path}: cannot be read (damaged within the first ")


@pytest.mark.parametrize("outer", PACK)
@pytest.mark.parametrize("inner", PACK)
def test_what_is_compressed_twice_is_refused(tmp_path, outer, inner):
    path = written(tmp_path / "x", PACK[outer](PACK[inner](TALK)))
    assert refusal(read, path) == (
        f"{path}: compressed twice ({inner} in {outer}). Decompress it once first."
    )


@pytest.mark.parametrize("mode", ["", "gz", "xz"])
def test_a_tar_archive_is_refused(tmp_path, mode):
    path = tmp_path / "x.tar"
    with tarfile.open(path, f"w:{mode}") as archive:
        archive.add(written(tmp_path / "talk.tsv", TALK))
    assert refusal(read, path) == (
        f"{path}: a tar archive, which is not read here. Unpack it first, and name the folder."
    )


def test_a_zip_in_a_compressed_file_is_refused(tmp_path):
    inner = zipped(tmp_path / "x.zip", {"a.txt": TALK}).read_bytes()
    path = written(tmp_path / "x.zip.gz", gzip.compress(inner))
    assert "a zip archive, which is not read here" in refusal(read, path)


@pytest.mark.parametrize("packing", PACK)
def test_what_unpacks_to_a_thousand_times_its_size_costs_no_memory(tmp_path, packing):
    path = written(tmp_path / "x", PACK[packing](bytes(12 << 20)))
    (source,) = find_sources([path])
    with source.open() as stream:
        tracemalloc.start()
        total = sum(map(len, iter(lambda: stream.read(1 << 16), b"")))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert total == 12 << 20
    assert peak < 4 << 20


def test_zstd_without_its_library_is_refused_with_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "compression.zstd", None)
    monkeypatch.setitem(sys.modules, "backports.zstd", None)
    path = written(tmp_path / "x.zst", zstd.compress(TALK))
    assert refusal(read, path) == (
        f"{path}: compressed by zstd, for which a library is missing. Install it with pip install "
        "'chatbot[zst]', or decompress the file first."
    )


def test_a_folder_in_place_of_a_file_is_refused(tmp_path):
    path = written(tmp_path / "x", TALK)
    (source,) = find_sources([path])
    path.unlink()
    path.mkdir()
    assert refusal(source.open) == (f"{path}: cannot be read (Is a directory). Check the file.")


@pytest.mark.parametrize("packing", ["", *PACK])
@pytest.mark.parametrize("change", ["longer", "longer at once", "shorter", "other"])
def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path, packing, change):
    content = random.Random(1).randbytes(400_000)
    path = written(tmp_path / "x", PACK[packing](content) if packing else content)
    (source,) = find_sources([path])
    before = path.stat().st_mtime_ns
    with source.open() as stream:
        stream.read(10)
        with path.open("r+b") as file:
            if change.startswith("longer"):
                file.seek(0, os.SEEK_END)
                file.write(b"more")
            elif change == "shorter":
                file.truncate(path.stat().st_size - 10)
            else:
                file.seek(300_000)
                file.write(b"!")
        if change in ("other", "longer at once"):
            os.utime(path, ns=(1, 1 if change == "other" else before))
        with pytest.raises(ChatbotError, match="changed while it was read"):
            list(iter(lambda: stream.read(1 << 16), b""))


# Zip archives.


@given(
    st.dictionaries(st.text("ab/你.", min_size=1, max_size=9), st.binary(max_size=90), max_size=9),
    st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]),
)
def test_the_members_of_an_archive_are_files_of_their_own(tmp_path_factory, members, method):
    path = tmp_path_factory.getbasetemp() / "members.zip"
    members = {f"x{name}y": content for name, content in members.items()} | {"z": b"last"}
    members = {name: content for name, content in members.items() if not packing_of(content)}
    path.unlink(missing_ok=True)
    sources = find_sources([zipped(path, members, method)])
    visible = {
        name: content
        for name, content in members.items()
        if not any(part.startswith(".") for part in Path(name).parts)
    }
    assert {source.name: content_of(source) for source in sources} == {
        f"{path}:{name}": content for name, content in visible.items()
    }


def test_members_come_sorted_and_those_that_are_no_corpora_not_at_all(tmp_path):
    names = [
        "b/2.txt",
        "a.txt",
        "b/README.md",
        "LICENSE",
        ".x/a.txt",
        "__MACOSX/c.txt",
        "b/1.txt",
    ]
    path = zipped(tmp_path / "x.zip", dict.fromkeys(names, b"x\ty\n"))
    with zipfile.ZipFile(path, "a") as archive:
        archive.mkdir("folder")
    members = [source.member for source in find_sources([path])]
    assert members == ["a.txt", "b/1.txt", "b/2.txt"]


def test_a_compressed_file_in_an_archive_is_read_through(tmp_path):
    members = {f"x.{packing}": pack(TALK) for packing, pack in PACK.items()}
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        path = zipped(tmp_path / f"{method}.zip", members, method)
        assert [content_of(source) for source in find_sources([path])] == [TALK] * 4


def test_an_archive_in_an_archive_is_refused(tmp_path):
    inner = zipped(tmp_path / "inner.zip", {"a.txt": TALK}).read_bytes()
    path = zipped(tmp_path / "x.zip", {"inner.zip": inner})
    assert refusal(read, path) == (
        f"{path}:inner.zip: a zip archive, which is not read here. Unpack it first, and name the "
        "folder."
    )


def changed_header(path, offset, value):
    """Sets two bytes of the entry of the only member in the archive's directory."""
    content = bytearray(path.read_bytes())
    start = content.rindex(b"PK\x01\x02") + offset
    content[start : start + 2] = struct.pack("<H", value)
    return written(path, bytes(content))


def test_an_encrypted_member_is_refused(tmp_path):
    path = changed_header(zipped(tmp_path / "x.zip", {"a.txt": TALK}), 8, 0x1)
    assert refusal(find_sources, [path]) == (
        f"{path}:a.txt: encrypted. Unpack the archive first, and name the folder."
    )


def test_a_member_that_is_packed_in_an_unusual_way_is_refused(tmp_path):
    path = zipped(tmp_path / "x.zip", {"a.txt": TALK}, zipfile.ZIP_BZIP2)
    assert refusal(find_sources, [path]) == (
        f"{path}:a.txt: packed in an unusual way (bzip2). Unpack the archive first, and name the "
        "folder."
    )


def test_an_archive_without_a_corpus_and_an_office_document_are_refused(tmp_path):
    path = zipped(tmp_path / "x.zip", {"README": b"", ".a": b""})
    assert refusal(find_sources, [path]) == (
        f"{path}: no corpus in this archive. Put conversations in it."
    )
    path = zipped(tmp_path / "x.xlsx", {"[Content_Types].xml": b"", "xl/sheet.xml": b""})
    assert refusal(find_sources, [path]) == (
        f"{path}: an office document or a book. Save it as text or CSV first."
    )


def test_an_archive_that_is_cut_off_is_refused(tmp_path):
    path = zipped(tmp_path / "x.zip", {"a.txt": TALK})
    written(path, path.read_bytes()[:-30])
    assert refusal(find_sources, [path]) == (
        f"{path}: cannot be read (File is not a zip file). Check the file."
    )


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_damaged_member_is_refused(tmp_path, method):
    path = zipped(tmp_path / "x.zip", {"a.txt": TALK}, method)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x10
    written(path, bytes(content))
    assert refusal(read, path).startswith(f"{path}:a.txt: cannot be read (damaged")


def test_a_member_whose_header_is_damaged_is_refused(tmp_path):
    path = zipped(tmp_path / "x.zip", {"a.txt": TALK, "b.txt": TALK})
    content = path.read_bytes()
    second = content.index(b"PK\x03\x04", 10)
    written(path, content[:second] + b"XX" + content[second + 2 :])
    assert refusal(find_sources, [path]) == (
        f"{path}:b.txt: cannot be read (its header is damaged). Check the file."
    )


def test_names_in_gbk_are_read_as_such(tmp_path):
    path = zipped(tmp_path / "x.zip", {"ab.txt": b"x\ty\n"})
    written(path, path.read_bytes().replace(b"ab.txt", "你".encode("gbk") + b".txt"))
    (source,) = find_sources([path])
    assert source.member == "你.txt"
    assert content_of(source) == b"x\ty\n"
