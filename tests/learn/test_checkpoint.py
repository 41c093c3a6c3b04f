"""Weights, optimizer and position to the model folder and back; what is damaged is refused."""

import contextlib
import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from chatbot.config import CorpusConfig, ModelConfig, TrainingConfig
from chatbot.corpus.vocabulary import SPECIAL, Vocabulary
from chatbot.errors import ChatbotError
from chatbot.folder import ModelFolder
from chatbot.learn import checkpoint as checkpoint_module
from chatbot.learn import networks
from chatbot.learn.checkpoint import Checkpoints, finish_saves, restore
from chatbot.learn.comparison import Block
from chatbot.learn.optimizer import Adam
from chatbot.learn.position import Position
from chatbot.learn.recovery import Recovery
from chatbot.learn.saved import (
    check_vocabulary,
    damaged_in,
    find_checkpoint,
    newest_whole,
    read_position,
    saved,
)
from chatbot.learn.schedule import Schedule

DATA, INDEX = ".data-00000-of-00001", ".index"
SIZE = 9
MODEL = ModelConfig(units=4, embedding=3, ngrams=3, layer_norm=False, copying=False)
VOCABULARY = Vocabulary((*SPECIAL, *"abcde"), (0, 0, 1, 1, 1, 1, 1, 1, 1), CorpusConfig())

LITERAL = (
    '{"format": 2, "step": 12, "seconds": 3.25, "schedule": {"scale": 0.4, "best": 2.5, '
    '"before": {"sums": "AAAgQAAAAD8=", "means": [2.75, 2.5]}, "block": {"sums": "", "means": []}, '
    '"cooling": 2, "recent": [2.75, 3.0], "exhausted": false, "halvings": 1, "warm_from": 4}, '
    '"heldout_loss": 2.625, "vocabulary": "ab12", "size": 9, "model": {'
    '"model_type": "recurrent", "units": 4, "embedding": 3, "layers": null, "cell": "lstm", '
    '"bidirectional": false, "attention": "general", "heads": 4, "layer_norm": false, '
    '"tied": false, "ngrams": 3, "copying": false}, "training": {"batch": 7, "sampler": "epoch", '
    '"seed": 5, "max_length": 30, "learning_rate": 0.02, "warmup": 3, "clip": 0.5, '
    '"dropout": null, "variational": false, "word_dropout": 0.05, "decay_on": "train", '
    '"patience": 4, "cooldown": 0, '
    '"floor": 0.25, "steps": 100, "minutes": null, "epochs": null, "validate_every": 6, '
    '"save_every": "2m", "keep": 1, "average": 1, "precision": "float32", '
    '"memory": null, "threads": 0, '
    '"vectors": "zh.vec", "first_vectors": null, "freeze_vectors": true}, '
    '"recovery": {"tries": 2, "refused": 1, "recent": [3.5, 3.25], "least": 2.5, '
    '"judged": 2.25, "start": 6.5}, "losses": [3.0, 2.75], "store": "cd34 5", '
    '"went_back": "at step 3"}'
)

THE_SAME = Position(
    step=12,
    seconds=3.25,
    store="cd34 5",
    went_back="at step 3",
    schedule=Schedule(
        scale=0.4,
        best=2.5,
        before=Block(np.array([2.5, 0.5], "<f4").tobytes(), (2.75, 2.5)),
        cooling=2,
        recent=(2.75, 3.0),
        halvings=1,
        warm_from=4,
    ),
    heldout_loss=2.625,
    vocabulary="ab12",
    size=9,
    model=MODEL,
    training=TrainingConfig(
        batch=7,
        sampler="epoch",
        seed=5,
        max_length=30,
        learning_rate=0.02,
        warmup=3,
        clip=0.5,
        word_dropout=0.05,
        decay_on="train",
        patience=4,
        cooldown=0,
        floor=0.25,
        steps=100,
        validate_every=6,
        save_every="2m",
        keep=1,
        precision="float32",
        vectors="zh.vec",
        freeze_vectors=True,
    ),
    recovery=Recovery(tries=2, refused=1, recent=(3.5, 3.25), least=2.5, judged=2.25, start=6.5),
    losses=(3.0, 2.75),
)


def position(step=12, **changes):
    return dataclasses.replace(THE_SAME, step=step, vocabulary=VOCABULARY.digest, **changes)


