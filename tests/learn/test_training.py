"""Runs on small invented stores: they learn, they end, they resume bit by bit."""

import dataclasses
import itertools
import json
import math
import re
import shutil

import numpy as np
import pytest
from helpers import timeless

from chatbot.config import ModelConfig, TrainingConfig
from chatbot.corpus.vocabulary import EOS, Vocabulary
from chatbot.errors import ChatbotError
from chatbot.folder import ModelFolder
from chatbot.history import read
from chatbot.learn import ending, mending
from chatbot.learn import engine as engine_module
from chatbot.learn.beginning import VECTORS_RMS
from chatbot.learn.checkpoint import Checkpoints, restore
from chatbot.learn.engine import Engine
from chatbot.learn.journal import Journal
from chatbot.learn.networks import network
from chatbot.learn.preparing import prepare
from chatbot.learn.recovery import Step
from chatbot.learn.saved import find_checkpoint, read_position, saved
from chatbot.learn.schedule import Schedule, dropping

SMALL = {"units": 16, "embedding": 12}

TWELVE = {
    "steps": 12,
    "batch": 7,
    "dropout": 0.3,
    "validate_every": 4,
    "save_every": "3",
    "warmup": 3,
    "seed": 5,
    "learning_rate": 0.02,
    "patience": 1,
}
HELD_OUT, NONE_HELD_OUT = 9, 0
MANY = [(f"{n:b}吗", f"{n * n:x}呀") for n in range(300)]


def flipped(data):
    """The bytes with one bit in their middle turned."""
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


def numbers(run):
    """Every weight and every moment."""
    net, adam = run.engine.net, run.engine.optimizer
    variables = [*net.trainable_variables, *adam.first, *adam.second, adam.steps]
    variables += adam.marks
    return [variable.numpy() for variable in variables]


def equal(one, other):
    return all((a == b).all() for a, b in zip(numbers(one), numbers(other), strict=True))


def timeless_position(run):
    return dataclasses.replace(run.position, seconds=0.0)


@pytest.fixture(scope="module", params=[HELD_OUT, NONE_HELD_OUT], ids=["held out", "by heart"])
def whole(request, new_folder, trained):
    """Twelve steps in one go: how many pairs are held out, the folder, the records, the run."""
    folder = new_folder(holdout=request.param)
    return request.param, folder, *trained(folder, **TWELVE)


def one_of(records, kind):
    return [record for record in records if record.kind == kind]


def test_a_handful_of_pairs_is_learnt_by_heart_and_then_the_run_ends(by_heart):
    folder, _, records = by_heart
    assert records[-1].kind == "stop"
    assert records[-1].note.startswith("the pairs are known by heart")
    assert one_of(records, "validation")[-1].loss < 0.02
    assert one_of(records, "progress")[0].loss > 2
    # The best is for a run that has to go back; a bot that knows its pairs is the newest.
    assert saved(folder.best)
    assert find_checkpoint(folder)[0] == saved(folder.checkpoints)[-1]


def test_a_run_says_what_happens(whole):
    held_out, folder, records, run = whole
    kinds = [record.kind for record in records]
    assert kinds[0] == "start"
    assert kinds[-2:] == ["checkpoint", "stop"]
    steps = {kind: [one.step for one in one_of(records, kind)] for kind in set(kinds)}
    assert steps["progress"] == list(range(1, 13))
    assert steps["checkpoint"] == [3, 6, 9, 12]
    assert steps["validation"] == [0, 4, 8, 12]
    for record in one_of(records, "validation"):
        assert (record.heldout_loss is None, record.loss is None) == (not held_out, bool(held_out))
    shape = ModelConfig(units=16, embedding=12, layers=1, ngrams=4 if held_out else 0)
    assert records[0].model == shape.as_dict()
    assert records[0].training == run.position.training.as_dict()
    assert records[-1].note == "all 12 steps done"
    for record in one_of(records, "progress"):
        assert record.pairs_per_second > 0
        assert record.tokens_per_second > record.pairs_per_second
        assert record.memory > 1 << 26
        assert record.seconds_left >= 0
    assert one_of(records, "progress")[-1].seconds_left == 0
    seconds = [record.seconds for record in records]
    assert seconds == sorted(seconds)


def test_the_history_holds_what_was_said_and_every_tenth_step(whole):
    _, folder, records, _ = whole
    said = [one for one in records if one.kind != "progress" or one.step % 10 == 0]
    shown_only = {"next_save": None, "disk_left": None}
    recorded = [dataclasses.replace(one, **shown_only).as_dict() for one in said]
    assert read(folder.history) == recorded


def test_the_rate_recorded_is_that_of_the_step_and_anneals_to_the_end(whole):
    _, _, records, run = whole
    scale, expected = 1.0, []
    scales = {one.step: float(one.note.rsplit("x ", 1)[1]) for one in one_of(records, "decay")}
    for step in range(12):
        expected.append(0.02 * min(1, (step + 1) / 3) * scale * (1 - step / 12))
        scale *= scales.get(step + 1, 1)
    found = [record.learning_rate for record in one_of(records, "progress")]
    assert found == pytest.approx(expected, rel=0.01)
    assert run.ending.fraction(run.position.step, run.position.seconds) == 1


