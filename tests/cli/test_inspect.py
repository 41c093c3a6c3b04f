"""`chatbot inspect` as its user meets it."""

import json
import shlex

import pytest
from click.testing import CliRunner

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


def test_a_page_is_written_besides(folder, main):
    done = main("inspect", "--tokenizer", "char", "--html", "look.html", cwd=folder)
    assert done.code == 0
    assert done.out.startswith("Look first\n")
    assert done.err.endswith("wrote look.html\n")
    page = (folder / "look.html").read_text("utf-8")
    assert page.startswith("<!doctype html>")
    assert "<bdi>回答帀</bdi>" in page


def test_a_page_that_cannot_be_written_is_an_error_of_one_line(folder, main):
    done = main("inspect", "--tokenizer", "char", "--html", "no/look.html", cwd=folder)
    assert (done.code, done.out) == (1, "")
    assert done.err.splitlines()[-1] == (
        "Error: --html no/look.html: cannot be written (No such file or directory). Name another "
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
        "--keep-segmented",
        "--no-keep-segmented",
        "--restart",
    }
    assert options("build-vocab") - writing == options("inspect") - {"--json", "--html"}


def test_help_says_what_it_is_for():
    shown = CliRunner().invoke(cli, ["inspect", "--help"]).output
    assert "Look at conversations before building" in shown
