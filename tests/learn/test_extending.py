"""A trained network on a vocabulary that has grown: what belongs to a word goes with it."""

import dataclasses
import math

import numpy as np
import pytest
import tensorflow as tf
from helpers import timeless

from chatbot.config import CorpusConfig, ModelConfig, TrainingConfig
from chatbot.corpus.building import Sources, build
from chatbot.corpus.pairs import find_corpora
from chatbot.corpus.store import Header
from chatbot.corpus.vocabulary import SPECIAL, Vocabulary
from chatbot.errors import ChatbotError
from chatbot.folder import ModelFolder
from chatbot.history import read
from chatbot.learn.checkpoint import Checkpoints
from chatbot.learn.engine import Engine
from chatbot.learn.extending import Extension, extend, places_of
from chatbot.learn.position import Position
from chatbot.learn.saved import read_position, saved, vocabulary_of
from chatbot.learn.schedule import Schedule

MODEL = ModelConfig(units=8, embedding=6, ngrams=0)
TRAINING = TrainingConfig(precision="float32", threads=1)


def vocabulary(words, counts=None, **settings):
    """A vocabulary of some words, by falling counts if none are given."""
    counts = counts or [len(words) - n for n in range(len(words))]
    return Vocabulary((*SPECIAL, *words), (0, 0, 40, 3, *counts), CorpusConfig(**settings))


def engine_of(words, seed, model=MODEL):
    training = TrainingConfig(precision="float32", threads=1, seed=seed)
    return Engine(len(words), model, training, words.unigram, 0.0)


def learned(words, seed=1, model=MODEL):
    """An engine all of whose numbers are different ones, as after training."""
    engine, chance = engine_of(words, 0, model), np.random.default_rng(seed)
    moments = (*engine.optimizer.first, *engine.optimizer.second)
    for variable in (engine.net.embedding, *engine.net.matrices, *moments):
        variable.assign(chance.normal(size=variable.shape).astype(np.float32))
    engine.optimizer.steps.assign(77)
    return engine


def carried(tmp_path, before, now, model=MODEL):
    """(the earlier engine, the new one as drawn, the same after `extend`, what was said)."""
    folder = ModelFolder(tmp_path)
    old, new = learned(before, model=model), engine_of(now, 5, model)
    position = Position(9, 1.0, Schedule(), 2.5, before.digest, len(before), model, TRAINING)
    Checkpoints(folder, old.net, old.optimizer, 1).save(position)
    (path,) = saved(folder.checkpoints)
    said = extend(path, position, before, new, now)
    return old, engine_of(now, 5, model), new, said


def place(net, id):
    """The cluster of an entry, and its row there; by a loop of its own."""
    for cluster, last in enumerate(net.output.cutoffs):
        if id < last:
            return cluster, id - (0, *net.output.cutoffs)[cluster]
    raise AssertionError


def numbers_of(engine, id):
    """All that belongs to an entry: embedding, class and bias, each with both its moments."""
    net, cluster, row = engine.net, *place(engine.net, id)
    weights = (net.output.weight, *net.output.tail_weights)
    biases = (net.output.bias, *net.output.tail_biases)
    found = []
    for variable, at in ((net.embedding, id), (weights[cluster], row), (biases[cluster], row)):
        (number,) = (n for n, v in enumerate((net.embedding, *net.matrices)) if v is variable)
        moments = (engine.optimizer.first[number], engine.optimizer.second[number])
        found.append([one.numpy()[at] for one in (variable, *moments)])
    return found