def stopped_after_five(folder, trained):
    records, run = trained(folder, stop_at=5, **TWELVE)
    assert run.position.step == 5
    assert [record.kind for record in records][-2:] == ["checkpoint", "stop"]
    assert records[-1].note == "asked to"
    assert [path.name for path in saved(folder.checkpoints)][-1] == "step-5"
    return 5


def killed_after_eight(folder, trained):
    """Nothing is saved at the end, so the checkpoint of step 6 is the last."""
    run = prepare(folder, {"units": 16, "embedding": 12}, TWELVE | {"precision": "float32"})
    records = run.records()
    while next(records).step < 8:
        pass
    records.close()
    return 6


@pytest.mark.parametrize("interrupted", [stopped_after_five, killed_after_eight])
def test_a_run_that_resumes_is_bit_by_bit_the_run_that_was_never_stopped(
    whole, interrupted, new_folder, trained
):
    held_out, whole_folder, whole_records, whole_run = whole
    folder = new_folder(holdout=held_out)
    step = interrupted(folder, trained)
    records, run = trained(folder)
    assert equal(run, whole_run)
    assert timeless_position(run) == timeless_position(whole_run)
    same = timeless(whole_records, "start", "checkpoint")
    assert timeless(records, "start", "checkpoint") == [one for one in same if one["step"] > step]
    assert timeless(read(folder.history), "start", "checkpoint") == timeless(
        read(whole_folder.history), "start", "checkpoint"
    )
    steps = [one["step"] for one in read(folder.history) if one["kind"] == "start"]
    assert steps == [0, step]


def test_the_dropout_of_a_step_is_that_of_its_pass(new_folder, trained, monkeypatch):
    seen, train = [], Engine.train

    def spied(self, *given, dropping, **others):
        seen.append(dropping)
        return train(self, *given, dropping=dropping, **others)

    monkeypatch.setattr(Engine, "train", spied)
    _, run = trained(new_folder(holdout=HELD_OUT), **TWELVE)
    assert seen == [dropping(step, 7, run.pairs) for step in range(12)]
    assert len(set(seen)) == 12


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_on_two_processors_too_a_run_is_the_same_bit_by_bit_and_resumes(
    new_folder, trained, precision
):
    settings = TWELVE | {"batch": 130, "threads": 2, "precision": precision}
    folders = [new_folder(MANY, holdout=HELD_OUT) for _ in range(3)]
    runs = [trained(folder, **settings)[1] for folder in folders[:2]]
    assert runs[0].engine.parts == 2
    trained(folders[2], stop_at=5, **settings)
    runs.append(trained(folders[2])[1])
    assert equal(runs[0], runs[1])
    assert equal(runs[0], runs[2])


def test_where_one_worker_takes_the_whole_batch_it_is_not_cut_but_under_a_cap(
    new_folder, monkeypatch
):
    """As on a GPU, where one worker takes the whole batch whatever processors there are."""
    monkeypatch.setattr(engine_module, "workers_of", lambda training: 1)
    wide = {"batch": 200, "threads": 2}
    for cap, parts in ((None, 1), ("9GB", 2)):
        run = prepare(new_folder(), {}, wide | {"memory": cap}, restart=True)
        assert (run.engine.workers, run.engine.parts) == (1, parts)
        run.close()


def test_the_same_seed_gives_the_same_run_bit_by_bit(whole, new_folder, trained):
    held_out, _, whole_records, whole_run = whole
    records, run = trained(new_folder(holdout=held_out), **TWELVE)
    assert equal(run, whole_run)
    assert timeless(records) == timeless(whole_records)


def test_another_seed_gives_another_run(whole, new_folder, trained):
    held_out, _, whole_records, whole_run = whole
    records, run = trained(new_folder(holdout=held_out), **TWELVE | {"seed": 6, "steps": 2})
    assert not equal(run, whole_run)
    losses = [record.loss for record in one_of(records, "progress")]
    assert losses != [record.loss for record in one_of(whole_records, "progress")][:2]


def test_the_seed_of_a_run_is_that_of_its_weights(new_folder):
    folder, drawn = new_folder(), []
    for seed in (1, 2, 1):
        run = prepare(folder, {"units": 2, "embedding": 3}, {"seed": seed})
        run.close()
        drawn.append(run.engine.net.embedding.numpy())
    assert (drawn[0] == drawn[2]).all()
    assert (drawn[0] != drawn[1]).all()


@pytest.mark.parametrize("sampler", ["epoch", "blocks", "cyclic"])
def test_every_sampler_trains(sampler, new_folder, trained):
    folder = new_folder(holdout=HELD_OUT)
    records, run = trained(folder, steps=3, batch=10, sampler=sampler, dropout=0.0)
    assert run.position.step == 3
    assert all(math.isfinite(record.loss) for record in one_of(records, "progress"))


def test_steps_count_over_the_whole_run(new_folder, trained):
    folder = new_folder()
    assert trained(folder, steps=2, minutes=100.0)[1].position.step == 2
    records, run = trained(folder, steps=3)
    assert [record.step for record in one_of(records, "progress")] == [3]
    assert (records[-1].note, run.position.step) == ("all 3 steps done", 3)
    before = [path.stat().st_size for path in saved_files(folder)]
    records, _ = trained(folder)
    assert [record.kind for record in records] == ["start", "stop"]  # nothing new to save
    assert [path.stat().st_size for path in saved_files(folder)] == before


