"""The benchmark of the input side: all ways to feed batches feed the same; stores are made."""

import importlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from chatbot.corpus.store import TokenStore
from chatbot.learn.preparing import count_ngrams

ROOT = Path(__file__).parent.parent
LENGTH = 40
"""Targets to which a reply is cut."""

NAMES = (
    "chatbot.batches, epoch",
    "generator over lists",
    "queue of batches",
    "queue of pairs",
    "tf.data from_tensor_slices, batches",
    "tf.data from_tensor_slices, pairs",
    "tf.data from_generator, batches",
    "tf.data from_generator, pairs",
)


@pytest.fixture
def benchmark(monkeypatch):
    """(name) -> a module of the folder of benchmarks."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    yield importlib.import_module
    for name in [name for name in sys.modules if name.startswith(("input_", "large_store"))]:
        del sys.modules[name]


@pytest.fixture(scope="module")
def folder(new_folder):
    """29 pairs to train on and 4 held out; some replies have 50 characters."""
    pairs = [(f"问{chr(0x4E00 + i)}{i}", chr(0x4E80 + i) * (i % 5 * 12 + 2)) for i in range(33)]
    return new_folder(pairs, holdout=4)


def rows(arrays):
    """The pairs of a batch, without padding; what is not padding must agree with itself."""
    source, lengths, given, targets, weights = map(np.asarray, arrays)
    assert [x.dtype for x in (source, lengths, given, targets)] == [np.int32] * 4
    assert weights.dtype == np.float32
    assert given.shape == targets.shape == weights.shape
    sizes = weights.sum(1).astype(int)
    assert (source.shape[1], targets.shape[1]) == (lengths.max(), sizes.max())
    for b, (n, m) in enumerate(zip(lengths, sizes, strict=True)):
        assert not source[b, n:].any()
        assert not targets[b, m:].any()
        assert weights[b, :m].all()
        assert given[b, 0] == 1
        assert (given[b, 1:m] == targets[b, : m - 1]).all()
        last = m - (m == LENGTH)  # where a reply is cut, only the others put EOS
        yield (*source[b, :n].tolist(), -1, *targets[b, :last].tolist())


@pytest.mark.parametrize("name", NAMES)
def test_every_way_to_feed_gives_every_pair_once_an_epoch(benchmark, folder, name):
    pipelines = benchmark("input_pipelines").PIPELINES
    batches = list(pipelines[name](folder.path, 2, 7))
    assert [len(arrays[0]) for arrays in batches if len(arrays[0]) == 7] == [7] * 8
    found = [[row for arrays in batches[i : i + 5] for row in rows(arrays)] for i in (0, 5)]
    reference = pipelines["chatbot.batches, epoch"](folder.path, 1, 7)
    expected = sorted(row for arrays in reference for row in rows(arrays))
    assert len(set(expected)) == 29
    assert sorted(found[0]) == sorted(found[1]) == expected
    assert found[0] != found[1]
    assert max(len(row) for row in expected) > 40


def test_all_samplers_and_all_the_others_are_compared(benchmark):
    pipelines = benchmark("input_pipelines").PIPELINES
    samplers = {f"chatbot.batches, {name}" for name in ("window", "blocks", "cyclic")}
    assert set(pipelines) == samplers | set(NAMES)


def test_what_was_taken_is_counted(benchmark, folder):
    module = benchmark("input_pipelines")
    told = module.taken(module.PIPELINES["generator over lists"](folder.path, 3, 7))
    with TokenStore(folder.store) as store:
        tokens = int(np.minimum(store.read([(0, 29)]).reply_lengths + 1, 40).sum())
    assert (told["batches"], told["pairs"], told["tokens"]) == (15, 87, 3 * tokens)


def test_a_made_store_has_real_lengths_and_ids_and_the_bytes_its_seed_gives(
    benchmark, folder, tmp_path, monkeypatch
):
    module = benchmark("large_store")
    monkeypatch.setattr(module, "AT_ONCE", 100)
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        module.made_store(folder.store, tmp_path / name, 250, seed)
    a, b, c = ((tmp_path / name).read_bytes() for name in "abc")
    assert a == b != c
    with TokenStore(tmp_path / "a") as made, TokenStore(folder.store) as real:
        assert made.header.pairs == made.header.train == 250
        found, source = made.read([(0, 250)]), real.read([(0, 29)])
    lengths = {*zip(source.question_lengths, source.reply_lengths, strict=True)}
    assert {*zip(found.question_lengths, found.reply_lengths, strict=True)} == lengths
    assert set(found.tokens.tolist()) == set(source.tokens.tolist())


def test_a_stretched_store_has_the_real_pairs_over_and_over_and_those_held_out(
    benchmark, folder, tmp_path, monkeypatch
):
    module = benchmark("large_store")
    monkeypatch.setattr(module, "AT_ONCE", 8)
    module.stretched_store(folder.store, tmp_path / "more", 70)
    module.stretched_store(folder.store, tmp_path / "less", 11)
    with TokenStore(folder.store) as real:
        expected = {"more": [(0, 29), (0, 29), (0, 12), (29, 33)], "less": [(0, 11), (29, 33)]}
        for name, runs in expected.items():
            with TokenStore(tmp_path / name) as made:
                header = made.header
                assert header.train == sum(last - first for first, last in runs[:-1])
                assert header.held_out == 4
                found, wanted = made.read([(0, header.pairs)]), real.read(runs)
            assert found.tokens.tolist() == wanted.tokens.tolist()
            assert found.bounds.tolist() == wanted.bounds.tolist()
            assert header.tokens == len(found.tokens)


def test_seconds_a_step_are_those_of_the_second_half_of_the_progress(benchmark):
    module = benchmark("input_side")
    speeds = [100.0, 150.0, 500.0, 1000.0, 2000.0]
    progress = [{"kind": "progress", "pairs_per_second": speed} for speed in speeds]
    history = [{"kind": "start"}, *progress, {"kind": "stop"}]
    assert module.step_seconds([json.dumps(one) for one in history]) == 1.0


def test_medians_are_of_stages_and_of_their_sums_step_by_step(benchmark):
    module = benchmark("input_stages")
    steps = [dict.fromkeys(module.STAGES, float(n)) for n in (1, 5, 3)]
    steps[0]["pack"] = 9.0
    assert module.medians(steps) == {
        "sampler": 3,
        "read": 3,
        "batch": 3,
        "pack": 5,
        "n-grams, question": 3,
        "sampler, read, batch": 9,
        "all": 15,
    }


def test_a_step_is_timed_stage_by_stage(benchmark, folder):
    module = benchmark("input_stages")
    with TokenStore(folder.store) as store:
        ngrams = count_ngrams(store, 3, 200)
        assert ngrams.pairs == 29
        times = module.step_times(store, ngrams, (200,), 4)
        assert module.rate(store, "cyclic", 2) > 0
    assert tuple(times) == module.STAGES
    assert min(times.values()) > 0


def test_the_section_of_the_page_is_filled_from_the_record(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    record = json.loads((ROOT / "benchmarks/results/input_side.json").read_text("utf-8"))
    result = record["result"]
    text = importlib.import_module("input_figures").section(result)
    assert "{" not in text
    for name, one in result["pipelines"].items():
        if one["epochs"] == result["epochs"]:
            assert f"| {name} | {one['seconds']:.1f} |" in text
        else:
            assert f"| {name} | " in text
            assert f", from {one['epochs']} epochs |" in text
    for name, one in result["rates"].items():
        assert f"| `{name}` | {one['pairs_per_second']:,} |" in text
