"""The mean of the last checkpoints, number by number, and what becomes of it."""

import numpy as np
import pytest

from chatbot.config import ModelConfig, TrainingConfig
from chatbot.errors import ChatbotError
from chatbot.learn.averaging import take_mean
from chatbot.learn.bundle import DATA, Bundle
from chatbot.learn.networks import network
from chatbot.learn.saved import read_position, saved

MODEL = {"units": 8, "embedding": 8}
SIX = {"batch": 20, "steps": 6, "save_every": "2", "validate_every": 2, "keep": 3, "warmup": 1}


def arrays(path, names):
    bundle = Bundle(path)
    return {n: bundle.array(f"model/{n}/.ATTRIBUTES/VARIABLE_VALUE") for n in names}


def means_of(paths, names):
    stored = [arrays(path, names) for path in paths]
    return {n: np.mean([np.float64(one[n]) for one in stored], 0) for n in names}


def test_every_weight_is_the_mean_of_the_newest_checkpoints(new_folder, trained):
    folder = new_folder(holdout=9)
    _, run = trained(folder, model=MODEL, **SIX)
    paths = saved(folder.checkpoints)
    assert [path.name for path in paths] == ["step-2", "step-4", "step-6"]
    net = network(run.engine.net.size, run.position.model)
    assert take_mean(folder, net, 2) == 2
    for name, expected in means_of(paths[-2:], net.named).items():
        np.testing.assert_allclose(net.named[name].numpy(), expected, atol=1e-6, err_msg=name)


def test_a_damaged_checkpoint_takes_no_part_and_one_alone_changes_nothing(new_folder, trained):
    folder = new_folder(holdout=9)
    _, run = trained(folder, model=MODEL, **SIX)
    paths = saved(folder.checkpoints)
    for path in paths[1:]:
        data = path.with_name(path.name + DATA)
        damaged = bytearray(data.read_bytes())
        damaged[len(damaged) // 2] ^= 1
        data.write_bytes(damaged)
    net = network(run.engine.net.size, run.position.model, seed=3)
    before = net.weights()
    assert take_mean(folder, net, 3) == 1
    assert all((values == before[name]).all() for name, values in net.weights().items())


@pytest.mark.parametrize("rate", [1e-9, 0.6], ids=["as good as they are", "better"])
def test_the_mean_is_the_best_if_it_is_better(new_folder, trained, rate):
    """Weights that jump about have a better mean; those that hardly move have none to speak of."""
    folder = new_folder(holdout=9)
    records, run = trained(folder, model=MODEL, **SIX, average=3, learning_rate=rate)
    (said,) = [one.note for one in records if one.kind == "average"]
    least = min(one.heldout_loss for one in records if one.kind == "validation")
    (best,) = saved(folder.best)
    kept = read_position(best)
    if said.endswith("the best"):
        assert best.name == "step-6"
        assert kept.heldout_loss < least
        expected = means_of(saved(folder.checkpoints), run.engine.net.named)
        for name, values in arrays(best, expected).items():
            np.testing.assert_allclose(values, expected[name], atol=1e-6, err_msg=name)
    else:
        assert said.endswith(f"not below {least:.3f}")
        assert kept.heldout_loss == least


def test_a_run_that_is_stopped_or_learns_by_heart_takes_no_mean(new_folder, trained):
    for holdout, stop in ((9, 4), (0, None)):
        folder = new_folder(holdout=holdout)
        records, _ = trained(folder, model=MODEL, **SIX, average=3, stop_at=stop)
        assert not [one for one in records if one.kind == "average"]


def test_more_than_are_kept_cannot_be_averaged():
    assert TrainingConfig(average=5, keep=5).average == 5
    with pytest.raises(ChatbotError, match="--average 5: only 3 checkpoints are kept. Give --keep"):
        TrainingConfig(average=5)
    assert ModelConfig().depth == 1