def saved_files(folder):
    return sorted(folder.checkpoints.glob("step-*"))


def test_epochs_count_over_the_whole_run(new_folder, trained):
    folder = new_folder()  # of 53 pairs
    assert trained(folder, epochs=0.3, batch=20)[1].position.step == 1
    records, run = trained(folder, epochs=1)
    assert run.position.step == 3
    assert records[-1].note == "all 3 steps done"


def test_a_run_that_begins_anew_without_a_checkpoint_has_a_best_of_its_own(new_folder, trained):
    """What stands in best/ is of steps to come: a run that has to go back must not go there."""
    folder = new_folder(holdout=HELD_OUT)
    trained(folder, steps=8, batch=20, validate_every=2)
    for path in folder.checkpoints.iterdir():
        path.unlink()  # as if it had been killed before the first one
    _, run = trained(folder, model=SMALL, steps=2, batch=20, validate_every=1, learning_rate=1e-6)
    best = read_position(saved(folder.best)[-1])
    assert best.step <= 2
    assert best.heldout_loss == run.position.schedule.best


def test_a_folder_that_cannot_be_written_is_told_in_one_line(new_folder, trained):
    folder = new_folder()
    trained(folder, steps=1, batch=20)
    (folder.path / "history.jsonl.tmp").mkdir()
    with pytest.raises(ChatbotError, match=r"history.jsonl: cannot be written \(Is a directory\)"):
        trained(folder, steps=2)


def test_minutes_count_over_the_whole_run(new_folder, trained):
    folder = new_folder()
    records, run = trained(folder, minutes=0.001)
    assert run.position.step == 1  # compiling takes longer
    assert records[-1].note == "all 0.001 minutes done"
    seconds = run.position.seconds
    assert seconds > 0.06
    records, run = trained(folder)
    assert [record.kind for record in records] == ["start", "stop"]  # nothing new to save
    records, run = trained(folder, minutes=(seconds + 0.5) / 60)
    assert run.position.step > 1
    assert run.position.seconds >= seconds + 0.5


def test_without_an_end_a_loss_that_stays_ends_the_run_at_the_floor(new_folder, trained):
    records, run = trained(
        new_folder(holdout=HELD_OUT),
        learning_rate=1e-9,
        validate_every=2,
        patience=2,
        cooldown=0,
        floor=0.3,
        batch=5,
    )
    assert records[-1].note == "the loss falls no further at the smallest learning rate"
    decays = [(one.step, one.note.rsplit(": ", 1)[1]) for one in one_of(records, "decay")]
    assert decays == [(6, "learning rate x 0.4"), (10, "learning rate x 0.75")]
    assert run.position.step == 14
    assert run.position.schedule.exhausted


def test_without_an_end_a_run_stops_at_the_cap(new_folder, trained, monkeypatch):
    monkeypatch.setattr(ending, "CAP_STEPS", 2)
    monkeypatch.setattr(ending, "CAP_EPOCHS", 0)
    records, run = trained(new_folder(holdout=HELD_OUT), batch=5)
    assert run.position.step == 2
    assert records[-1].note == "stopped at the cap of 2 steps"


@pytest.mark.parametrize(("batch", "cap"), [(1, 200 * 53), (7, 4_000), (53, 4_000)])
def test_the_cap_is_two_hundred_passes_and_at_least_four_thousand_steps(new_folder, batch, cap):
    run = prepare(new_folder(), {"units": 2, "embedding": 2}, {"batch": batch})
    run.close()
    assert run.ending.cap == cap


@pytest.fixture(scope="module")
def overtrained(new_folder, trained):
    """A run that fits its few training pairs so hard that the held-out loss rises."""
    generator = np.random.default_rng(9)
    letters = "日月水火山石田土"
    drawn = generator.integers(8, size=(40, 2, 5))
    pairs = [tuple("".join(letters[i] for i in side) for side in pair) for pair in drawn]
    folder = new_folder(pairs, holdout=11)
    settings = {
        "learning_rate": 0.05,
        "warmup": 0,
        "batch": 60,
        "dropout": 0.0,
        "word_dropout": 0.0,
    }
    records, run = trained(folder, steps=50, validate_every=5, patience=2, **settings)
    return folder, records, run


def test_the_best_checkpoint_is_that_of_the_least_held_out_loss(overtrained):
    folder, records, _ = overtrained
    losses = {record.step: record.heldout_loss for record in one_of(records, "validation")}
    best = min(losses, key=losses.get)
    assert losses[50] > losses[best] + 0.1
    assert one_of(records, "progress")[-1].loss < one_of(records, "progress")[best].loss
    position = read_position(find_checkpoint(folder)[0])
    assert position.step == best
    assert position.heldout_loss == position.schedule.best == losses[best]
    assert [path.name for path in saved(folder.best)] == [f"step-{best}"]
    assert find_checkpoint(folder, "newest")[0].name == "step-50"


def test_the_held_out_loss_not_the_training_loss_decides_on_decay(overtrained):
    _, records, run = overtrained
    decays = one_of(records, "decay")
    assert decays
    assert all(record.note.startswith("held-out loss") for record in decays)
    assert run.position.schedule.scale < 1


