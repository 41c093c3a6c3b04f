"""Is every format read whole, in every container and every encoding?

    python benchmarks/intake.py [--conversations 2000] [--corpora ../shared/corpora]

Writes invented conversations in every format and variant of docs/formats.md (`writers`,
`writers_json`), in every container and in every encoding that can hold them, and counts the pairs
as it writes them, by no code of the package. Then `chatbot inspect --json` reads all files, told
nothing but their names (`--format` where the variant says so), and what it says of each is
compared: pairs, the first pair, the places left out, the format, the encoding. Then the same for
real corpora, if they are there, and for the 17 Chinese files of chatterbot-corpus, if installed.

The whole number of conversations is written for every encoding in a plain file, and for one of them
in .gz; the other combinations get a tenth.
"""

from __future__ import annotations

import argparse
import bz2
import codecs
import gzip
import importlib
import io
import json
import lzma
import random
import resource
import subprocess
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import writers_json  # noqa: F401 - lists its variants
from invented import conversations, says_something
from record import CHATBOT, save
from writers import VARIANTS, Count, Files, Variant

INSPECT = [CHATBOT, "inspect", "--json", "--tokenizer", "char"]
SEED = 20240
MOST_FAULTS = 6


def _zstd() -> Callable[[bytes], bytes] | None:
    for name in ("compression.zstd", "backports.zstd"):
        try:
            compress: Callable[[bytes], bytes] = importlib.import_module(name).compress
        except ImportError:
            continue
        return compress
    return None


PACKINGS: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    ".gz": lambda raw: gzip.compress(raw, 3),
    ".bz2": lambda raw: bz2.compress(raw, 1),
    ".xz": lambda raw: lzma.compress(raw, preset=0),
}
if (zstd := _zstd()) is not None:
    PACKINGS[".zst"] = zstd
CONTAINERS = (*PACKINGS, ".zip", "folder", "stdin")

ENCODINGS = {
    "utf-8": ("utf-8", b"", "utf-8"),
    "utf-8 with mark": ("utf-8", codecs.BOM_UTF8, "utf-8"),
    "utf-8, CR LF": ("utf-8", b"", "utf-8"),
    "utf-16-le with mark": ("utf-16-le", codecs.BOM_UTF16_LE, "utf-16-le"),
    "utf-16-be with mark": ("utf-16-be", codecs.BOM_UTF16_BE, "utf-16-be"),
    "gb18030": ("gb18030", b"", "gb18030"),
    "big5": ("cp950", b"", "big5hkscs"),
    "windows-1252": ("cp1252", b"", "cp1252"),
    "database": ("", b"", ""),
}
"""By name: the codec that writes, the mark at the beginning, and the codec that reads."""

SCRIPTS = {
    "any": list(ENCODINGS)[:7],
    "latin": ["utf-8", "windows-1252"],
    "database": ["database"],
}


@dataclass
class Case:
    """One corpus: how it was written, what is in it, and what was read.

    Attributes:
        variant: what it is.
        encoding: its encoding, a key of `ENCODINGS`.
        container: its container.
        count: what is in it.
        codecs: those that its files are to be recognised in.
        names: the files to name; none for standard input.
        piped: what goes to standard input.
        read: what the command said of the file.
        error: what it said if it could not read it.
    """

    variant: Variant
    encoding: str
    container: str
    count: Count
    codecs: set[str]
    names: list[str] = field(default_factory=list)
    piped: bytes = b""
    read: dict[str, Any] = field(default_factory=dict)
    error: str = ""

    def faults(self) -> list[str]:
        """In what the reading differs from what was written."""
        if self.error:
            return [self.error]
        read, faults = self.read, []
        skipped = sum(read["skipped"].values())
        expected: list[tuple[str, object, object]] = [
            ("pairs", self.count.pairs, read["pairs"]),
            ("format", self.variant.format, read["format"]),
            ("encoding", self.codecs, set(read["encoding"].split("+"))),
            ("first pair", list(self.count.first or ()), (read["first"] or [[]])[0]),
            ("bad bytes", 0, read["bad_bytes"]),
            ("lines in other encodings", {}, read["mixed"]),
        ]
        if skipped not in (self.count.left, self.count.left + self.count.system):
            expected.append(("left out", self.count.left, read["skipped"]))
        for what, wanted, found in expected:
            if wanted != found:
                faults.append(f"{what}: {wanted!r} expected, {found!r} read")
        return faults


