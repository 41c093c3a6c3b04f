"""The mean of the last checkpoints, number by number, and what becomes of it."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

from chatbot.config import ModelConfig, TrainingConfig
from chatbot.errors import ChatbotError
from chatbot.learn.averaging import newest, take_mean
from chatbot.learn.bundle import DATA, Bundle
from chatbot.learn.networks import network
from chatbot.learn.saved import read_position, saved

MODEL = {"units": 8, "embedding": 8}
SIX = {"batch": 20, "steps": 6, "save_every": "2", "validate_every": 2, "keep": 3, "warmup": 1}


def arrays(path, names):
    bundle = Bundle(path)
    return {n: bundle.array(bundle.variables("model")[n]) for n in names}


def means_of(paths, names):
    stored = [arrays(path, names) for path in paths]
    return {n: np.mean([np.float64(one[n]) for one in stored], 0) for n in names}


def averaged_of(folder, run, most):
    """The network with the mean, and the checkpoints that it is of."""
    position = run.position
    training = dataclasses.replace(position.training, average=most, keep=9)
    net = network(run.engine.net.size, position.model)
    paths = newest(folder, dataclasses.replace(position, training=training))
    take_mean(net, paths)
    return net, paths


def test_every_weight_is_the_mean_of_the_newest_checkpoints(new_folder, trained):
    folder = new_folder(holdout=9)
    _, run = trained(folder, model=MODEL, **SIX)
    assert [path.name for path in saved(folder.checkpoints)] == ["step-2", "step-4", "step-6"]
    net, paths = averaged_of(folder, run, 2)
    assert [path.name for path in paths] == ["step-4", "step-6"]
    for name, expected in means_of(paths, net.named).items():
        np.testing.assert_allclose(net.named[name].numpy(), expected, atol=1e-6, err_msg=name)


def test_a_vocabulary_of_several_clusters_has_a_mean_too(new_folder, trained):
    words = [f"w{n}" for n in range(4_400)]
    pairs = [(f"q{n}", " ".join(words[n * 100 : n * 100 + 100])) for n in range(44)]
    folder = new_folder(pairs, tokenizer="jieba", holdout=4)
    _, run = trained(folder, model=MODEL, **SIX)
    assert len(run.engine.net.output.cutoffs) > 1
    net, paths = averaged_of(folder, run, 2)
    for name, expected in means_of(paths, net.named).items():
        np.testing.assert_allclose(net.named[name].numpy(), expected, atol=1e-6, err_msg=name)


def test_a_damaged_checkpoint_takes_no_part(new_folder, trained):
    folder = new_folder(holdout=9)
    _, run = trained(folder, model=MODEL, **SIX)
    data = folder.checkpoints / f"step-4{DATA}"
    damaged = bytearray(data.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    data.write_bytes(damaged)
    assert [path.name for path in averaged_of(folder, run, 3)[1]] == ["step-2", "step-6"]


def test_checkpoints_of_another_corpus_take_no_part(new_folder, trained):
    folder = new_folder(holdout=9)
    _, run = trained(folder, model=MODEL, **SIX)
    run.position = dataclasses.replace(run.position, store="another")
    assert newest(folder, run.position) == []


def test_a_mean_that_is_better_is_the_best_and_stays_it(new_folder, trained, monkeypatch):
    monkeypatch.setattr("chatbot.learn.averaging.judge", lambda *_: SimpleNamespace(loss=1.0))
    folder = new_folder(holdout=9)
    settings = SIX | {"steps": 8, "average": 4, "keep": 4, "warmup": 0}
    records, run = trained(folder, model=MODEL, **settings)
    (said,) = [one.note for one in records if one.kind == "average"]
    least = min(one.heldout_loss for one in records if one.kind == "validation")
    assert said == "the mean of the last 4 checkpoints has a loss of 1.000, the best"
    (best,) = saved(folder.best)
    kept = read_position(best)
    assert best.name == "step-8"
    assert kept.heldout_loss == kept.schedule.best == 1 < least
    expected = means_of(saved(folder.checkpoints), run.engine.net.named)
    for name, values in arrays(best, expected).items():
        np.testing.assert_allclose(values, expected[name], atol=1e-6, err_msg=name)
    again, _ = trained(folder)
    assert not [one for one in again if one.kind == "average"]  # nothing was trained
    before = folder.best.joinpath(best.name + DATA).read_bytes()
    trained(folder, steps=9)  # a worse validation does not take its place
    assert saved(folder.best) == [best]
    assert folder.best.joinpath(best.name + DATA).read_bytes() == before


def test_a_mean_that_is_no_better_is_told_and_left(new_folder, trained):
    folder = new_folder(holdout=9)
    records, _ = trained(folder, model=MODEL, **SIX, average=3, learning_rate=1e-9)
    (said,) = [one.note for one in records if one.kind == "average"]
    least = min(one.heldout_loss for one in records if one.kind == "validation")
    assert said.endswith(f"not below {least:.3f}")
    assert read_position(saved(folder.best)[0]).heldout_loss == least


@pytest.mark.parametrize(
    ("holdout", "settings", "said"),
    [
        (0, {}, ["no pairs are held out, so no mean of checkpoints can be judged"]),
        (9, {"save_every": "6"}, ["only one checkpoint, so no mean of several; see --save-every"]),
        (9, {"stop_at": 4}, []),
    ],
    ids=["by heart", "one checkpoint", "stopped"],
)
def test_where_there_is_no_mean_that_is_said(new_folder, trained, holdout, settings, said):
    records, _ = trained(new_folder(holdout=holdout), model=MODEL, **SIX | settings, average=3)
    assert [one.note for one in records if one.kind == "average"] == said


def test_more_than_are_kept_cannot_be_averaged():
    assert TrainingConfig(average=5, keep=5).average == 5
    with pytest.raises(ChatbotError, match="--average 5: only 3 checkpoints are kept. Give --keep"):
        TrainingConfig(average=5)
    assert ModelConfig().depth == 1
