"""`chatbot inspect` as its user meets it."""

import json
import resource
import shlex

import pytest
from click.testing import CliRunner
from helpers import fill, small_disk

from chatbot.cli import cli

TALK = "".join(f"问题{chr(0x4E00 + i)}\t回答{chr(0x5E00 + i)}\n" for i in range(37))


@pytest.fixture
def folder(tmp_path):
    """A folder with data/talk.tsv: 37 pairs, 13 of them twice, one line without a reply."""
    (tmp_path / "data").mkdir()
    again = "".join(TALK.splitlines(keepends=True)[:13])
    (tmp_path / "data" / "talk.tsv").write_text(f"{TALK}只有问题\n{again}", "utf-8")
    return tmp_path


def inspected(main, folder, *arguments):
    """What `--json` says."""
    done = main("inspect", "--json", "--tokenizer", "char", *arguments, cwd=folder)
    assert done.code == 0, done.err
    return json.loads(done.out)


def test_it_reports_on_stdout_and_leaves_nothing_behind(folder, main, files_in):
    before = files_in(folder)
    done = main("inspect", "--tokenizer", "char", cwd=folder)
    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[0] == "Look first"
    assert "50 pairs in 1 file" in lines
    assert "    skipped: 1 wrong number of fields" in lines
    assert "    问题一 → 回答帀" in lines
    assert "    chatbot build-vocab --tokenizer char --drop-duplicates && chatbot train" in lines
    assert "data/talk.tsv: " in done.err
    assert "Look first" not in done.err
    assert files_in(folder) == before


def test_a_program_gets_facts_and_advice_and_nothing_else(folder, main):
    facts = inspected(main, folder)
    assert (facts["pairs"], facts["distinct_pairs"], facts["distinct_replies"]) == (50, 37, 37)
    (file,) = facts["files"]
    assert (file["pairs"], file["skipped"]) == (50, {"wrong number of fields": 1})
    assert (file["format"], file["encoding"]) == ("tab", "utf-8")
    assert file["first"] == [
        [f"问题{q}", f"回答{r}"] for q, r in zip("一丁丂", "帀币市", strict=True)
    ]
    assert facts["top_replies"][0][1] == 2
    assert facts["text_bytes"] == (folder / "data" / "talk.tsv").stat().st_size
    assert facts["seconds"] > 0
    assert facts["peak_bytes"] > 10**7
    assert facts["words"] == 300
    assert facts["tokens"]["questions"]["histogram"] == [0, 0, 0, 50]
    assert facts["chosen"]["entries"] == 4 + 4 + 2 * 37
    assert "26% of the pairs are copies of other pairs." in facts["advice"]["concerns"]
    assert facts["advice"]["command"].endswith("--drop-duplicates && chatbot train")
    assert facts["advice"]["forecast"]["by_heart"] is True


def test_corpora_and_options_come_back_in_the_command(folder, main):
    (folder / "data" / "talk.tsv").rename(folder / "my talk.txt")
    facts = inspected(main, folder, "my talk.txt", "--format", "tab", "--max-chars", "3")
    build, train = facts["advice"]["command"].split(" && ")
    assert shlex.split(build) == [
        *("chatbot", "build-vocab", "my talk.txt", "--format", "tab", "--tokenizer", "char"),
        *("--max-chars", "3", "--drop-duplicates"),
    ]
    assert train == "chatbot train"


def test_the_recommended_command_does_what_it_is_recommended_for(folder, main):
    build = inspected(main, folder)["advice"]["command"].split(" && ")[0]
    assert main(*shlex.split(build)[1:], cwd=folder).code == 0
    info = main("info", "--json", cwd=folder)
    assert json.loads(info.out)["pairs"] == 37
    again = inspected(main, folder, "--drop-duplicates")
    assert again["pairs"] == 37
    assert again["advice"]["settings"] == []


def test_the_number_of_workers_changes_nothing(folder, main):
    one, two = (inspected(main, folder, "--workers", n) for n in ("1", "2"))
    for facts in (one, two):
        for clock in ("seconds", "peak_bytes"):
            del facts[clock]
        del facts["advice"]["forecast"]["seconds"]
    assert one == two