def main() -> None:
    """Writes, reads, compares and records."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--conversations", type=int, default=2000)
    parser.add_argument("--corpora", type=Path, default=Path("../shared/corpora"))
    parser.add_argument("--only", default="", help="variants whose format or name begins so")
    given = parser.parse_args()
    began = time.monotonic()
    cases: list[Case] = []
    chosen = [v for v in VARIANTS if f"{v.format} {v.name}".startswith(given.only)]
    with ThreadPoolExecutor(2) as pool:
        for done in pool.map(lambda one: run_variant(one, given.conversations), chosen):
            cases += done
    real = [] if given.only else list(real_corpora(given.corpora.resolve()))
    faults = [
        {
            "case": ", ".join((c.variant.format, c.variant.name, c.encoding, c.container)),
            "faults": c.faults(),
        }
        for c in cases
        if c.faults()
    ]
    equal = len(cases) - len(faults)
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    pairs_equal = sum(not c.error and c.read["pairs"] == c.count.pairs for c in cases)
    result = {
        "summary": f"{pairs_equal:,} of {len(cases):,} read with all pairs; {equal:,} of "
        f"{len(cases):,} equal in pairs, first pair, places left out, format and encoding",
        "formats": len({c.variant.format for c in cases}),
        "variants": len(chosen),
        "pairs_read": sum(c.read.get("pairs", 0) for c in cases),
        "real": real,
        "seconds": round(time.monotonic() - began, 1),
        "processor_seconds": round(usage.ru_utime + usage.ru_stime, 1),
        "faults": faults,
        "table": table(cases),
    }
    if given.only:
        print(json.dumps(result, indent=1, ensure_ascii=False))
    else:
        save("intake", result)


def table(cases: Sequence[Case]) -> dict[str, dict[str, str]]:
    """By variant and encoding: pairs written, and pairs read in every container."""
    found: dict[str, dict[str, str]] = {}
    for case in cases:
        row = found.setdefault(f"{case.variant.format}: {case.variant.name}", {})
        where = row.setdefault(case.encoding, "")
        said = "error" if case.error else f"{case.read['pairs']:,}"
        said += f" of {case.count.pairs:,}" if case.faults() or not where else ""
        row[case.encoding] += f"{' | ' if where else ''}{case.container} {said}"
        row[case.encoding] += " DIFFERS" * bool(case.faults())
    return found


def run_variant(one: Variant, size: int) -> list[Case]:
    """All cases of a variant: one process for the files, one for standard input."""
    with tempfile.TemporaryDirectory(prefix="intake-") as name:
        cases = list(written(one, size, Path(name)))
        files = [case for case in cases if case.names]
        read_files(one, files)
        for case in cases:
            if not case.names:
                command = [*INSPECT, *(one.piped or ()), "-"]
                take(inspect(command, case.piped), [case])
    return cases


def written(one: Variant, size: int, folder: Path) -> Iterator[Case]:
    """Writes the cases of a variant below a folder."""
    made: dict[tuple[bool, str], tuple[Files, Count]] = {}
    encodings = SCRIPTS[one.script]
    piped = random.Random(f"{one.format} {one.name}").choice(encodings)
    for encoding in encodings:
        for container in CONTAINERS:
            if container == "stdin" and (one.piped is None or encoding != piped):
                continue
            whole = container == "plain" or (container == ".gz" and encoding == encodings[0])
            script = "latin" if one.script == "latin" else "big5" if encoding == "big5" else "any"
            if (whole, script) not in made:
                talks = conversations(size if whole else size // 10, SEED, script=script)
                count = Count()
                made[whole, script] = (one.write(talks, random.Random(SEED), count), count)
            files, count = made[whole, script]
            codecs = {codec_of(x, encoding) for x in files.values()}
            case = Case(one, encoding, container, count, codecs)
            place = folder / encoding.replace(" ", "-") / container.strip(".")
            store(case, {name: encoded(x, encoding) for name, x in files.items()}, place)
            yield case


def codec_of(text: str | bytes, encoding: str) -> str:
    """The codec that a file is to be recognised in; what is all ASCII, and a database, is UTF-8."""
    _, mark, codec = ENCODINGS[encoding]
    plain = isinstance(text, bytes) or text.isascii()
    return "utf-8" if plain and not mark else codec


def encoded(text: str | bytes, encoding: str) -> bytes:
    """The bytes of a file; what has a mark does not end in a line feed."""
    if isinstance(text, bytes):
        return text
    codec, mark, _ = ENCODINGS[encoding]
    if encoding == "utf-8, CR LF":
        text = text.replace("\n", "\r\n")
    if mark:
        text = text.removesuffix("\n")
    if encoding == "big5":
        text = text.translate(str.maketrans("问题", "問題"))
    return mark + text.encode(codec)


def store(case: Case, files: dict[str, bytes], place: Path) -> None:
    """Puts the files of a case into its container; a compressed one is two put together."""
    place.mkdir(parents=True)
    container = case.container
    if container == "stdin":
        raw = next(iter(files.values()))
        case.piped = PACKINGS[".gz"](raw) if len(raw) % 2 else raw
    elif container == ".zip":
        with zipfile.ZipFile(place / "talks.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("README.md", "About these conversations.\n")
            for name, raw in files.items():
                archive.writestr(f"films/{name}", raw)
        case.names = [str(place / "talks.zip")]
    elif container == "folder":
        (place / "films").mkdir()
        (place / "LICENSE").write_text("Do what you like.\n")
        for name, raw in files.items():
            (place / "films" / name).write_bytes(raw)
        case.names = [str(place)]
    else:
        pack = PACKINGS[container]
        suffix = "" if container == "plain" else container
        for name, raw in files.items():
            half = len(raw) // 2
            (place / (name + suffix)).write_bytes(pack(raw[:half]) + pack(raw[half:]))
            case.names.append(str(place / (name + suffix)))


def read_files(one: Variant, cases: Sequence[Case]) -> None:
    """Reads many cases at once; one that ends the command is noted, and the others read again."""
    left = list(cases)
    for _ in range(MOST_FAULTS):
        if not left:
            return
        names = [name for case in left for name in case.names]
        done = inspect([*INSPECT, *one.options, *names])
        if not done.returncode:
            take(done, left)
            return
        said = done.stderr.decode(errors="replace").strip().split("\n")[-1]
        guilty = [case for case in left if any(name in said for name in case.names)]
        for case in guilty or left:
            case.error = said
        left = [case for case in left if not case.error]
    for case in left:
        case.error = "not read, as too many others gave errors"


def inspect(command: Sequence[str], piped: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Runs the command."""
    return subprocess.run(command, input=piped, capture_output=True, check=False)