def test_by_heart_the_training_loss_decides_on_decay(new_folder, trained):
    folder = new_folder()
    records, _ = trained(
        folder, learning_rate=1e-9, steps=3, validate_every=1, patience=1, batch=60
    )
    notes = [record.note for record in one_of(records, "decay")]
    assert notes[0].startswith("training loss")
    assert [one.heldout_loss for one in one_of(records, "validation")] == [None] * 4


def test_under_the_ancestors_rule_the_step_losses_decide(new_folder, trained, monkeypatch):
    folder = new_folder(holdout=HELD_OUT)
    _, run = trained(folder, steps=9, batch=3, decay_on="train", validate_every=3, patience=1)
    schedule = run.position.schedule
    assert len(schedule.recent) == 5
    assert schedule.scale in [pytest.approx(0.99**n) for n in range(5)]
    stored = read_position(saved(folder.checkpoints)[-1])
    assert stored.schedule == schedule


def finite(path):
    """Whether all weights of a checkpoint are finite."""
    position = read_position(path)
    net = network(position.size, position.model)
    restore(path, net)
    return all(np.isfinite(v.numpy()).all() for v in net.trainable_variables)


def test_a_rate_beyond_all_measure_ends_the_run_with_the_good_weights_kept(new_folder, trained):
    folder = new_folder(holdout=HELD_OUT)
    with pytest.raises(ChatbotError) as caught:
        trained(folder, learning_rate=1000.0, warmup=0, save_every="1", keep=99, batch=5, steps=40)
    message = str(caught.value)
    assert re.match(r"at step \d+ the loss .*, after 10 attempts at ever lower rates", message)
    assert "\n" not in message
    assert "--learning-rate and --restart" in message
    back = [one for one in read(folder.history) if one["kind"] == "rollback"]
    assert len(back) >= 5
    assert {path.name for path in saved(folder.checkpoints)} <= {"step-0", "step-1"}
    for path in (*saved(folder.checkpoints), *saved(folder.best)):
        assert finite(path)
    assert [path.name for path in saved(folder.best)] == ["step-0"]


SPOILED = TWELVE | {"steps": 40, "batch": 130, "learning_rate": 4.0, "warmup": 2, "save_every": "6"}
"""At this rate a run diverges within steps, and again at half of it."""


@pytest.fixture(scope="module")
def mended(new_folder, trained):
    """A run at a rate far too high, to its end: the folder, the records, the run."""
    folder = new_folder(MANY, holdout=30)
    return folder, *trained(folder, **SPOILED)


def test_a_run_that_diverges_goes_back_at_half_the_rate_until_it_learns(mended):
    folder, records, run = mended
    back = one_of(records, "rollback")
    assert len(back) >= 2
    for number, record in enumerate(back, 1):
        assert re.fullmatch(
            r"at step \d+ .*: back to the weights of step 0, learning rate halved; its pairs: "
            r"pairs.tsv:\d+, pairs.tsv:\d+, pairs.tsv:\d+, … \(all in .*suspects.txt, .*\)",
            record.note,
        )
        after = records[records.index(record) :]
        rates = [one.learning_rate for one in after if one.kind == "progress"][:2]
        assert rates == pytest.approx([4 / 2**number / 2, 4 / 2**number * 39 / 40])
    assert run.position.step == 40
    assert run.position.schedule.halvings == len(back)
    losses = [one.heldout_loss for one in one_of(records, "validation")]
    assert losses[-1] < losses[0] - 0.1
    assert all(finite(path) for path in (*saved(folder.checkpoints), *saved(folder.best)))


def test_the_pairs_of_the_step_that_went_wrong_are_listed_with_their_losses(mended):
    folder, *_ = mended
    lines = [line.split("\t") for line in folder.suspects.read_text("utf-8").splitlines()]
    assert len(lines) == len({place for place, _ in lines}) == 130
    assert all(re.fullmatch(r"pairs\.tsv:\d+", place) for place, _ in lines)
    losses = [float(loss) for _, loss in lines]
    assert losses == sorted(losses, reverse=True)


def test_what_was_given_up_is_gone_from_history_and_checkpoints(mended):
    folder, records, _ = mended
    last = [number for number, one in enumerate(records) if one.kind == "rollback"][-1]
    since = [one for one in records[last:] if one.kind != "progress" or not one.step % 10]
    kept = [dataclasses.replace(one, next_save=None, disk_left=None).as_dict() for one in since]
    history = read(folder.history)
    assert history[-len(kept) :] == kept
    before = [(one["kind"], one["step"]) for one in history[: -len(kept)]]
    assert before[:2] == [("start", 0), ("validation", 0)]
    assert set(before[2:]) == {("rollback", 0), ("checkpoint", 0)}


def without_place(folder):
    """The history, but for what depends on the clock or names the folder."""
    text = json.dumps(timeless(read(folder.history), "start", "checkpoint"))
    return json.loads(text.replace(json.dumps(str(folder.path))[1:-1], "model"))