def network(seed=1):
    """A network and its optimizer with every number drawn, moments and all."""
    net = networks.network(SIZE, MODEL)
    adam = Adam(net.embedding, net.matrices)
    generator = np.random.default_rng(seed)
    for variable in (*net.trainable_variables, *adam.first, *adam.second):
        variable.assign(generator.normal(size=variable.shape).astype(np.float32))
    adam.steps.assign(seed)
    return net, adam


def numbers(net, adam):
    return [v.numpy() for v in (*net.trainable_variables, *adam.first, *adam.second, adam.steps)]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "model").mkdir()
    return ModelFolder(tmp_path / "model")


def fill(folder, steps=(3, 20, 100), best=(), keep=3):
    checkpoints = Checkpoints(folder, *network(), keep)
    for step in steps:
        checkpoints.save(position(step))
    for step in best:
        checkpoints.save_best(position(step))


def flip(path, part):
    """Turns one bit of the data of a checkpoint."""
    file = path.with_name(path.name + DATA)
    data = bytearray(file.read_bytes())
    data[int(part * len(data))] ^= 1
    file.write_bytes(data)


def test_a_position_is_this_line_of_json():
    assert THE_SAME.to_json() == LITERAL
    assert Position.from_json(LITERAL, "there") == THE_SAME


@pytest.mark.parametrize(
    "changes",
    [
        {"schedule": Schedule(), "recovery": Recovery()},  # whose best and least are infinite
        {"heldout_loss": None, "step": 0},
        {"training": TrainingConfig(seed=2**63 - 1, minutes=0.5, dropout=0.25)},
        {"seconds": 0.1 + 0.2, "heldout_loss": 1 / 3},
    ],
)
def test_every_position_comes_back_exactly(changes):
    one = position(**changes)
    assert Position.from_json(one.to_json(), "there") == one


def test_a_position_of_before_there_were_word_vectors_has_none():
    later = ', "vectors": "zh.vec", "first_vectors": null, "freeze_vectors": true'
    text = LITERAL.replace(later, "")
    assert text != LITERAL
    training = dataclasses.replace(THE_SAME.training, vectors=None, freeze_vectors=False)
    assert Position.from_json(text, "there") == dataclasses.replace(THE_SAME, training=training)


def test_a_position_of_before_runs_were_mended_is_a_healthy_one():
    values = json.loads(LITERAL)
    del values["recovery"], values["losses"]
    for name in ("before", "block", "halvings", "warm_from"):
        del values["schedule"][name]
    values["schedule"]["waited"] = 1
    found = Position.from_json(json.dumps(values), "there")
    schedule = Schedule(scale=0.4, best=2.5, cooling=2, recent=(2.75, 3.0))
    assert found == dataclasses.replace(THE_SAME, schedule=schedule, recovery=Recovery(), losses=())


def test_another_format_number_is_refused():
    with pytest.raises(ChatbotError) as caught:
        Position.from_json(LITERAL.replace('"format": 2', '"format": 3'), "model/step-3")
    assert str(caught.value) == (
        "model/step-3: format 3, this version reads 2. Train anew with --restart."
    )


def test_a_setting_of_a_newer_version_is_refused():
    with pytest.raises(ChatbotError, match="model/step-3: unknown setting 'depths'"):
        Position.from_json(LITERAL.replace('"units": 4', '"depths": 4'), "model/step-3")


def test_settings_that_came_later_are_at_their_defaults():
    values = json.loads(LITERAL)
    for name in values["model"].keys() - {"units", "embedding", "bidirectional", "ngrams"}:
        del values["model"][name]
    for name in ("variational", "average"):
        del values["training"][name]
    assert Position.from_json(json.dumps(values), "model/step-3") == THE_SAME


def test_weights_moments_and_position_come_back_bit_by_bit(folder):
    net, adam = network(seed=3)
    path = Checkpoints(folder, net, adam, 3).save(position(12))
    other = network(seed=4)
    restore(path, *other)
    for one, two in zip(numbers(net, adam), numbers(*other), strict=True):
        np.testing.assert_array_equal(one, two)
    assert read_position(path) == position(12)
    assert path == folder.checkpoints / "step-12"


def test_weights_alone_can_be_taken_from_a_whole_checkpoint(folder):
    net, adam = network(seed=3)
    path = Checkpoints(folder, net, adam, 3).save(position())
    other, untouched = network(seed=4)
    before = numbers(other, untouched)[len(other.trainable_variables) :]
    restore(path, other)
    for one, two in zip(net.trainable_variables, other.trainable_variables, strict=True):
        np.testing.assert_array_equal(one.numpy(), two.numpy())
    after = numbers(other, untouched)[len(other.trainable_variables) :]
    assert all((one == two).all() for one, two in zip(before, after, strict=True))