def test_files_of_one_name_are_told_apart_by_their_folders(folder, main):
    for name in "ab":
        (folder / name).mkdir()
        (folder / name / "talk.tsv").write_text(f"问{name}\t答{name}\n{name}\n", "utf-8")
    paths = ["a/talk.tsv", "b/talk.tsv"]
    done = main("inspect", "--tokenizer", "char", *paths, "--html", "page.html", cwd=folder)
    for name in paths:
        assert f"\n  {name}: 1 pair, tab, UTF-8\n" in done.out
        assert f"\n  ! {name}: 1 skipped against 1 learnt" in done.out
        assert name in (folder / "page.html").read_text("utf-8")
    facts = inspected(main, folder, *paths)
    assert [one["path"] for one in facts["files"]] == paths
    assert [one["name"] for one in facts["files"]] == ["talk.tsv", "talk.tsv"]
    assert main("build-vocab", "--tokenizer", "char", *paths, cwd=folder).code == 0
    manifest = (folder / "model" / "segmented" / "manifest").read_bytes()
    assert b"a/talk" not in manifest


def test_a_page_is_written_besides(folder, main):
    done = main("inspect", "--tokenizer", "char", "--html", "look.html", cwd=folder)
    assert done.code == 0
    assert done.out.startswith("Look first\n")
    assert done.err.endswith("wrote look.html\n")
    page = (folder / "look.html").read_text("utf-8")
    assert page.startswith("<!doctype html>")
    assert "<bdi>回答帀</bdi>" in page


def test_a_page_that_cannot_be_written_is_an_error_before_anything_is_read(folder, main, refused):
    done = main("inspect", "--tokenizer", "char", "--html", "no/look.html", cwd=folder)
    refused(
        done,
        "--html no/look.html: cannot be written (No such file or directory). Name another file.",
    )


def test_a_page_is_left_as_it_was_when_reading_fails(folder, main, files_in):
    (folder / "old.html").write_bytes(b"old")
    before = files_in(folder)
    for name in ("old.html", "new.html"):
        assert main("inspect", "gone.tsv", "--html", name, cwd=folder).code == 1
        assert files_in(folder) == before


def test_the_report_is_printed_though_the_disk_of_the_page_is_full(folder, main):
    with small_disk(folder / "small", 1) as disk:
        fill(disk)
        done = main("inspect", "data", "--tokenizer", "char", "--html", "small/a.html", cwd=folder)
    assert done.code == 1
    assert done.out.startswith("Look first\n")
    assert "\nRecommended\n" in done.out
    assert done.err.splitlines()[-1] == (
        "Error: --html small/a.html: cannot be written (No space left on device). Name another "
        "file."
    )


def test_without_corpora_it_says_what_build_vocab_says(tmp_path, main):
    look, build = (main(command, cwd=tmp_path) for command in ("inspect", "build-vocab"))
    assert look == build
    assert look.code == 1


@pytest.mark.parametrize(
    "wrong",
    [["--workers", "0"], ["--tokenizer", "letters"], ["--max-chars", "0"], ["--html", "data"]],
)
def test_wrong_usage_is_told_as_such(folder, main, wrong):
    done = main("inspect", *wrong, cwd=folder)
    assert (done.code, done.out) == (2, "")
    assert wrong[0] in done.err


def test_it_takes_every_option_by_which_build_vocab_reads():
    def options(command):
        return {
            name for one in cli.commands[command].params for name in one.opts + one.secondary_opts
        }

    writing = {
        "--model",
        "--vocab",
        "--add",
        "--extend",
        "--part",
        "--shards",
        "--keep-segmented",
        "--no-keep-segmented",
        "--restart",
    }
    assert options("build-vocab") - writing == options("inspect") - {"--json", "--html"}


def test_help_says_what_it_is_for():
    shown = CliRunner().invoke(cli, ["inspect", "--help"]).output
    assert "Look at conversations before building" in shown


# What it reads, where it may write, and how it leaves.


def test_standard_input_is_looked_at_like_a_file(folder, main):
    data = (folder / "data" / "talk.tsv").read_bytes()
    options = ("inspect", "--tokenizer", "char", "--json")
    piped = main(*options, "-", cwd=folder, stdin=data)
    assert piped.err.startswith("standard input: TAB-separated lines (")
    facts = [json.loads(main(*options, "data/talk.tsv", cwd=folder).out), json.loads(piped.out)]
    assert [one["files"][0].pop("name") for one in facts] == ["talk.tsv", "standard input"]
    paths = [one["files"][0].pop("path") for one in facts]
    assert paths == ["data/talk.tsv", "standard input"]
    for one in facts:
        assert " - " in one["advice"].pop("command") or one is facts[0]
        one["top_replies"] = sorted(count for _, count in one["top_replies"])
        for changing in ("seconds", "peak_bytes"):
            del one[changing]
        del one["advice"]["forecast"]
    assert facts[0] == facts[1]
    empty = main("inspect", "-", cwd=folder, stdin=b"")
    assert (empty.code, empty.out) == (1, "")
    assert empty.err == (
        "Error: standard input: empty file. Put conversations in it, or remove it.\n"
    )