@pytest.mark.parametrize(
    ("where", "what"),
    [(Checkpoints, "drop_after"), (Journal, "drop_after"), (Journal, "log"), (Checkpoints, "save")],
)
@pytest.mark.parametrize("nth", [1, 2])
def test_a_kill_within_a_roll_back_loses_nothing_of_it(
    mended, new_folder, monkeypatch, where, what, nth
):
    """Cut before what comes after its checkpoint, or before that itself."""
    whole_folder, _, whole_run = mended
    folder = new_folder(MANY, holdout=30)
    went_back, reached = [], mending.back_to_the_best
    monkeypatch.setattr(mending, "back_to_the_best", lambda *a: went_back.append(0) or reached(*a))
    real = getattr(where, what)

    def cut(self, *given, **more):
        about = given[0].kind if what == "log" else "rollback"
        if len(went_back) == nth and about == "rollback":
            raise KeyboardInterrupt
        return real(self, *given, **more)

    with monkeypatch.context() as patched:
        patched.setattr(where, what, cut)
        with pytest.raises(KeyboardInterrupt):
            list(prepare(folder, SMALL, SPOILED | {"precision": "float32"}).records())
    run = prepare(folder, SMALL, SPOILED | {"precision": "float32"})
    list(run.records())
    assert equal(run, whole_run)
    assert without_place(folder) == without_place(whole_folder)


@pytest.mark.parametrize("records_before_the_kill", [9, 25, 60])
def test_a_run_killed_between_its_roll_backs_ends_as_the_one_that_was_not(
    mended, new_folder, records_before_the_kill
):
    whole_folder, whole_records, whole_run = mended
    assert len(whole_records) > 60
    folder = new_folder(MANY, holdout=30)
    records = prepare(folder, SMALL, SPOILED | {"precision": "float32"}).records()
    for _ in range(records_before_the_kill):
        next(records)
    records.close()
    run = prepare(folder, SMALL, SPOILED | {"precision": "float32"})
    list(run.records())
    assert equal(run, whole_run)
    assert timeless_position(run) == timeless_position(whole_run)
    assert without_place(folder) == without_place(whole_folder)


def spoil_once(run, monkeypatch, at, what):
    """Something happens to a step, as a cosmic ray would have it."""
    train = run.engine.train

    def spoiled(batch, rate, step, **more):
        found = train(batch, rate, step, **more)
        if run.position.step == at and not run.position.recovery.tries:
            what(run)
            return train(batch, rate, step, **more)
        return found

    monkeypatch.setattr(run.engine, "train", spoiled)


def test_weights_that_are_not_numbers_are_refused_and_the_last_good_ones_come_back(
    new_folder, monkeypatch
):
    """A bit flips in memory: the first refused step is passed over, the next takes it back."""
    folder = new_folder(MANY, holdout=30)
    settings = TWELVE | {"batch": 130, "steps": 30, "save_every": "1000", "precision": "float32"}
    run = prepare(folder, SMALL, settings)

    def flip(run):
        run.engine.net.combine.assign(run.engine.net.combine * math.nan)

    spoil_once(run, monkeypatch, 9, flip)
    records = list(run.records())
    first, second = one_of(records, "rollback")
    assert (first.step, second.step) == (10, 8)
    assert "not finite: nothing changed by it, learning rate halved" in first.note
    assert "not finite: back to the weights of step 8, learning rate halved" in second.note
    assert run.position.step == 30
    assert run.position.schedule.halvings == 2
    assert all(np.isfinite(one).all() for one in numbers(run))
    assert all(finite(path) for path in (*saved(folder.checkpoints), *saved(folder.best)))


def test_a_single_step_that_is_refused_changes_nothing_but_the_rate(new_folder, monkeypatch):
    folder = new_folder(MANY, holdout=30)
    settings = TWELVE | {"batch": 130, "precision": "float32", "warmup": 0}
    run = prepare(folder, SMALL, settings)
    train = run.engine.train

    def refused(batch, rate, step, **more):
        if step != 5:
            return train(batch, rate, step, **more)
        return Step(4.0, 4.0, math.inf)

    monkeypatch.setattr(run.engine, "train", refused)
    records = list(run.records())
    (record,) = one_of(records, "rollback")
    assert record.step == 6
    rates = {one.step: one.learning_rate for one in one_of(records, "progress")}
    assert rates[6] == pytest.approx(0.02 * 7 / 12)
    assert rates[7] == pytest.approx(0.01 * 6 / 12)
    assert run.position.recovery.tries == 0  # a gain since


def test_without_good_weights_to_go_back_to_it_is_said(new_folder):
    folder = new_folder(MANY, holdout=30)
    run = prepare(folder, SMALL, SPOILED | {"precision": "float32"})

    def spoil():
        for record in run.records():
            if record.step == 1:
                for file in folder.best.iterdir():
                    file.unlink()

    with pytest.raises(ChatbotError, match="no good weights to go back to at step"):
        spoil()


OTHER = {
    "model_type": "transformer",
    "units": 18,
    "embedding": 13,
    "layers": 2,
    "cell": "gru",
    "bidirectional": True,
    "attention": "dot",
    "heads": 2,
    "layer_norm": False,
    "tied": True,
    "ngrams": 2,
    "copying": False,
    "batch": 8,
    "sampler": "cyclic",
    "seed": 6,
    "max_length": 39,
    "learning_rate": 0.03,
    "clip": 0.9,
    "dropout": 0.1,
    "variational": True,
    "word_dropout": 0.3,
    "decay_on": "train",
    "patience": 2,
    "cooldown": 3,
    "floor": 0.5,
    "validate_every": 7,
    "precision": "bfloat16",
    "vectors": "other.vec",
    "first_vectors": "random",
    "freeze_vectors": True,
}