def test_the_best_checkpoint_holds_weights_without_moments(folder):
    net, adam = network(seed=3)
    path = Checkpoints(folder, net, adam, 3).save_best(position())
    names = {name for name, _ in tf.train.list_variables(str(path))}
    assert not any("optimizer" in name or "first" in name for name in names)
    other, _ = network(seed=4)
    restore(path, other)
    for one, two in zip(net.trainable_variables, other.trainable_variables, strict=True):
        np.testing.assert_array_equal(one.numpy(), two.numpy())
    with pytest.raises(ChatbotError, match="damaged checkpoint"):
        restore(path, *network(seed=4))


def test_only_the_newest_few_are_kept_and_the_best_one_apart(folder):
    fill(folder, steps=(5, 10, 15, 20), best=(10, 15), keep=2)
    assert [path.name for path in saved(folder.checkpoints)] == ["step-15", "step-20"]
    assert [path.name for path in saved(folder.best)] == ["step-15"]
    assert {path.name for path in folder.best.iterdir()} == {
        "step-15.index",
        "step-15.data-00000-of-00001",
    }


def test_another_run_goes_on_where_the_last_one_left_its_files(folder):
    fill(folder, steps=(5, 10), keep=2)
    fill(folder, steps=(15,), keep=2)
    assert [path.name for path in saved(folder.checkpoints)] == ["step-10", "step-15"]


def test_checkpoints_are_ordered_by_step_not_by_spelling(folder):
    fill(folder, steps=(9, 100, 20), keep=9)
    assert [path.name for path in saved(folder.checkpoints)] == ["step-9", "step-20", "step-100"]


def test_no_folder_holds_no_checkpoints(folder):
    assert saved(folder.checkpoints) == []


def test_the_best_is_chosen_else_the_newest(folder):
    fill(folder)
    assert find_checkpoint(folder)[0] == folder.checkpoints / "step-100"
    fill(folder, steps=(), best=(20,))
    assert find_checkpoint(folder)[0] == folder.best / "step-20"


def test_what_is_damaged_is_passed_over_and_named(folder):
    fill(folder, steps=(3, 5), best=(4,))
    three, five = saved(folder.checkpoints)
    (best,) = saved(folder.best)
    flip(best, 0.5)
    path, (fault,) = find_checkpoint(folder)
    assert path == five
    assert fault.startswith(f"{best}: damaged checkpoint (")
    flip(five, 0.5)
    path, faults = find_checkpoint(folder)
    assert (path, [fault.split(": ")[0] for fault in faults]) == (three, [str(best), str(five)])
    flip(three, 0.5)
    with pytest.raises(ChatbotError) as caught:
        find_checkpoint(folder)
    assert str(caught.value) == f"{fault}. None is whole. Train anew with --restart."
    assert find_checkpoint(folder, "best") == (best, [])  # as it was asked for


def test_the_best_of_a_run_by_heart_is_not_for_replies(folder):
    fill(folder, steps=(3,))
    checkpoints = Checkpoints(folder, *network(), 3)
    checkpoints.save_best(position(2, heldout_loss=None))
    assert find_checkpoint(folder)[0] == folder.checkpoints / "step-3"
    checkpoints.drop_after(0)
    assert find_checkpoint(folder)[0] == folder.best / "step-2"


def test_checkpoints_of_a_step_and_later_ones_can_be_dropped(folder):
    checkpoints = Checkpoints(folder, *network(), 9)
    for step in (3, 20, 100):
        checkpoints.save(position(step))
    checkpoints.save_best(position(50))
    checkpoints.drop_after(19)
    left = {path.name for path in folder.checkpoints.iterdir()}
    assert left == {"step-3" + DATA, "step-3" + INDEX}
    assert [path.name for path in saved(folder.best)] == ["step-50"]


@pytest.mark.parametrize("cut_at", range(1, 7))
def test_wherever_the_power_is_cut_a_whole_checkpoint_stands(folder, monkeypatch, cut_at):
    """Every change of a name and every removal is a place to cut; the next is never reached."""
    fill(folder, steps=(3,), keep=1)
    done = []

    def cut(change):
        def until(self, *given, **more):
            done.append(self.name)
            if len(done) == cut_at:
                raise KeyboardInterrupt
            return change(self, *given, **more)

        return until

    for name in ("replace", "unlink"):
        monkeypatch.setattr(Path, name, cut(getattr(Path, name)))
    checkpoints = Checkpoints(folder, *network(seed=7), 1)
    with contextlib.suppress(KeyboardInterrupt):
        checkpoints.save(position(4))
    monkeypatch.undo()
    path, damaged = newest_whole(folder.checkpoints)
    assert damaged == []
    assert path.name == ("step-4" if cut_at > 3 else "step-3")
    Checkpoints(folder, *network(), 1)
    names = {one.name for one in folder.checkpoints.iterdir()}
    assert names == {
        one.name + suffix for one in saved(folder.checkpoints) for suffix in (DATA, INDEX)
    }


