"""Records in; what the real TensorBoard then shows."""

import html
import math
import re
import warnings

import numpy as np
import pytest
import tensorflow as tf
from helpers import fill, small_disk
from hypothesis import given
from hypothesis import strategies as st
from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator
from tensorboard.util.tensor_util import make_ndarray

from chatbot.errors import ChatbotError
from chatbot.history import Record
from chatbot.learn.preparing import prepare
from chatbot.talk.bot import Bot
from chatbot.talk.tensorboard import CELL, Events, escaped, heat_map, table
from chatbot.talk.watching import Watch
from chatbot.talk.why import Why

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", "html5lib's sanitizer is deprecated")
    from tensorboard.plugin_util import markdown_to_safe_html

WHY = Why(["你", "|", "好", " "], ["a*b*", "<b>"], np.float32([[0.5, 0.25, 0, 0.25], [0, 1, 0, 0]]))


SMALL = {"units": 16, "embedding": 12}


def read(folder):
    """What TensorBoard itself holds of a folder, with nothing sampled."""
    return EventAccumulator(str(folder), {"tensors": 0}).Reload()


def tags(found, plugin):
    """The tags of a plugin that have something left to show."""
    return sorted(tag for tag in found.PluginTagToContent(plugin) if found.Tensors(tag))


def points(found, tag):
    return [(one.step, make_ndarray(one.tensor_proto)[()]) for one in found.Tensors(tag)]


def texts(found, tag):
    return [(step, said.decode()) for step, said in points(found, tag)]


def pictures(found, tag):
    return [(step, tf.io.decode_png(data).numpy()) for step, (_, _, data) in points(found, tag)]


def cells(markdown):
    """The cells of a table as TensorBoard shows it, row by row."""
    shown = markdown_to_safe_html(markdown)
    rows = re.findall(r"<tr>(.*?)</tr>", shown, re.DOTALL)
    found = [re.findall(r"<t[hd]>(.*?)</t[hd]>", row, re.DOTALL) for row in rows]
    return [[html.unescape(cell) for cell in row] for row in found]


@pytest.fixture
def shown(tmp_path):
    """(records, what replies look at) -> what TensorBoard reads of them."""

    def show(*records, looks=()):
        events = Events(tmp_path / "events")
        events.looks = lambda: looks
        assert [events.add(record) for record in records] == [None] * len(records)
        events.close()
        return read(tmp_path / "events")

    return show


def test_every_number_of_a_progress_is_shown(shown):
    found = shown(
        Record("progress", 7, seconds=3.0, loss=2.5, heldout_loss=4.0, learning_rate=0.125),
        Record("progress", 8, loss=2.25, learning_rate=0.25, norm=1.5, pairs_per_second=90.0),
        Record("progress", 9, loss=2.0, tokens_per_second=50.0, memory=2**20, disk_left=2**40),
    )
    assert {tag: points(found, tag) for tag in tags(found, "scalars")} == {
        "loss/train": [(7, 2.5), (8, 2.25), (9, 2.0)],
        "learning_rate": [(7, 0.125), (8, 0.25)],
        "gradient_norm": [(8, 1.5)],
        "speed/pairs_per_second": [(8, 90)],
        "speed/tokens_per_second": [(9, 50)],
        "machine/peak_memory_bytes": [(9, 2**20)],
        "machine/disk_left_bytes": [(9, 2**40)],
    }


def test_every_number_that_is_measured_is_shown_where_it_is(shown):
    found = shown(
        Record("validation", 10, heldout_loss=0.75, bits_per_character=5.5, learning_rate=0.5),
        Record("probe", 10, question_gain=0.25, distinct_1=0.5, distinct_2=0.625),
        Record("probe", 20, commonest_share=0.125, unknown_share=0.0),
        Record("validation", 30, heldout_loss=1000.0),
    )
    assert {tag: points(found, tag) for tag in tags(found, "scalars")} == {
        "loss/heldout": [(10, 0.75), (30, 1000)],
        "perplexity": [(10, pytest.approx(math.exp(0.75))), (30, math.inf)],
        "bits_per_character": [(10, 5.5)],
        "replies/question_gain": [(10, 0.25)],
        "replies/distinct_1": [(10, 0.5)],
        "replies/distinct_2": [(10, 0.625)],
        "replies/commonest_share": [(20, 0.125)],
        "replies/unknown_share": [(20, 0)],
    }


def test_learning_by_heart_is_judged_by_what_was_learned(shown):
    found = shown(Record("progress", 3, loss=2.0), Record("validation", 3, loss=1.5))
    assert points(found, "loss/train") == [(3, 2)]
    assert points(found, "loss/learned") == [(3, 1.5)]


