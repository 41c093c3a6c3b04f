"""What several test files share: encoded pairs, model folders, and a bot trained once.

Nothing heavy is imported here: a test that needs no TensorFlow runs without it.
"""

import itertools
import os
import shutil
import signal

import hypothesis
import numpy as np
import pytest
from helpers import NETWORKS, REPLIES

from chatbot.config import CorpusConfig
from chatbot.corpus.building import Sources, build
from chatbot.corpus.encoded import EncodedPairs
from chatbot.corpus.pairs import find_corpora
from chatbot.folder import ModelFolder

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# A shell without job control has its background jobs ignore Ctrl-C; what is tested inherits that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

hypothesis.settings.register_profile("calm", deadline=None)  # time never decides a test
hypothesis.settings.load_profile("calm")

SMALL = {"units": 16, "embedding": 12}

KNOWN_BY_HEART = (
    ("你好", "你好呀，见到你真高兴！"),
    ("你叫什么名字", "我叫小石头。"),
    ("今天天气怎么样", "外面下着雨呢"),
    ("ni hao", "hello there"),
    ("晚安", "晚安，好梦"),
    ("1+1=?", "2"),
)

LONGEST = ("test_docs.py", "test_distributed.py")


def pytest_collection_modifyitems(items):
    """The longest tests come first, so that no process is left with one of them at the end."""
    items.sort(key=lambda item: item.path.name not in LONGEST)


@pytest.fixture(scope="session")
def encoded():
    """(list of (question ids, reply ids)) -> `EncodedPairs`, by a loop of its own."""

    def make(pairs):
        sides = list(itertools.chain.from_iterable(pairs))
        return EncodedPairs(
            np.array(list(itertools.chain.from_iterable(sides)), np.int32),
            np.array([0, *itertools.accumulate(map(len, sides))], np.int64),
            np.zeros((len(pairs), 4), np.int64),
        )

    return make


def invented_pairs(count, seed):
    """Pairs of invented words; the reply depends on the question, lengths differ."""
    generator = np.random.default_rng(seed)
    letters = "天地人你我他上下左右"
    pairs = []
    for number in range(count):
        size = 1 + int(generator.integers(6))
        question = "".join(letters[i] for i in generator.integers(len(letters), size=size))
        pairs.append((question + str(number), question[::-1] + "吗" * (number % 3)))
    return pairs


@pytest.fixture(scope="session")
def new_folder(tmp_path_factory):
    """(pairs, corpus settings) -> a fresh model folder with their vocabulary and store.

    What was built once is copied afterwards.
    """
    built = {}

    def make(pairs=None, **settings):
        pairs = tuple(invented_pairs(53, 1) if pairs is None else pairs)
        settings = {"tokenizer": "char", "min_freq": 1} | settings
        key = (pairs, tuple(sorted(settings.items())))
        if key not in built:
            path = tmp_path_factory.mktemp("built")
            corpus = path / "pairs.tsv"
            corpus.write_text("".join(f"{q}\t{r}\n" for q, r in pairs), encoding="utf-8")
            built[key] = path / "model"
            sources = Sources(find_corpora([corpus]), CorpusConfig(**settings))
            build(sources, ModelFolder(built[key]))
        path = tmp_path_factory.mktemp("folder") / "model"
        shutil.copytree(built[key], path)
        return ModelFolder(path)

    return make


@pytest.fixture(scope="session")
def trained():
    """(folder, training settings) -> the records of a run in it, and the run.

    A run that resumes is given nothing but what the caller gives.
    """

    def train(folder, *, model=None, restart=False, extending=False, stop_at=None, **settings):
        from chatbot.learn.preparing import prepare

        if restart or not folder.trained:
            model = model or SMALL
            settings = {"precision": "float32", "save_every": "1000"} | settings
        run = prepare(
            folder,
            model or {},
            settings,
            restart=restart,
            extending=extending,
            stop=lambda: "asked to" if run.position.step == stop_at else None,
        )
        return list(run.records()), run

    return train


@pytest.fixture(scope="session")
def by_heart(new_folder, trained):
    """A folder whose bot has learnt `KNOWN_BY_HEART`; its pairs, and the records of the run.

    No end is given, so the run ends when it knows its pairs.
    """
    folder = new_folder(KNOWN_BY_HEART)
    records, _ = trained(
        folder,
        model={"units": 32, "embedding": 24},
        batch=6,
        validate_every=10,
        learning_rate=0.02,
        warmup=5,
    )
    return folder, KNOWN_BY_HEART, records


@pytest.fixture(scope="session")
def bot(by_heart):
    """The bot of `by_heart`, loaded once; greedy replies leave it as it is."""
    from chatbot.talk.bot import Bot

    return Bot.load(by_heart[0].path)


@pytest.fixture(params=NETWORKS.values(), ids=NETWORKS)
def net(request, encoded):
    """A network whose weights are larger than drawn, so that everything counts."""
    from chatbot.config import ModelConfig
    from chatbot.learn import networks
    from chatbot.learn.ngrams import Ngrams

    size, settings = request.param
    config = ModelConfig(**{"units": 8, "embedding": 8, "ngrams": 0, **settings})
    net = networks.network(size, config, seed=1)
    generator = np.random.default_rng(40)
    for variable in net.trainable_variables:
        variable.assign_add(generator.normal(0, 0.4, variable.shape))
    if config.ngrams:
        parts = [encoded([([4], reply) for reply in REPLIES])]
        net.mixture.counts.ngrams = Ngrams.count(parts, config.ngrams, size)
    return net