def test_a_checkpoint_is_on_disk_before_it_has_its_name(folder, monkeypatch):
    order = []

    def noted(what, change, name_of):
        return lambda *given: order.append((what, name_of(*given))) or change(*given)

    for name in ("sync", "sync_names"):
        change = getattr(checkpoint_module, name)
        monkeypatch.setattr(checkpoint_module, name, noted(name, change, lambda path: path.name))
    monkeypatch.setattr(Path, "replace", noted("name", Path.replace, lambda _, to: to.name))
    fill(folder, steps=(3,))
    assert order == [
        ("sync", "unfinished-step-3" + DATA),
        ("sync", "unfinished-step-3" + INDEX),
        ("name", "step-3" + DATA),
        ("name", "step-3" + INDEX),
        ("sync_names", "checkpoints"),
    ]


@pytest.mark.parametrize("kept", [1, 3])
@pytest.mark.parametrize("done", range(4))
def test_a_kill_while_a_checkpoint_replaces_one_of_its_step_leaves_a_whole_one(
    folder, monkeypatch, done, kept
):
    """Unlinking the index that stands, and two renames: a cut after each of them."""
    fill(folder, steps=(3, 20)[-kept:], keep=kept)
    unlink, replace, left = Path.unlink, Path.replace, [done]

    def cut(change):
        def changed(path, *given, **more):
            if not left[0]:
                raise KeyboardInterrupt
            left[0] -= 1
            return change(path, *given, **more)

        return changed

    checkpoints = Checkpoints(folder, *network(), kept)
    monkeypatch.setattr(Path, "unlink", cut(unlink))
    monkeypatch.setattr(Path, "replace", cut(replace))
    with contextlib.suppress(KeyboardInterrupt):
        checkpoints.save(position(step=20))
    monkeypatch.undo()
    finish_saves(folder)
    newest, damaged = newest_whole(folder.checkpoints)
    assert (newest, damaged) == (folder.checkpoints / "step-20", [])


def test_a_save_that_was_not_whole_is_not_finished(folder):
    fill(folder, steps=(3,))
    for suffix in (DATA, INDEX):
        data = (folder.checkpoints / f"step-3{suffix}").read_bytes()
        (folder.checkpoints / f"unfinished-step-9{suffix}").write_bytes(data[:-7])
    finish_saves(folder)
    assert saved(folder.checkpoints) == [folder.checkpoints / "step-3"]


def test_a_checkpoint_can_be_named(folder):
    fill(folder, best=(20,))
    assert find_checkpoint(folder, "newest")[0] == folder.checkpoints / "step-100"
    assert find_checkpoint(folder, "best")[0] == folder.best / "step-20"
    assert find_checkpoint(folder, "3")[0] == folder.checkpoints / "step-3"
    path = folder.checkpoints / "step-20"
    assert find_checkpoint(folder, str(path))[0] == path


def test_a_name_that_is_not_there_is_answered_with_those_that_are(folder):
    fill(folder, best=(50,))
    with pytest.raises(ChatbotError) as caught:
        find_checkpoint(folder, "4")[0]
    message = str(caught.value)
    assert message.startswith(f"--checkpoint: no '4' in {folder.path}. There: ")
    assert set(re.findall(r"\d+", message.split("There: ")[1])) == {"3", "20", "50", "100"}


def test_the_best_that_is_not_there_is_said_so(folder):
    fill(folder, steps=(3,))
    with pytest.raises(ChatbotError, match="no 'best'"):
        find_checkpoint(folder, "best")[0]


def test_an_untrained_folder_says_how_to_train(folder):
    with pytest.raises(ChatbotError) as caught:
        find_checkpoint(folder)[0]
    assert str(caught.value) == (
        f"{folder.path}: no checkpoint yet. Train first: chatbot train --model {folder.path}."
    )


def load(path):
    """What a resuming run reads."""
    read_position(path)
    restore(path, *network(seed=4))