def test_what_happens_is_told_and_what_is_only_done_is_not(shown):
    found = shown(
        Record("start", 0, note="9 pairs", model={"units": 5}, training={"end": None, "b": "1|2"}),
        Record("checkpoint", 2, note="saved", learning_rate=0.5),
        Record("decay", 4, note="rate x 0.4"),
        Record("pause", 4, note="no room"),
        Record("alarm", 5, alarm="question ignored", note="it says *yes*"),
        Record("stop", 6, note="all steps done", loss=3.0),
    )
    assert sorted(found.Tags()["tensors"]) == ["alarm", "decay", "settings", "stop"]
    assert tags(found, "text") == ["alarm", "decay", "settings", "stop"]
    told = {tag: texts(found, tag) for tag in ("alarm", "decay", "stop")}
    plain = {
        tag: [(step, html.unescape(re.sub("<.*?>", "", markdown_to_safe_html(said))))]
        for tag, ((step, said),) in told.items()
    }
    assert plain == {
        "decay": [(4, "rate x 0.4")],
        "alarm": [(5, "question ignored: it says *yes*")],
        "stop": [(6, "all steps done")],
    }
    ((step, settings),) = texts(found, "settings")
    assert step == 0
    assert cells(settings) == [
        ["of", "setting", "value"],
        ["network", "units", "5"],
        ["training", "end", ""],
        ["training", "b", "1|2"],
    ]


def test_samples_are_a_table(shown):
    samples = [("你好\n<在> 吗|", "**在** _吗_"), ("1. a_b_", "`x` [y](z) &amp; \\|")]
    found = shown(Record("probe", 8, samples=samples))
    ((step, markdown),) = texts(found, "replies")
    assert step == 8
    assert cells(markdown) == [["question", "reply"], *map(list, samples)]


@given(st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1))
def test_whatever_is_said_reads_as_it_was_said(said):
    assert cells(table(("a", "b"), [(said, "end")]))[1] == [said, "end"]
    shown = markdown_to_safe_html(escaped(said))
    assert html.unescape(shown) == f"<p>{said}</p>"


def test_attention_is_a_picture_and_a_table(shown):
    found = shown(Record("probe", 8, samples=[("q", "r"), ("s", "t")]), looks=[WHY, WHY])
    assert tags(found, "images") == ["attention/1", "attention/2"]
    ((step, pixels),) = pictures(found, "attention/2")
    assert step == 8
    assert pixels.shape == (2 * CELL, 4 * CELL, 3)
    assert (pixels == heat_map(WHY.weights)).all()
    ((_, markdown),) = texts(found, "attention_table/2")
    assert cells(markdown) == [
        ["", "你", "|", "好", "␣"],
        ["a*b*", "50 %", "25 %", "0 %", "25 %"],
        ["<b>", "0 %", "100 %", "0 %", "0 %"],
    ]


def test_the_weights_can_be_read_in_the_picture():
    weights = np.random.default_rng(3).dirichlet(np.ones(5), 7).astype(np.float32)
    pixels = heat_map(weights)
    assert (pixels.dtype, pixels.shape) == (np.uint8, (7 * CELL, 5 * CELL, 3))
    for t in range(7):
        for s in range(5):
            square = pixels[t * CELL : (t + 1) * CELL, s * CELL : (s + 1) * CELL].reshape(-1, 3)
            assert (square == square[0]).all()
            assert (255 - int(square[0, 0])) / 247 == pytest.approx(weights[t, s], abs=0.003)
    assert heat_map(np.zeros((1, 1), np.float32))[0, 0].tolist() == [255, 255, 255]


def test_a_run_that_resumes_takes_back_the_steps_that_were_lost(shown):
    shown(
        Record("start", 0),
        *(Record("progress", step, loss=float(step)) for step in range(1, 8)),
        Record("alarm", 6, alarm="diverged"),
    )
    found = shown(Record("start", 4), Record("progress", 5, loss=0.5))
    assert points(found, "loss/train") == [(1, 1), (2, 2), (3, 3), (4, 4), (5, 0.5)]
    assert [step for step, _ in texts(found, "settings")] == [0, 4]
    assert tags(found, "text") == ["settings"]


def test_a_run_that_begins_anew_takes_back_all(shown):
    shown(Record("start", 0, model={"units": 5}), Record("progress", 1, loss=1.0))
    found = shown(Record("start", 0, model={"units": 6}), Record("progress", 2, loss=2.0))
    assert points(found, "loss/train") == [(2, 2)]
    ((_, settings),) = texts(found, "settings")
    assert cells(settings)[1] == ["network", "units", "6"]


def test_a_roll_back_takes_back_what_is_given_up(shown):
    found = shown(
        *(Record("progress", step, loss=float(step)) for step in range(1, 8)),
        Record("validation", 4, heldout_loss=4.5),
        Record("rollback", 3, note="not finite"),
        Record("progress", 4, loss=0.5),
    )
    assert points(found, "loss/train") == [(1, 1), (2, 2), (3, 3), (4, 0.5)]
    assert tags(found, "scalars") == ["loss/train"]
    assert [step for step, _ in texts(found, "rollback")] == [3]