def test_the_table_of_fixed_settings_is_complete():
    fields = (*dataclasses.fields(ModelConfig), *dataclasses.fields(TrainingConfig))
    assert set(OTHER) == {field.name for field in fields if field.metadata["fixed"]}


def test_a_run_goes_on_at_another_rate_as_if_nothing_had_decayed(new_folder, trained):
    folder = new_folder(holdout=HELD_OUT)
    _, before = trained(folder, steps=6, batch=7, learning_rate=0.02, warmup=2)
    run = prepare(folder, {}, {"steps": 8}, learning_rate=0.004)
    assert run.position.training.learning_rate == 0.004
    assert run.position.schedule == Schedule(best=before.position.schedule.best)
    assert equal(run, before)
    rates = [record.learning_rate for record in run.records() if record.kind == "progress"]
    assert rates == pytest.approx([0.004 * 2 / 8, 0.004 / 8])
    run = prepare(folder, {}, {})
    assert run.position.training.learning_rate == 0.004
    run.close()


def test_another_rate_is_for_a_run_that_stands_there(new_folder):
    folder = new_folder()
    with pytest.raises(ChatbotError) as caught:
        prepare(folder, {}, {}, learning_rate=0.1)
    assert str(caught.value) == (
        f"--set-learning-rate 0.1: no run stands in {folder.path} to go on with. Give the rate of "
        "a new one with --learning-rate."
    )


@pytest.mark.parametrize("name", OTHER)
def test_a_setting_that_cannot_change_is_refused_by_name(whole, name):
    _, folder, _, run = whole
    network = name in ModelConfig.__dataclass_fields__
    before = getattr(run.position.model if network else run.position.training, name)
    value = "corpus" if before == "random" else OTHER[name]
    given = {name: value}
    with pytest.raises(ChatbotError) as caught:
        prepare(folder, given if network else {}, {} if network else given)
    option = "--" + name.replace("_", "-")
    begun = "begun without one" if before is None else f"begun with {before}"
    assert str(caught.value).startswith(f"{option} {value}: {begun},")


def test_a_setting_that_may_change_is_taken_and_the_others_stay(whole):
    _, folder, _, before = whole
    run = prepare(folder, {"units": 16}, {"steps": 99, "keep": 1, "seed": 5})
    run.close()
    expected = dataclasses.replace(before.position.training, steps=99, keep=1)
    assert run.position.training == expected
    assert equal(run, before)


@pytest.mark.parametrize(
    ("held_out", "given", "used"), [(9, None, 0.4), (0, None, 0.0), (9, 0.4, 0.4)]
)
def test_dropout_is_for_runs_that_are_judged_by_held_out_pairs(new_folder, held_out, given, used):
    run = prepare(new_folder(holdout=held_out), {"units": 2, "embedding": 2}, {"dropout": given})
    run.close()
    assert run.engine._dropout == used


WIDTH = 10


@pytest.fixture
def vectors_of(tmp_path):
    """(folder) -> a file of vectors for every other entry of its vocabulary, their ids and rows."""

    def write(folder, name="words.vec"):
        words = Vocabulary.load(folder.vocabulary).words
        ids = np.arange(5, len(words), 2)
        rows = np.random.default_rng(3).normal(0.2, 2.5, (len(ids), WIDTH)).astype(np.float32)
        lines = [
            f"{words[id]} {' '.join(map(str, row))}" for id, row in zip(ids, rows, strict=True)
        ]
        path = tmp_path / name
        path.write_text("\n".join([f"{len(ids)} {WIDTH}", *lines]), "utf-8")
        return path, ids, rows

    return write


def begun(folder, **training):
    run = prepare(folder, {"units": 16}, TWELVE | {"precision": "float32"} | training)
    run.close()
    return run


def test_entries_begin_with_their_vectors_in_one_scale_and_the_others_as_ever(
    new_folder, vectors_of
):
    folder = new_folder()
    path, ids, rows = vectors_of(folder)
    run = begun(folder, vectors=str(path))
    assert run.position.model == ModelConfig(units=16, embedding=WIDTH, layers=1, ngrams=0)
    embedding = run.engine.net.embedding.numpy()
    expected = rows.astype(np.float64) / np.sqrt(np.mean(rows.astype(np.float64) ** 2))
    np.testing.assert_allclose(embedding[ids], expected * VECTORS_RMS, rtol=1e-6)
    others = np.setdiff1d(np.arange(len(embedding)), ids)
    random = network(len(embedding), run.position.model, seed=5)
    np.testing.assert_array_equal(embedding[others], random.embedding.numpy()[others])
    for one, two in zip(run.engine.net.matrices[:-2], random.matrices[:-2], strict=True):
        np.testing.assert_array_equal(one.numpy(), two.numpy())
    coverage = run.coverage
    counts = np.array(run.vocabulary.counts, float)
    counts[EOS] = 0
    assert (coverage.covered, coverage.entries) == (len(ids), len(embedding) - 4)
    assert coverage.running == pytest.approx(counts[ids].sum() / counts.sum())
    assert begun(folder).coverage is None


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_frozen_rows_never_change_and_the_others_do(new_folder, trained, vectors_of, precision):
    folder = new_folder(holdout=HELD_OUT)
    path, ids, _ = vectors_of(folder)
    settings = TWELVE | {"precision": precision, "vectors": str(path), "freeze_vectors": True}
    before = begun(folder, **settings).engine.net.embedding.numpy()
    _, run = trained(folder, model={"units": 16}, **settings)
    after, adam = run.engine.net.embedding.numpy(), run.engine.optimizer
    assert (after[ids] == before[ids]).all()
    assert not adam.first[0].numpy()[ids].any()
    assert not adam.second[0].numpy()[ids].any()
    moved = np.flatnonzero((after != before).any(1))
    touched = np.flatnonzero(adam.second[0].numpy().any(1))
    assert moved.tolist() == touched.tolist()
    assert len(moved) > 10
    best = find_checkpoint(folder, "best")[0]
    net = network(len(after), read_position(best).model)
    restore(best, net)
    assert (net.embedding.numpy()[ids] == before[ids]).all()