def refused(path):
    with pytest.raises(ChatbotError) as caught:
        load(path)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"{path}: damaged checkpoint (")
    assert message.endswith(
        "Name another one with --checkpoint; train goes on from the newest that is whole."
    )


@pytest.mark.parametrize("suffix", [DATA, INDEX])
@pytest.mark.parametrize("part", [0.03, 0.2, 0.5, 0.77])
def test_a_flipped_bit_is_refused_in_one_line(folder, suffix, part):
    fill(folder, steps=(3,))
    path = folder.checkpoints / "step-3"
    file = path.with_name(path.name + suffix)
    data = bytearray(file.read_bytes())
    data[int(part * len(data))] ^= 1
    file.write_bytes(data)
    refused(path)


@pytest.mark.parametrize("suffix", [DATA, INDEX])
@pytest.mark.parametrize("part", [0.0, 0.5, 0.95])
def test_a_truncated_file_is_refused_in_one_line(folder, suffix, part):
    fill(folder, steps=(3,))
    path = folder.checkpoints / "step-3"
    file = path.with_name(path.name + suffix)
    data = file.read_bytes()
    file.write_bytes(data[: int(part * len(data))])
    refused(path)


def test_a_file_that_is_gone_is_refused_in_one_line(folder):
    fill(folder, steps=(3,))
    path = folder.checkpoints / "step-3"
    path.with_name(path.name + DATA).unlink()
    refused(path)


def test_a_checkpoint_of_another_program_is_refused_in_one_line(folder):
    path = folder.checkpoints / "step-3"
    tf.train.Checkpoint(x=tf.Variable(1.0)).write(str(path))
    refused(path)


def test_weights_of_other_widths_are_refused(folder):
    fill(folder, steps=(3,))
    with pytest.raises(ChatbotError, match="damaged checkpoint"):
        restore(
            folder.checkpoints / "step-3", networks.network(SIZE, ModelConfig(units=5, embedding=3))
        )


def test_weights_in_two_directions_are_not_those_in_one(folder):
    fill(folder, steps=(3,))
    config = ModelConfig(units=4, embedding=3, bidirectional=True)
    with pytest.raises(ChatbotError, match="damaged checkpoint"):
        restore(folder.checkpoints / "step-3", networks.network(SIZE, config))


def test_ids_of_other_words_are_refused():
    check_vocabulary("model/step-12", position(), VOCABULARY)
    other = dataclasses.replace(VOCABULARY, words=(*SPECIAL, *"abced"))
    with pytest.raises(ChatbotError) as caught:
        check_vocabulary("model/step-12", position(), other)
    assert str(caught.value) == (
        "model/step-12: trained with another vocabulary (9 entries) than the one beside it (9). "
        "Go on with this one with train --extend, put the matching vocabulary.txt back, or train "
        "anew with --restart."
    )


def test_what_a_killed_save_left_behind_goes_with_the_next_run(folder):
    fill(folder, steps=(3,), best=(3,))
    before = sorted(folder.path.rglob("*"))
    for place in (folder.checkpoints, folder.best):
        (place / "step-9_temp").mkdir()
        (place / "step-9_temp" / "part-00000-of-00001.data-00000-of-00001").write_bytes(b"half")
        (place / "step-9.data-00000-of-00001.tempstate123").write_bytes(b"half")
    Checkpoints(folder, *network(), 3)
    assert sorted(folder.path.rglob("*")) == before


def test_the_newest_checkpoint_that_is_whole_is_found(folder):
    assert newest_whole(folder.checkpoints) == (None, [])
    fill(folder, steps=(3, 5))
    three, five = saved(folder.checkpoints)
    assert newest_whole(folder.checkpoints) == (five, [])
    five.with_name(five.name + DATA).unlink()
    found, (damaged,) = newest_whole(folder.checkpoints)
    assert found == three
    assert damaged.startswith(f"{five}: damaged checkpoint (")
    assert damaged_in(folder.checkpoints) == [damaged]


def test_what_cannot_be_written_is_said_in_one_line(folder):
    net, adam = network()
    checkpoints = Checkpoints(folder, net, adam, 3)
    checkpoints.save(position(3))
    folder.checkpoints.rename(folder.path / "moved")
    folder.checkpoints.write_text("a file stands where the folder was")
    with pytest.raises(ChatbotError) as caught:
        checkpoints.save(position(4))
    message = str(caught.value)
    assert message.startswith(f"{folder.checkpoints}: cannot save a checkpoint (")
    assert "\n" not in message