def test_steps_that_go_back_without_a_word_are_taken_back_too(shown):
    found = shown(
        *(Record("progress", step, loss=float(step)) for step in (1, 2, 3, 4, 3, 5)),
    )
    assert points(found, "loss/train") == [(1, 1), (2, 2), (3, 3), (5, 5)]


def test_what_is_told_of_an_earlier_step_takes_nothing_back(shown):
    found = shown(
        *(Record("progress", step, loss=float(step)) for step in (1, 2, 3)),
        Record("alarm", 2, alarm="late"),
        Record("progress", 4, loss=4.0),
    )
    assert [step for step, _ in points(found, "loss/train")] == [1, 2, 3, 4]
    assert texts(found, "alarm") == [(2, "late")]


def test_nowhere_is_no_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    events = Events(None)
    assert events.add(Record("progress", 1, loss=2.0)) is None
    events.close()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_to_is_refused_before_anything_is_written(tmp_path):
    (tmp_path / "file").write_bytes(b"mine")
    for folder in (tmp_path / "file", tmp_path / "file" / "deeper"):
        line = rf"^--tensorboard {folder}: cannot be written to \(.*\)\. Name another folder\.$"
        with pytest.raises(ChatbotError, match=line):
            Events(folder)
    assert (tmp_path / "file").read_bytes() == b"mine"


def test_a_new_folder_stays_empty_until_there_is_something_to_tell(tmp_path):
    Events(tmp_path / "a" / "b").close()
    assert list((tmp_path / "a" / "b").iterdir()) == []


def test_a_folder_that_vanishes_is_told_once(tmp_path):
    events = Events(tmp_path / "events")
    (tmp_path / "events").rmdir()
    told = events.add(Record("progress", 1, loss=2.0))
    assert told == (
        f"{tmp_path / 'events'}: no more is written for TensorBoard ([Errno 2] No such file or "
        f"directory: '{tmp_path / 'events'}'); training goes on"
    )
    assert events.add(Record("progress", 2, loss=2.0)) is None
    events.close()


@pytest.fixture
def disk(tmp_path):
    """A file system of 1 MB."""
    with small_disk(tmp_path / "disk", 1) as place:
        yield place


def test_a_full_disk_is_told_once_and_what_was_written_can_be_read(disk):
    events = Events(disk / "events")
    assert events.add(Record("progress", 1, loss=2.0)) is None
    fill(disk)
    told = [events.add(Record("decay", step, note="x" * 5_000)) for step in (2, 3, 4)]
    assert [one for one in told if one] == told[:1]
    assert "No space left on device" in told[0]
    (disk / "filler").unlink()
    assert events.add(Record("progress", 5, loss=2.0)) is None
    events.close()
    before = {path.name for path in (disk / "events").iterdir()}
    again = Events(disk / "events")
    fill(disk)
    assert "No space left on device" in again.add(Record("start", 0))
    assert {path.name for path in (disk / "events").iterdir()} == before
    (disk / "filler").unlink()
    again = Events(disk / "events")
    again.add(Record("start", 3))
    again.add(Record("progress", 4, loss=3.0))
    assert points(read(disk / "events"), "loss/train") == [(1, 2), (4, 3)]


def test_a_run_shows_what_its_replies_look_at(new_folder, tmp_path):
    folder = new_folder(holdout=9)
    settings = {"steps": 6, "batch": 7, "validate_every": 2, "precision": "float32"}
    run = prepare(folder, SMALL, settings)
    run.watch = watch = Watch(run)
    events = Events(tmp_path)
    events.looks = watch.looks
    probes = []
    for record in run.records():
        assert events.add(record) is None
        probes += [record] if record.kind == "probe" else []
    found = read(tmp_path)
    assert [record.step for record in probes] == [0, 2, 4, 6]
    bot = Bot.load(folder.path, "newest")
    for place, (question, reply) in enumerate(probes[-1].samples, 1):
        at, pixels = pictures(found, f"attention/{place}")[-1]
        expected = heat_map(bot.why(question, reply).weights)
        assert (at, pixels.shape) == (6, expected.shape)
        assert np.abs(pixels.astype(int) - expected).max() <= 1
        head, *rows = cells(texts(found, f"attention_table/{place}")[-1][1])
        assert ("".join(head), "".join(row[0] for row in rows)) == (question, reply)


def test_attention_that_cannot_be_told_ends_the_events_and_not_the_run(tmp_path):
    def looks():
        raise ChatbotError("model/user-dict.txt: cannot be read. Put it back.")

    events = Events(tmp_path)
    events.looks = looks
    told = [events.add(Record("probe", step, samples=[("a", "b")])) for step in (1, 2)]
    assert told == [
        f"{tmp_path}: no more is written for TensorBoard (model/user-dict.txt: cannot be read. Put "
        "it back.); training goes on",
        None,
    ]