def test_rows_that_are_not_frozen_are_fine_tuned(new_folder, trained, vectors_of):
    folder = new_folder(holdout=HELD_OUT)
    path, ids, _ = vectors_of(folder)
    before = begun(folder, vectors=str(path)).engine.net.embedding.numpy()
    _, run = trained(folder, model={"units": 16}, **TWELVE, vectors=str(path))
    moved = (run.engine.net.embedding.numpy() != before).any(1)
    assert moved[ids].all()
    assert moved.sum() > len(ids) + 5


@pytest.mark.parametrize(
    ("frozen", "precision"), [(True, "float32"), (True, "bfloat16"), (False, "float32")]
)
def test_a_run_with_vectors_resumes_bit_by_bit_without_their_file(
    new_folder, trained, vectors_of, frozen, precision
):
    settings = TWELVE | {"freeze_vectors": frozen, "precision": precision}
    whole_folder, folder = new_folder(holdout=HELD_OUT), new_folder(holdout=HELD_OUT)
    path, _, _ = vectors_of(whole_folder)
    _, whole_run = trained(whole_folder, model={"units": 16}, vectors=str(path), **settings)
    trained(folder, model={"units": 16}, stop_at=5, vectors=str(path), **settings)
    path.unlink()
    _, run = trained(folder)
    assert run.coverage is None
    assert equal(run, whole_run)
    assert timeless_position(run) == timeless_position(whole_run)
    assert timeless(read(folder.history), "start", "checkpoint") == timeless(
        read(whole_folder.history), "start", "checkpoint"
    )


def test_of_a_file_of_vectors_its_name_is_kept_and_not_its_place(new_folder, trained, vectors_of):
    folder = new_folder()
    path, _, _ = vectors_of(folder)
    _, run = trained(folder, model={"units": 16}, vectors=str(path), steps=1, batch=20)
    assert run.position.training.vectors == "words.vec"
    for file in folder.path.rglob("*"):
        assert file.is_dir() or str(path.parent).encode() not in file.read_bytes()
    path.unlink()
    for place in ("words.vec", "else/where/words.vec"):
        again = prepare(folder, {"embedding": WIDTH}, {"vectors": place})
        again.close()
        assert equal(again, run)
    for given, line in (
        ({"vectors": "words.vec.gz"}, "--vectors words.vec.gz: begun with words.vec,"),
        ({"freeze_vectors": True}, "--freeze-vectors True: begun with False,"),
    ):
        with pytest.raises(ChatbotError) as caught:
            prepare(folder, {}, given)
        assert str(caught.value).startswith(f"{line} which cannot change.")


def test_vectors_that_are_refused_leave_the_run_that_stands_there(new_folder, trained, vectors_of):
    folder = new_folder()
    trained(folder, steps=1, batch=20)
    path, _, _ = vectors_of(folder)
    before = sorted(folder.path.rglob("*"))
    for model, training, fault in (
        ({"embedding": 12}, {"vectors": str(path)}, "--embedding 12: the vectors in .* width 10"),
        ({}, {"vectors": str(path) + "x"}, r"words.vecx: cannot be read \(No such file"),
        ({}, {"freeze_vectors": True}, "--freeze-vectors: nothing to freeze"),
    ):
        with pytest.raises(ChatbotError, match=fault):
            prepare(folder, model, training, restart=True)
        assert sorted(folder.path.rglob("*")) == before


def test_restarting_forgets_the_run_that_stands_there(new_folder, trained):
    folder = new_folder(holdout=HELD_OUT)
    trained(folder, steps=1)
    records, run = trained(folder, restart=True, steps=2, seed=9, batch=4, validate_every=1)
    assert [record.step for record in one_of(records, "progress")] == [1, 2]
    assert [path.name for path in saved(folder.checkpoints)] == ["step-2"]
    assert [one["step"] for one in read(folder.history) if one["kind"] == "start"] == [0]