def test_only_the_page_is_written(folder, main, files_in):
    before = files_in(folder)
    options = ("--tokenizer", "char", "--json", "--html", "look.html", "--drop-duplicates")
    done = main("inspect", *options, cwd=folder)
    assert done.code == 0
    assert json.loads(done.out)["pairs"] == 37
    after = files_in(folder)
    assert after.pop("look.html")
    assert after == before


def test_stdout_holds_one_object_and_every_file_has_its_pairs(folder, main):
    (folder / "data" / "b.conv").write_text("E\nM 早\nM 你早\nM 好\n", "utf-8")
    done = main("inspect", "--json", "--tokenizer", "char", "data", cwd=folder)
    assert (done.code, done.out.count("\n")) == (0, 1)
    facts = json.loads(done.out)
    assert {one["name"]: one["pairs"] for one in facts["files"]} == {"b.conv": 2, "talk.tsv": 50}
    assert facts["pairs"] == 52


def small_files_only():
    resource.setrlimit(resource.RLIMIT_FSIZE, (900, 900))


@pytest.mark.parametrize("name", ["-", "data/talk.tsv"])
def test_a_full_disk_is_told_in_one_line_and_nothing_is_left_there(folder, start, left, name):
    (folder / "tmp").mkdir()
    here = folder / "tmp"
    where = {"TMPDIR": str(here)}
    options = ("--tokenizer", "char", "--workers", "1", name)
    process = start("inspect", *options, cwd=folder, env=where, preexec_fn=small_files_only)
    done = left(process, (folder / "data" / "talk.tsv").read_bytes() if name == "-" else None)
    assert (done.code, done.out) == (1, "")
    line = done.err.splitlines()[-1]
    if name == "-":
        assert line == (
            f"Error: standard input: cannot be kept in {here} ([Errno 27] File too large). Make "
            "room there, or set TMPDIR to another folder."
        )
    else:
        assert line == (
            f"Error: {here}: cannot be written (File too large). Make room, or name another "
            "folder for temporary files with TMPDIR."
        )
    assert "Traceback" not in done.err
    assert list(here.iterdir()) == []


def test_a_folder_for_temporary_files_that_is_not_there_does_no_harm(folder, start, left, files_in):
    before = files_in(folder)
    where = {"TMPDIR": str(folder / "gone")}
    done = left(start("inspect", "--tokenizer", "char", cwd=folder, env=where))
    assert done.code == 0
    assert files_in(folder) == before


def test_a_reader_that_leaves_ends_it_quietly(folder, start, left):
    process = start("inspect", "--tokenizer", "char", cwd=folder)
    process.stdout.close()
    process.stdout = None
    done = left(process)
    assert done.code == 1
    assert "Traceback" not in done.err


def test_a_reader_of_bad_data_gets_the_same_line_as_from_build_vocab(folder, main):
    (folder / "bad.tsv").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 9)
    look, build = (main(command, "bad.tsv", cwd=folder) for command in ("inspect", "build-vocab"))
    assert look == build
    assert (look.code, look.err) == (
        1,
        "Error: bad.tsv: binary data. Name text files only, plain or compressed.\n",
    )


def test_files_of_a_folder_that_are_no_text_are_left_out_and_told(folder, main):
    (folder / "data" / "empty.tsv").write_bytes(b"")
    (folder / "data" / "photo.jpg").write_bytes(b"\xff\xd8\0\1" * 99)
    told = ["data/empty.tsv: empty file", "data/photo.jpg: binary data"]
    done = main("inspect", "--tokenizer", "char", "--html", "page.html", cwd=folder)
    assert done.code == 0
    assert done.err.splitlines()[:2] == [f"left out {one}" for one in told]
    assert [f"  left out {one}" in done.out.splitlines() for one in told] == [True, True]
    page = (folder / "page.html").read_text("utf-8")
    assert [f"<p>Left out <bdi>{one}</bdi>.</p>" in page for one in told] == [True, True]
    assert inspected(main, folder)["left_out"] == told