def equal(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.fixture(scope="module")
def grown(tmp_path_factory):
    """A vocabulary of three clusters with 211 words more, 89 gone and all ranks shifted."""
    words = [f"w{n}" for n in range(4_700)]
    later = [*words[:300], *(f"n{n}" for n in range(211)), *words[389:]]
    now = vocabulary(later)
    before = vocabulary(words)
    return before, now, *carried(tmp_path_factory.mktemp("grown"), before, now)


def test_words_keep_their_pace_and_new_ones_learn_at_the_full_rate(tmp_path):
    before, now = vocabulary("abcde"), vocabulary("xcaye")
    training = dataclasses.replace(TRAINING, first_vectors="corpus")
    old, new = (Engine(len(one), MODEL, training, one.unigram, 0.0) for one in (before, now))
    old.optimizer.slow.assign([word in "acd" for word in before.words])
    folder = ModelFolder(tmp_path)
    position = Position(9, 1.0, Schedule(), 2.5, before.digest, len(before), MODEL, training)
    Checkpoints(folder, old.net, old.optimizer, 1).save(position)
    (path,) = saved(folder.checkpoints)
    extend(path, position, before, new, now)
    slow = {word for word, one in zip(now.words, new.optimizer.slow.numpy(), strict=True) if one}
    assert slow == set("ac")


def test_what_belongs_to_a_word_goes_with_it_moments_and_all(grown):
    before, now, old, drawn, new, _ = grown
    kept = moved = 0
    for id, word in list(enumerate(now.words))[4:]:
        found = numbers_of(new, id)
        if word not in before.ids:
            assert equal(found[0], numbers_of(drawn, id)[0])
            continue
        earlier = numbers_of(old, before.ids[word])
        assert equal(found[0], earlier[0])
        if place(new.net, id)[0] == place(old.net, before.ids[word])[0]:
            assert equal(found[1], earlier[1])
            assert equal(found[2], earlier[2])
            kept += 1
        else:
            assert equal(found[1], numbers_of(drawn, id)[1])
            moved += 1
    assert kept > 4_000
    assert moved > 100  # over the border of a cluster


def test_what_belongs_to_no_word_is_taken_over_as_it_is(grown):
    _, _, old, drawn, new, _ = grown
    names = ("attention", "combine")
    pairs = [(getattr(old.net, name), getattr(new.net, name)) for name in names]
    for name in ("encoder", "decoder"):
        for part in ("kernel", "recurrent", "bias"):
            pairs.append([getattr(getattr(net.net, name), part) for net in (old, new)])
    for name in ("projections", "views"):
        pairs += zip(getattr(old.net.output, name), getattr(new.net.output, name), strict=True)
    for a, b in pairs:
        assert np.array_equal(a.numpy(), b.numpy())
    for weights in ("weight", "bias"):  # the slots of the tails, behind the head
        a, b = (getattr(net.net.output, weights).numpy()[500:] for net in (old, new))
        assert len(a) == 2
        assert np.array_equal(a, b)
    assert new.optimizer.steps.numpy() == 77 != drawn.optimizer.steps.numpy()


def test_it_is_said_how_many_entries_went_on(grown):
    *_, said = grown
    assert said == Extension(kept=4_615, new=211, gone=89)
    assert str(said) == ("4,615 entries of the vocabulary go on, 211 are new, 89 no longer there")
    assert str(Extension(5, 2, 0)) == "5 entries of the vocabulary go on, 2 are new"


def test_a_new_entry_is_as_likely_beside_the_old_as_its_count_says(tmp_path):
    """What lies on all biases, which changes no probability, lies on those of new entries too."""
    before, now = vocabulary("abc", [50, 20, 10]), vocabulary("abxc", [50, 20, 15, 10])
    old, shift = engine_of(before, 2), 3.5
    old.net.output.bias.assign_add(tf.fill([len(before)], shift))
    folder, new = ModelFolder(tmp_path), engine_of(now, 5)
    position = Position(9, 1.0, Schedule(), 2.5, before.digest, len(before), MODEL, TRAINING)
    Checkpoints(folder, old.net, old.optimizer, 1).save(position)
    extend(saved(folder.checkpoints)[0], position, before, new, now)
    biases = new.net.output.bias.numpy()
    a, x = (biases[now.ids[word]] for word in "ax")
    first = math.log(50.1 / (sum(before.counts) + 0.1 * len(before))) + shift
    assert a == pytest.approx(first)
    assert x == pytest.approx(math.log(15.1 / (sum(now.counts) + 0.1 * len(now))) + shift)


def test_where_the_clusters_are_others_all_classes_begin_anew(tmp_path):
    words = [f"w{n}" for n in range(3_990)]
    before, now = vocabulary(words), vocabulary([*words, *(f"n{n}" for n in range(60))])
    old, drawn, new, _ = carried(tmp_path, before, now)
    assert len(old.net.output.cutoffs) == 1 < len(new.net.output.cutoffs)
    for name in ("weight", "bias"):
        a, b = (getattr(net.net.output, name).numpy() for net in (drawn, new))
        assert np.array_equal(a, b)
    assert np.array_equal(new.net.embedding.numpy()[:3_994], old.net.embedding.numpy())
    assert np.array_equal(new.net.attention.numpy(), old.net.attention.numpy())


def test_entries_are_found_by_their_words_special_ones_by_their_place():
    before, now = vocabulary(["a", "<pad>", "b"]), vocabulary(["b", "c", "<pad>"])
    assert places_of(before, now).tolist() == [0, 1, 2, 3, 6, -1, 5]


def test_text_that_is_cut_otherwise_is_refused(tmp_path):
    before = vocabulary("abc", tokenizer="jieba")
    for settings, said in (
        ({"tokenizer": "char"}, "--tokenizer char: begun with jieba, which cannot change"),
        ({"rare": "unk"}, "--rare unk: the model was trained on text cut with characters"),
        ({"user_dict": "words.txt 12"}, "--user-dict words.txt 12: begun without one"),
    ):
        with pytest.raises(ChatbotError, match=said):
            carried(tmp_path, before, vocabulary("abc", **settings))


def test_the_vocabulary_of_a_checkpoint_is_the_one_that_stands_or_an_earlier_one(tmp_path):
    folder = ModelFolder(tmp_path)
    standing, earlier, other = (vocabulary(words) for words in ("abc", "abd", "abe"))
    standing.save(folder.vocabulary)
    folder.earlier.mkdir()
    earlier.save(folder.earlier_vocabulary(earlier.digest))

    def of(one):
        position = Position(9, 1.0, Schedule(), 2.5, one.digest, len(one), MODEL, TRAINING)
        return vocabulary_of(position, folder)

    assert of(standing) == standing
    assert of(earlier) == earlier
    assert of(other) == standing
    folder.vocabulary.unlink()
    assert of(earlier) == earlier


# A whole run: trained, built anew with more, and trained on.

PAIRS = [(f"问{chr(0x4E00 + n)}", f"答{chr(0x5E00 + n)}") for n in range(9)]
MORE = [(f"说{chr(0x6E00 + n)}", f"回{chr(0x7E00 + n)}") for n in range(5)]
SETTINGS = {"batch": 14, "validate_every": 10, "learning_rate": 0.02, "warmup": 5, "seed": 4}
LARGER = {"units": 32, "embedding": 24}


@pytest.fixture
def enlarged(new_folder, trained, tmp_path):
    """(how the corpus grows) -> a folder in which a run of 30 steps stands, built anew."""

    def make(pairs=(*PAIRS, *MORE), **settings):
        folder = new_folder(PAIRS)
        trained(folder, model=LARGER, steps=30, **SETTINGS)
        return again(folder, pairs, **settings)

    def again(folder, pairs=(*PAIRS, *MORE), **settings):
        corpus = tmp_path / "more.tsv"
        corpus.write_text("".join(f"{q}\t{r}\n" for q, r in pairs), encoding="utf-8")
        config = CorpusConfig(**{"tokenizer": "char", "min_freq": 1} | settings)
        build(Sources(find_corpora([corpus]), config), folder, extend=True)
        return folder

    make.again = again
    return make


def test_a_run_goes_on_with_more_pairs_and_learns_them(enlarged, trained):
    from chatbot.talk.bot import Bot

    folder = enlarged()
    before = Bot.load(folder.path)  # by its own vocabulary, until the run has gone on
    assert len(before.vocabulary) < len(Vocabulary.load(folder.vocabulary))
    with pytest.raises(ChatbotError, match="Go on with this one with train --extend"):
        trained(folder, steps=300)
    records, run = trained(folder, extending=True, steps=300)
    assert run.extension is not None
    assert run.extension.new > 0 == run.extension.gone
    said = [(one.kind, one.step) for one in records[:3]]
    assert said == [("start", 30), ("extend", 30), ("validation", 30)]
    assert records[1].note == f"extended: {run.extension}"
    assert read_position(saved(folder.checkpoints)[-1]).vocabulary == run.vocabulary.digest
    bot = Bot.load(folder.path)
    answers = [(question, bot.reply(question)) for question, _ in (*PAIRS, *MORE)]
    assert answers == [*PAIRS, *MORE]


def test_an_extended_run_that_is_stopped_is_the_one_that_was_not(enlarged, trained, monkeypatch):
    folders = [enlarged(), enlarged()]
    trained(folders[0], extending=True, steps=60)
    with monkeypatch.context() as cut:  # killed before the first checkpoint of the new corpus
        cut.setattr(Checkpoints, "save", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            trained(folders[1], extending=True, steps=60, stop_at=35)
    trained(folders[1], extending=True, steps=60, stop_at=47)  # nothing to extend any more
    _, run = trained(folders[1], extending=True, steps=60)
    assert run.extension is None
    histories = [timeless(read(one.history), "start", "checkpoint") for one in folders]
    assert histories[0] == histories[1]
    tensors = []
    for folder in folders:
        reader = tf.train.load_checkpoint(str(saved(folder.checkpoints)[-1]))
        names = sorted(n for n in reader.get_variable_to_shape_map() if "position" not in n)
        tensors.append([(name, reader.get_tensor(name)) for name in names])
    for (name, a), (other, b) in zip(*tensors, strict=True):
        assert name == other
        assert np.array_equal(a, b)


def test_the_same_words_in_other_pairs_are_not_taken_for_the_same_corpus(enlarged, trained):
    folder = enlarged([(question, PAIRS[n - 1][1]) for n, (question, _) in enumerate(PAIRS)])
    with pytest.raises(ChatbotError, match="another corpus than the one .* Go on .* --extend"):
        trained(folder, steps=60)
    _, run = trained(folder, extending=True, steps=60)
    assert run.extension == Extension(len(run.vocabulary), 0, 0)


def test_a_build_that_was_killed_as_it_put_its_files_into_place_can_be_done_again(
    enlarged, trained
):
    folder = enlarged()
    folder.vocabulary.unlink()  # what stood has been moved away, and went with the build's folder
    folder.store.unlink()
    again = enlarged.again(folder)
    _, run = trained(again, extending=True, steps=40)
    assert run.extension is not None


def test_a_run_of_a_version_that_did_not_record_the_store_goes_on(new_folder, trained, monkeypatch):
    folder = new_folder(PAIRS)
    monkeypatch.setattr(Header, "identity", "")
    trained(folder, steps=5, **SETTINGS)
    monkeypatch.undo()
    _, run = trained(folder, steps=9)
    assert run.position.store == run.store.header.identity
    assert read_position(saved(folder.checkpoints)[-1]).store == run.position.store


def test_what_cannot_be_extended_is_told(enlarged, new_folder, trained):
    folder = enlarged()
    for path in folder.earlier.iterdir():
        path.unlink()
    with pytest.raises(ChatbotError, match="trained with a vocabulary that is not in .*earlier"):
        trained(folder, extending=True, steps=60)
    with pytest.raises(ChatbotError, match="--extend: no run stands in"):
        trained(new_folder(PAIRS), extending=True, steps=60)
    with pytest.raises(ChatbotError, match="--rare unk: the model was trained on text cut with"):
        enlarged(rare="unk")


def test_restarting_forgets_earlier_vocabularies(enlarged, trained):
    folder = enlarged()
    assert folder.earlier.exists()
    trained(folder, restart=True, steps=3, **SETTINGS)
    assert not folder.earlier.exists()


@pytest.mark.parametrize("words", [200, 4_300, 4_700], ids=["one", "two", "three clusters"])
@pytest.mark.parametrize(
    "model",
    [
        ModelConfig(units=8, embedding=6, tied=True, cell="gru", layers=2, layer_norm=True),
        ModelConfig(units=8, embedding=8, tied=True, model_type="transformer", heads=2),
    ],
    ids=["tied gru", "tied transformer"],
)
def test_every_kind_of_network_is_carried_over(tmp_path, model, words):
    """Tied classes have nothing of their own that could go with a word but its embedding."""
    before = vocabulary([f"w{n}" for n in range(words)])
    now = vocabulary(["new", *(f"w{n}" for n in range(words))])
    old, _, new, said = carried(tmp_path, before, now, model)
    assert (said.kept, said.new) == (len(before), 1)
    for id, word in list(enumerate(now.words))[5:60]:
        embeddings = [one.net.embedding.numpy() for one in (old, new)]
        assert (embeddings[0][before.ids[word]] == embeddings[1][id]).all()
    for name, values in new.net.weights().items():
        if "output/" not in name and name != "embedding":
            assert (values == old.net.weights()[name]).all()
    slots = len(new.net.output.cutoffs) - 1
    assert new.net.output.weight is None or new.net.output.weight.shape[0] == slots
    if slots:
        assert (new.net.output.weight.numpy() == old.net.output.weight.numpy()).all()
