"""What training will take, against networks, batches and recorded runs."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from chatbot.config import SMALL_CORPUS, ModelConfig, TrainingConfig
from chatbot.corpus.doctor import forecast as module
from chatbot.corpus.doctor.forecast import REFERENCE_CORES, REFERENCE_GFLOPS, Work, forecast

RECORD = Path(__file__).parents[3] / "benchmarks" / "results" / "forecast.json"


def lengths(*found):
    return np.bincount(found)


def work(model=None, size=3_000, pairs=10_000, sides=None, **training):
    questions, replies = sides or (lengths(3, 4, 5, 9), lengths(2, 6, 7, 30))
    return Work(
        questions,
        replies,
        pairs,
        size,
        ModelConfig(**(model or {})),
        TrainingConfig(**training),
    )


@pytest.mark.parametrize("size", [50, 4_000, 4_001, 10_000, 10_001, 23_457])
@pytest.mark.parametrize(
    "model",
    [
        {"units": 24, "embedding": 7},
        {"units": 10, "embedding": 12, "bidirectional": True},
        {"units": 10, "embedding": 8, "layers": 3, "cell": "gru", "bidirectional": True},
        {"units": 8, "embedding": 6, "layers": 2, "layer_norm": True, "attention": "dot"},
        {"units": 8, "embedding": 6, "attention": "additive", "tied": True},
        {"units": 8, "embedding": 8, "model_type": "transformer", "layers": 3},
    ],
)
def test_parameters_are_counted_as_the_network_has_them(size, model):
    from chatbot.learn.networks import network

    net = network(size, ModelConfig(**model))
    real = sum(int(np.prod(variable.shape)) for variable in net.trainable_variables)
    assert work(model, size).parameters == real


def test_the_clusters_are_those_of_the_output_layer():
    from chatbot.learn.output import cutoffs_of, tail_width

    for size in (3_999, 4_000, 4_001, 4_500, 4_501, 10_000, 50_000):
        cutoffs = cutoffs_of(size)
        head, *tails = work({"units": 64}, size).clusters
        assert head[:2] == (cutoffs[0] + len(tails), 64)
        bounds = zip(cutoffs, cutoffs[1:], strict=False)
        assert [tail[:2] for tail in tails] == [
            (last - first, tail_width(64, i)) for i, (first, last) in enumerate(bounds)
        ]


def test_the_tokens_of_a_batch_are_those_of_many_drawn_batches():
    sides = lengths(1, 1, 2, 3, 5, 8, 90), lengths(2, 4, 4, 4, 60)
    one = work(sides=sides, batch=20, max_length=40)
    draw = np.random.default_rng(1)
    for side, counts in enumerate(sides):
        drawn = draw.choice(len(counts), (20_000, 20), p=counts / counts.sum())
        cut = np.minimum(drawn, 40)
        assert one.rows[side] == pytest.approx(cut.sum(1).mean(), rel=0.01)
        assert one.positions[side] == pytest.approx(cut.max(1).mean(), rel=0.01)


def test_attention_pads_groups_of_pairs_to_about_their_longest():
    sides = lengths(*range(1, 21)), lengths(*[1] * 10, *range(1, 11))
    one = work(sides=sides, batch=1_000)
    draw = np.random.default_rng(3)
    found = []
    for _ in range(20):
        pairs = np.stack([draw.choice(len(c), 1_000, p=c / c.sum()) for c in sides], 1)
        pairs = pairs[np.argsort(-pairs.max(1))]
        found.append([part.max(0) for part in np.split(pairs, [50, 250])])
    expected = np.mean(found, 0)
    assert [pairs for pairs, *_ in one.groups] == pytest.approx([50, 200, 750])
    got = np.array([two for _, *two in one.groups])
    assert np.abs(got - expected).max() <= 1


def test_the_groups_are_those_that_attention_pads_alike():
    from chatbot.learn.groups import grouped

    lengths_of = np.arange(1, 1_001, dtype=np.int32)
    row = np.zeros((1_000, 1_001), np.int32)
    groups = grouped(row, lengths_of, row, lengths_of, (9, 9))["groups"]
    assert groups[:, 0] / 1_000 == pytest.approx(module.GROUPS)


def test_more_parts_hold_less_at_a_time_and_take_longer():
    sides = lengths(*range(1, 40)), lengths(*range(1, 40))
    two, four, eight = (
        dataclasses.replace(work(sides=sides, threads=2), parts=parts) for parts in (2, 4, 8)
    )
    assert two.bytes > four.bytes > eight.bytes
    assert two.seconds(True) < four.seconds(True) < eight.seconds(True)
    assert two.bytes - four.bytes == pytest.approx(2 * (four.bytes - eight.bytes))
    assert work(sides=sides, threads=2).bytes == two.bytes


def test_ngrams_are_counted_up_to_a_bound_and_not_by_heart():
    from chatbot.learn.ngrams import MOST_TOKENS

    sides = lengths(5, 5), lengths(10, 10)
    assert work(sides=sides, pairs=50_000).counted == 500_000
    assert work(sides=sides, pairs=50_000_000).counted == MOST_TOKENS
    assert work(sides=sides, pairs=SMALL_CORPUS - 1).counted == 0
    assert work({"ngrams": 0}, sides=sides).counted == 0


def test_a_corpus_smaller_than_the_batch_is_taken_whole():
    few = work(pairs=30, batch=1_000)
    assert few.batch == 30
    assert few.rows[0] == pytest.approx(30 * 5.25)
    assert forecast(few, 100).epochs == forecast(few, 100).steps


def test_a_network_twice_as_wide_multiplies_four_times_as_much():
    narrow, wide = ({"units": units, "embedding": units} for units in (128, 256))
    small = work(narrow, size=500, batch=100)
    ratio = work(wide, size=500, batch=100).flops / small.flops
    assert 3.3 < ratio < 4


def test_the_operations_of_a_step_are_counted_product_by_product():
    one = work({"units": 16, "embedding": 8}, size=100, batch=10)
    (source, target), scores = one.rows, sum(np.prod(group) for group in one.groups)
    encoder = source * 2 * (8 * 64 + 16 * 64)  # input and state, four gates
    keys = source * 2 * 16 * 16
    decoder = target * 2 * (8 * 64 + 16 * 64)
    attention = 2 * 2 * scores * 16  # scores, and the sum they weigh
    combine = target * 2 * 32 * 16
    output = target * 2 * 16 * 100
    forward = encoder + keys + decoder + attention + combine + output
    assert one.flops == pytest.approx(3 * forward)  # backward: for inputs and for weights


@pytest.mark.parametrize("more", [{"batch": 2_000}, {"max_length": 60}])
def test_more_work_takes_more_memory_and_time(more):
    sides = lengths(*range(1, 80)), lengths(*range(1, 90))
    less = work(sides=sides)
    assert work(sides=sides, **more).bytes > 1.1 * less.bytes
    assert work(sides=sides, **more).seconds(True) > 1.1 * less.seconds(True)


def test_a_faster_machine_takes_less_time(monkeypatch):
    monkeypatch.setattr(module, "cores", lambda: REFERENCE_CORES)
    one = work(epochs=2)
    as_fast, twice = (forecast(one, n * REFERENCE_GFLOPS, True) for n in (1, 2))
    assert as_fast.seconds == pytest.approx(20 * one.seconds(True))
    assert twice.seconds == pytest.approx(as_fast.seconds / 2)
    monkeypatch.setattr(module, "cores", lambda: 4 * REFERENCE_CORES)
    wider = forecast(one, REFERENCE_GFLOPS, True)
    assert as_fast.seconds / 4 < wider.seconds < as_fast.seconds / 1.9
    limited = dataclasses.replace(one, training=TrainingConfig(epochs=2, threads=2))
    assert forecast(limited, REFERENCE_GFLOPS, True).seconds == pytest.approx(as_fast.seconds)


def test_without_bfloat16_it_takes_longer():
    one = work()
    assert one.seconds(False) > one.seconds(True)
    given = forecast(dataclasses.replace(one, training=TrainingConfig(precision="float32")), 100)
    assert given.seconds == pytest.approx(forecast(one, 100, False).seconds)


def test_the_end_is_the_one_that_is_asked_for():
    asked = forecast(work(epochs=3, batch=300), 100)
    assert (asked.steps, asked.batch) == (3 * 34, 300)
    assert asked.epochs == pytest.approx(3.06)
    assert not asked.by_heart


@pytest.mark.parametrize(("pairs", "by_heart"), [(SMALL_CORPUS - 1, True), (SMALL_CORPUS, False)])
def test_a_small_corpus_is_learned_by_heart(pairs, by_heart):
    assert forecast(work(pairs=pairs), 100).by_heart is by_heart


@pytest.mark.parametrize("name", ["sample", "thousand"])
def test_few_pairs_are_known_by_heart_in_about_the_recorded_steps(name):
    recorded = json.loads(RECORD.with_name("recall.json").read_text("utf-8"))["result"][name]
    steps = forecast(work(pairs=recorded["pairs"]), 100).steps
    assert steps == pytest.approx(recorded["training_steps"], rel=0.25)


record = json.loads(RECORD.read_text("utf-8"))["result"]


@pytest.mark.parametrize("one", record["runs"], ids=lambda one: str(one["corpus"]))
def test_recorded_runs_took_about_what_is_forecast(one, monkeypatch):
    monkeypatch.setattr(module, "cores", lambda: REFERENCE_CORES)
    facts = record["corpora"][one["corpus"]]
    questions, replies = (np.array(side) for side in facts["lengths"])
    run = Work(
        questions,
        replies,
        facts["pairs"],
        facts["vocabulary"],
        ModelConfig.from_dict(one["model"], "record"),
        TrainingConfig(**one["training"]),
        one["parts"],
    )
    assert run.bytes == pytest.approx(one["peak_bytes"], rel=0.15)
    fast = one["training"]["precision"] == "auto"
    assert 1 / 1.25 < run.seconds(fast) / one["step_seconds"] < 1.25