def test_a_restart_that_is_refused_leaves_the_run_that_stands_there(whole):
    _, folder, _, _ = whole
    before = sorted(folder.path.rglob("*"))
    for units in (1, 5):
        with pytest.raises(ChatbotError, match="--units: must be even"):
            prepare(folder, {"units": units, "bidirectional": True}, {}, restart=True)
    assert sorted(folder.path.rglob("*")) == before


def test_a_store_of_another_vocabulary_is_refused(new_folder):
    folder, other = new_folder(), new_folder([("你", "我"), ("他", "她们")])
    folder.vocabulary.write_bytes(other.vocabulary.read_bytes())
    with pytest.raises(ChatbotError) as caught:
        prepare(folder, {}, {})
    assert str(caught.value) == (
        f"{folder.store}: belongs to another vocabulary than vocabulary.txt. Build both anew: "
        f"chatbot build-vocab --restart --model {folder.path}."
    )


def test_a_checkpoint_of_another_vocabulary_is_refused(new_folder, trained):
    folder, other = new_folder(), new_folder([("你", "我"), ("他", "她们")])
    trained(folder, steps=1)
    folder.vocabulary.write_bytes(other.vocabulary.read_bytes())
    folder.store.write_bytes(other.store.read_bytes())
    with pytest.raises(ChatbotError, match="step-1: trained with another vocabulary"):
        prepare(folder, {}, {})


def test_a_folder_without_a_store_says_how_to_build_one(new_folder, tmp_path):
    folder = new_folder()
    folder.store.unlink()
    with pytest.raises(ChatbotError, match="no token store yet. Build it first: chatbot build"):
        prepare(folder, {}, {})


def test_a_run_goes_on_from_the_newest_checkpoint_that_is_whole(new_folder, trained, tmp_path):
    whole = new_folder()
    _, never_stopped = trained(whole, steps=3, save_every="1")
    damages = (lambda data: data[:-900], flipped, lambda data: b"")
    for number, (damage, suffix) in enumerate(
        itertools.product(damages, (".data-00000-of-00001", ".index"))
    ):
        folder = ModelFolder(shutil.copytree(whole.path, tmp_path / f"copy {number}"))
        file = folder.checkpoints / f"step-2{suffix}"
        file.write_bytes(damage(file.read_bytes()))
        (folder.checkpoints / "step-3.index").write_bytes(b"no checkpoint")
        records, run = trained(folder)
        assert [record.step for record in one_of(records, "progress")] == [2, 3]
        starts = [f"{folder.checkpoints / f'step-{n}'}: damaged checkpoint (" for n in (3, 2)]
        assert all(one.startswith(start) for one, start in zip(run.damaged, starts, strict=True))
        assert equal(run, never_stopped)
        assert not prepared_and_closed(folder).damaged  # what was damaged has been written anew


def prepared_and_closed(folder):
    run = prepare(folder, {}, {})
    run.close()
    return run


def test_where_no_checkpoint_is_whole_it_is_said_and_all_stays(new_folder, trained):
    folder = new_folder()
    trained(folder, steps=2, save_every="1")
    for path in folder.checkpoints.glob("*.index"):
        path.write_bytes(b"no checkpoint")
    with pytest.raises(ChatbotError) as caught:
        trained(folder)
    newest = folder.checkpoints / "step-2"
    assert str(caught.value).startswith(f"{newest}: damaged checkpoint (")
    assert str(caught.value).endswith("None of those there is whole. Train anew with --restart.")
    assert len(saved(folder.checkpoints)) == 2


def test_a_second_run_on_a_folder_is_refused_until_the_first_has_ended(new_folder):
    folder = new_folder()
    first = prepare(folder, {"units": 2, "embedding": 3}, {"steps": 1})
    for restart in (False, True):
        with pytest.raises(ChatbotError) as caught:
            prepare(folder, {}, {}, restart=restart)
        assert str(caught.value) == (
            f"{folder.path}: another build-vocab or train is writing here. Wait until it has "
            "ended, or choose another folder with --model."
        )
    list(first.records())
    prepared_and_closed(folder)


KINDS = {
    "gru, layers, variational": (
        {"cell": "gru", "layers": 2, "bidirectional": True, "layer_norm": True},
        {"variational": True, "dropout": 0.3},
    ),
    "tied, additive": ({"tied": True, "attention": "additive"}, {}),
    "transformer": (
        {"model_type": "transformer", "embedding": 16, "heads": 2, "tied": True},
        {"variational": True, "dropout": 0.2},
    ),
}


@pytest.mark.parametrize(("model", "settings"), KINDS.values(), ids=KINDS)
def test_every_kind_of_network_learns_and_resumes_bit_by_bit(new_folder, trained, model, settings):
    from chatbot.talk.bot import Bot

    runs = []
    folders = [new_folder(holdout=HELD_OUT), new_folder(holdout=HELD_OUT)]
    for folder, stop in zip(folders, (None, 7), strict=True):
        shape = {"units": 16, "embedding": 12, **model}
        records, run = trained(folder, model=shape, stop_at=stop, **TWELVE | settings)
        if stop:
            records, run = trained(folder)
        runs.append(run)
    assert equal(*runs)
    history = read(folders[0].history)
    losses = [one["heldout_loss"] for one in history if one["kind"] == "validation"]
    assert losses[-1] < losses[0]
    assert Bot.load(folders[0].path).reply("你好") == Bot.load(folders[1].path).reply("你好")
