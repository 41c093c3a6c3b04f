"""`chatbot report` as its user meets it."""

import json
import os
import re
import subprocess
import sys
import time
from xml.etree import ElementTree

import pytest

from chatbot.history import Record

DRAWN = [
    *("bits-per-character", "gradient-norm", "learning-rate", "loss", "loss-by-time"),
    *("peak-memory", "question-gain", "tokens-per-second", "variety"),
]


def test_it_writes_a_page_and_says_what_came_of_the_run(a_run, recorded, main, files_in):
    folder = recorded(a_run)
    before = files_in(folder)
    done = main("report", cwd=folder)
    assert (done.code, done.err) == (0, "wrote report.html\n")
    assert done.out.startswith("600 steps in 5 min 0 s; best held-out loss 3.000 nats per token")
    assert done.out.count("\n") == 1
    after = files_in(folder)
    page = after.pop("report.html").decode()
    assert after == before
    assert page.startswith("<!doctype html>")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script" not in page


def test_the_page_of_a_model_that_was_trained(trained, main):
    done = main("report", "--out", "run.html", cwd=trained)
    assert (done.code, done.err) == (0, "wrote run.html\n")
    assert re.match(r"2 steps in \d+ s; best held-out loss \d\.\d{3} nats per token \(", done.out)
    assert "Stopped: all 2 steps done." in done.out
    page = (trained / "run.html").read_text("utf-8")
    for fact in ("<bdi>--units</bdi></code></td><td class", "last checkpoint", "best validation"):
        assert fact in page, fact
    assert not (trained / "report.html").exists()


def test_as_json_it_is_one_object_and_no_page_is_written(a_run, recorded, main, files_in):
    folder = recorded(a_run)
    before = files_in(folder)
    done = main("report", "--json", cwd=folder)
    assert (done.code, done.err, done.out.count("\n")) == (0, "", 1)
    assert files_in(folder) == before
    facts = json.loads(done.out)
    assert facts["best"]["step"] == 400
    assert facts["alarms"] == {"question ignored": [350]}
    assert main("report", cwd=folder).out == facts["headline"] + "\n"
    both = main("report", "--json", "--out", "page.html", cwd=folder)
    assert (both.out, both.err) == (done.out, "wrote page.html\n")


def test_every_curve_is_written_as_svg(a_run, recorded, main):
    folder = recorded(a_run)
    done = main("report", "--svg", "deep/curves", cwd=folder)
    assert (done.code, done.err) == (0, "wrote report.html\nwrote 9 curves into deep/curves\n")
    files = list((folder / "deep" / "curves").iterdir())
    assert {path.name for path in files} == {f"{name}.svg" for name in DRAWN}
    for path in files:
        root = ElementTree.parse(path).getroot()
        assert root.tag == "{http://www.w3.org/2000/svg}svg"


def test_every_curve_is_written_as_png(a_run, recorded, main):
    pytest.importorskip("matplotlib")
    folder = recorded(a_run)
    done = main("report", "--json", "--png", ".", cwd=folder)
    assert (done.code, done.err) == (0, "wrote 9 curves into .\n")
    files = list(folder.glob("*.png"))
    assert {path.stem for path in files} == set(DRAWN)
    assert {path.read_bytes()[:8] for path in files} == {b"\x89PNG\r\n\x1a\n"}


def test_without_the_extra_nothing_is_written(
    a_run, recorded, main, refused, files_in, monkeypatch
):
    folder = recorded(a_run)
    before = files_in(folder)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    refused(
        main("report", "--png", "curves", "--svg", "curves", cwd=folder),
        "--png: matplotlib is not installed. Install it: pip install 'chatbot[plot]', or write "
        "--svg, which needs nothing.",
    )
    assert files_in(folder) == before


def test_a_run_of_one_curve_is_counted_in_the_singular(recorded, main):
    folder = recorded([Record("progress", 10, loss=3.0)])
    assert main("report", "--svg", "x", cwd=folder).err.endswith("\nwrote 1 curve into x\n")