def take(done: subprocess.CompletedProcess[bytes], cases: Sequence[Case]) -> None:
    """Hands what was read to the cases, which are in the order of the files."""
    if done.returncode:
        for case in cases:
            case.error = done.stderr.decode(errors="replace").strip().split("\n")[-1]
        return
    found = json.loads(done.stdout)
    files = found["files"]
    if len(files) != len(cases) or sum(file["pairs"] for file in files) != found["pairs"]:
        said = [f"{file['name']} {file['pairs']}" for file in files][:20]
        for case in cases:
            case.error = f"{len(cases)} corpora were named, but {found['pairs']} pairs in {said}"
        return
    for case, file in zip(cases, files, strict=True):
        case.read = file


# Real corpora


def real_corpora(folder: Path) -> Iterator[str]:
    """A sentence for every real corpus that is there."""
    if (folder / "dgk").is_dir():
        films = sorted((folder / "dgk").glob("*.conv"))
        yield compared("dgk, six films", films, sum(map(count_conv, films)))
        yield compared("dgk, train.tsv.gz", [folder / "dgk/train.tsv.gz"], 214_057)
    if (folder / "gb18030").is_dir():
        sides = [folder / "gb18030" / name for name in ("train", "test")]
        yield compared("gb18030, paired", [folder / "gb18030"], sum(map(count_paired, sides)))
    if (folder / "smilechat_3k.jsonl").is_file():
        smile = folder / "smilechat_3k.jsonl"
        yield compared("smilechat", [smile], count_messages(smile))
    try:
        package = importlib.import_module("chatterbot_corpus")
    except ImportError:
        return
    files = sorted((Path(str(package.__file__)).parent / "data" / "chinese").glob("*.yml"))
    yield compared("chatterbot-corpus, Chinese", files, sum(map(count_yaml, files)))


def compared(what: str, names: Sequence[Path], expected: int) -> str:
    """Reads a real corpus and says what came of it."""
    done = inspect([*INSPECT, *map(str, names)])
    if done.returncode:
        return f"{what}: DIFFERS, {expected:,} expected: {done.stderr.decode().strip()}"
    found = json.loads(done.stdout)
    ways = sorted({f"{file['format']} in {file['encoding']}" for file in found["files"]})
    left: dict[str, int] = {}
    for file in found["files"]:
        for reason, number in file["skipped"].items():
            left[reason] = left.get(reason, 0) + number
    verdict = "equal" if found["pairs"] == expected else "DIFFERS"
    return (
        f"{what}: {verdict}, {found['pairs']:,} of {expected:,} pairs from "
        f"{len(found['files'])} files, {', '.join(ways)}; left out {left}"
    )


def count_conv(path: Path) -> int:
    """Turns that follow a turn in their conversation, neither of them empty."""
    pairs, before = 0, ""
    for line in path.read_bytes().decode("utf-8").split("\n"):
        turn = line[1:].strip() if line.startswith("M") else ""
        pairs += says_something(before) and says_something(turn)
        before = turn
    return pairs


def count_paired(stem: Path) -> int:
    """Lines of two files that are both filled."""
    enc, dec = (
        stem.with_suffix(suffix).read_bytes().decode("gb18030").split("\n")
        for suffix in (".enc", ".dec")
    )
    return sum(says_something(q) and says_something(r) for q, r in zip(enc, dec, strict=True))


def count_messages(path: Path) -> int:
    """Messages that follow a message, neither by the system nor empty."""
    pairs = 0
    for line in path.read_text(encoding="utf-8").split("\n"):
        if line:
            told = [m for m in json.loads(line)["messages"] if m["role"] != "system"]
            sides = pairwise(m["content"] for m in told)
            pairs += sum(says_something(q) and says_something(r) for q, r in sides)
    return pairs


def count_yaml(path: Path) -> int:
    """Turns that follow a turn."""
    import yaml

    talks = yaml.safe_load(io.StringIO(path.read_text(encoding="utf-8")))["conversations"]
    sides = (pair for turns in talks for pair in pairwise(map(str, turns)))
    return sum(says_something(q) and says_something(r) for q, r in sides)


if __name__ == "__main__":
    main()