def test_what_cannot_be_reported_is_refused_in_one_line(tmp_path, main, refused):
    begin = "no training is recorded here. Begin with: chatbot train --model"
    refused(main("report", cwd=tmp_path), f"model: {begin} model.")
    (tmp_path / "m").mkdir()
    refused(main("report", "--model", "m", cwd=tmp_path), f"m: {begin} m.")
    history = tmp_path / "m" / "history.jsonl"
    for content in (
        b"",
        b"\n\n",
        b'{"kind": "sta',
        b"\xff\xfe\x00",
        b'[1]\n{"kind": 1, "step": 2}\n',
    ):
        history.write_bytes(content)
        refused(
            main("report", "--model", "m", cwd=tmp_path),
            f"{'m/history.jsonl'}: holds no record of a run. Train, or name another folder with "
            "--model.",
        )
    history.unlink()
    history.mkdir()
    refused(
        main("report", "--model", "m", cwd=tmp_path),
        "m/history.jsonl: cannot be read (Is a directory). Mend the folder, or name another with "
        "--model.",
    )
    assert not (tmp_path / "report.html").exists()


@pytest.mark.parametrize("option", ["--out", "--svg", "--png"])
def test_what_cannot_be_written_is_told_in_one_line(a_run, recorded, main, option):
    if option == "--png":
        pytest.importorskip("matplotlib")
    folder = recorded(a_run)
    (folder / "file").write_bytes(b"")
    done = main("report", option, "file/inside", cwd=folder)
    assert done.code == 1
    assert done.err.splitlines()[-1] == (
        f"Error: {option} file/inside: cannot be written (Not a directory). Name another file."
    )


@pytest.mark.parametrize(
    "wrong", [["--out", "model"], ["--svg", "file"], ["--png", "file"], ["extra"], ["--pdf", "x"]]
)
def test_wrong_usage_is_told_as_such(a_run, recorded, main, wrong):
    folder = recorded(a_run)
    (folder / "file").write_bytes(b"")
    done = main("report", *wrong, cwd=folder)
    assert (done.code, done.out) == (2, "")
    assert wrong[0] in done.err


def test_a_history_whose_last_line_is_torn_is_read_up_to_there(a_run, recorded, main):
    folder = recorded(a_run)
    before = main("report", "--json", cwd=folder).out
    with (folder / "model" / "history.jsonl").open("ab") as file:
        file.write('{"kind": "alarm", "step": 600, "note": "早'.encode()[:-1])
    assert main("report", "--json", cwd=folder).out == before


def test_a_run_that_is_still_going_on_is_reported_up_to_now(a_run, recorded, main):
    folder = recorded(a_run[:-1])
    assert "No end is recorded: it goes on, or it was killed." in main("report", cwd=folder).out


def test_losses_that_are_not_finite_do_not_hinder_it(recorded, main):
    nan = float("nan")
    records = [
        Record("progress", 10, 1.0, loss=nan),
        Record("validation", 20, 2.0, heldout_loss=nan),
    ]
    folder = recorded(records)
    done = main("report", "--svg", "curves", cwd=folder)
    assert done.code == 0
    assert "never validated" in done.out
    assert "The loss was not finite, first at step 10." in done.out
    facts = json.loads(main("report", "--json", cwd=folder).out, parse_constant=pytest.fail)
    assert [one["kind"] for one in facts["events"]] == ["broken"]


def test_the_same_history_gives_the_same_bytes(a_run, recorded, main, files_in):
    folder = recorded(a_run)
    for name in ("one", "two"):
        main("report", "--out", f"{name}.html", "--svg", name, cwd=folder)
    found = files_in(folder)
    assert found["one.html"] == found["two.html"]
    assert [found[f"one/{name}.svg"] for name in DRAWN] == [
        found[f"two/{name}.svg"] for name in DRAWN
    ]


def test_a_hundred_thousand_records_take_seconds_and_no_tensorflow(a_run, tmp_path):
    """In a process of its own, which says what it loaded."""
    (tmp_path / "model").mkdir()
    lines = [json.dumps(one.as_dict(), ensure_ascii=False) for one in a_run[:-1]]
    with (tmp_path / "model" / "history.jsonl").open("w", encoding="utf-8") as file:
        for _ in range(100_000 // len(lines)):
            file.write("\n".join(lines) + "\n")
    code = (
        "import sys\nfrom chatbot.cli import cli\n"
        "cli(['report', '--svg', 'curves'], standalone_mode=False)\n"
        "print(*{'tensorflow', 'keras', 'numpy', 'jieba', 'matplotlib'} & set(sys.modules))"
    )
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert time.monotonic() - began < 30
    assert done.stdout.splitlines()[-1] == ""
    assert (tmp_path / "report.html").stat().st_size < 250_000
    assert all(path.stat().st_size < 60_000 for path in (tmp_path / "curves").iterdir())


def test_it_is_listed_among_the_commands(main, tmp_path):
    done = main("--help", cwd=tmp_path)
    assert re.search(r"^  report +Show a training run", done.out, re.MULTILINE)
