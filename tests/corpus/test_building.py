"""Corpora in; a vocabulary and a store in the model folder out."""

import errno
import gzip
import hashlib
import itertools
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import chatbot
from chatbot.config import SMALL_CORPUS, CorpusConfig
from chatbot.corpus.building import Sources, build
from chatbot.corpus.doctor.census import LENGTH_BINS
from chatbot.corpus.pairs import find_corpora
from chatbot.corpus.store import TokenStore
from chatbot.corpus.tokenizer import make_tokenizer
from chatbot.corpus.vocabulary import EOS, GO, PAD, UNK, Vocabulary
from chatbot.errors import ChatbotError
from chatbot.folder import ModelFolder

CHAR = CorpusConfig(tokenizer="char", min_freq=1)
MIXED = [
    ("明天 ok 吗", "ok, 明天见"),
    ("你会下棋吗", "会,  不过常输"),
    ("what's up", "nothing much, you?"),
    ("a.b 是什么", "一个 file.name"),
    ("明天去哪", "去北京大学看 3.14 展览"),
    ("你会下棋吗", "不会"),
    ("黄鼬", "黄鼬是一种小兽"),
]


def numbered(n):
    """`n` different pairs."""
    return [(f"第{i}题", f"答{i * 7}") for i in range(n)]


def written(path, pairs):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{q}\t{r}\n" for q, r in pairs), encoding="utf-8")
    return path


def built(tmp_path, pairs, config=CHAR, name="talk.tsv", **more):
    """Builds from one file of pairs; gives the model folder and the report."""
    folder = ModelFolder(tmp_path / "model")
    corpora = find_corpora([written(tmp_path / name, pairs)])
    flags = {flag: more.pop(flag) for flag in ("add", "keep", "restart") if flag in more}
    return folder, build(Sources(corpora, config, **more), folder, **flags)


def content(folder):
    """Every pair of a store as (question, reply, file, line), in store order, and the header."""
    vocabulary = Vocabulary.load(folder.vocabulary)
    tokenizer = make_tokenizer(vocabulary.config.tokenizer)
    with TokenStore(folder.store) as store:
        pairs = store.read([(0, store.header.pairs)])
        found = []
        for i, (file, line, _, _) in enumerate(pairs.sources.tolist()):
            a, b, c = pairs.bounds[2 * i : 2 * i + 3]
            sides = (pairs.tokens[a:b].tolist(), pairs.tokens[b:c].tolist())
            found.append((*(vocabulary.decode(side, tokenizer) for side in sides), file, line))
        return found, store.header


def sums(folder):
    return [
        hashlib.sha256(path.read_bytes()).hexdigest() for path in (folder.vocabulary, folder.store)
    ]


def refusal(*args, **more):
    with pytest.raises(ChatbotError) as caught:
        built(*args, **more)
    return str(caught.value)


# What is in the store.


@pytest.mark.parametrize("tokenizer", ["char", "jieba"])
@pytest.mark.parametrize("least", [1, 2])
def test_every_pair_is_given_back_with_its_line(tmp_path, tokenizer, least):
    # Every pair stands there `least` times, so that no character is too rare.
    pairs = MIXED * least
    config = CorpusConfig(tokenizer=tokenizer, min_freq=least)
    folder, _ = built(tmp_path, pairs, config)
    expected = [
        (" ".join(q.split()), " ".join(r.split()), 0, i) for i, (q, r) in enumerate(pairs, 1)
    ]
    assert sorted(content(folder)[0]) == sorted(expected)


def test_a_rare_word_is_spelled_in_characters_and_given_back(tmp_path):
    pairs = [("明天见", "好"), ("今天好", "见面"), ("明日", "今日"), ("面子", "子面")]
    folder, report = built(tmp_path, pairs, CorpusConfig(min_freq=2))
    assert report.covered < report.survey.words
    assert report.unknown == 0
    assert not {"明天", "今天", "见面"} & set(report.vocabulary.words)
    assert {(q, r) for q, r, _, _ in content(folder)[0]} == set(pairs)


def odd(n):
    """`n` pairs, two characters of which no other pair has, one in a word with another one."""
    return [(f"问{chr(0x4E80 + i)}", f"x{chr(0x20000 + i)}y, z{i}!") for i in range(n)]


@pytest.mark.parametrize("tokenizer", ["char", "jieba"])
def test_a_small_corpus_has_no_unknown_token_at_the_defaults(tmp_path, tokenizer):
    pairs = odd(50) + numbered(SMALL_CORPUS - 51)
    folder, report = built(tmp_path, pairs, CorpusConfig(tokenizer))
    assert report.unknown == report.vocabulary.counts[UNK] == 0
    assert {(q, r) for q, r, _, _ in content(folder)[0]} == set(pairs)


@pytest.mark.parametrize("tokenizer", ["char", "jieba"])
def test_a_corpus_that_is_not_small_is_cut_at_two_at_the_defaults(tmp_path, tokenizer):
    pairs = odd(50) + numbered(SMALL_CORPUS - 50)
    folder, report = built(tmp_path, pairs, CorpusConfig(tokenizer))
    assert report.unknown == report.vocabulary.counts[UNK] == 2 * 50
    with TokenStore(folder.store) as store:
        assert int(store.read([(0, SMALL_CORPUS)]).sources[:, 3].sum()) == 50
    seen = Counter("".join(q + r for q, r in pairs)) if tokenizer == "char" else {}
    assert all(seen[word] >= 2 for word in report.vocabulary.words[4:] if seen)
    explicit, _ = built(tmp_path / "other", pairs, CorpusConfig(tokenizer, min_freq=2))
    assert explicit.store.read_bytes()[-9999:] == folder.store.read_bytes()[-9999:]


def test_with_rare_unk_a_rare_word_is_one_unknown_and_its_characters_are_lost(tmp_path):
    pairs = [("好 好", "好 extraordinary"), ("好", "rare 好 rarer")]
    folder, report = built(tmp_path, pairs, CorpusConfig(min_freq=2, rare="unk"))
    with TokenStore(folder.store) as store:
        found = store.read([(0, 2)])
    lost = {line: (characters, gone) for _, line, characters, gone in found.sources.tolist()}
    assert lost == {1: (15, 13), 2: (12, 9)}
    assert report.unknown == 3 == np.count_nonzero(found.tokens == UNK)
    assert report.vocabulary.counts[UNK] == 3


def test_lost_characters_are_counted_one_by_one_where_words_are_spelled(tmp_path):
    pairs = [("天天天", "地x天"), ("天", "天y地")]
    folder, _ = built(tmp_path, pairs, CorpusConfig(tokenizer="char", min_freq=2))
    with TokenStore(folder.store) as store:
        sources = store.read([(0, 2)]).sources.tolist()
    assert sorted(sources) == [[0, 1, 3, 1], [0, 2, 3, 1]]


def test_the_counts_are_those_of_the_encoded_corpus(tmp_path):
    for config in (CorpusConfig(), CorpusConfig(max_size=12), CorpusConfig(rare="unk")):
        folder, report = built(tmp_path, MIXED, config)
        with TokenStore(folder.store) as store:
            tokens = store.read([(0, len(MIXED))]).tokens.tolist()
        counts = Counter(tokens) + Counter({EOS: len(MIXED)})
        vocabulary = Vocabulary.load(folder.vocabulary)
        assert vocabulary == report.vocabulary
        assert list(vocabulary.counts) == [counts[id] for id in range(len(vocabulary))]
        assert not {PAD, GO, EOS} & set(tokens)
        assert report.unknown == counts[UNK]


def test_the_largest_size_is_kept_to_with_characters_too(tmp_path):
    pairs = [(f"词{chr(0x4E00 + i)}{chr(0x5E00 + i)}", chr(0x6E00 + i) * 2) for i in range(300)]
    for tokenizer, most in (("jieba", 8), ("jieba", 99), ("char", 50)):
        config = CorpusConfig(tokenizer=tokenizer, min_freq=1, max_size=most)
        folder, report = built(tmp_path, pairs, config)
        assert len(report.vocabulary) == most
        with TokenStore(folder.store) as store:
            assert int(store.read([(0, 300)]).tokens.max()) < most


def test_more_than_65536_entries_take_four_bytes_an_id(tmp_path):
    letters = [chr(i) for i in itertools.chain(range(0x4E00, 0x9FA5), range(0x20000, 0x2A6D0))]
    letters += [chr(i) for i in range(0x3400, 0x4DB0)]
    pairs = [("".join(letters[i : i + 99]), "问") for i in range(0, len(letters), 99)]
    config = CorpusConfig(tokenizer="char", min_freq=1, max_size=100_000)
    folder, report = built(tmp_path, pairs, config)
    assert len(report.vocabulary) == len(letters) + 4 > 1 << 16
    assert report.header.width == 4
    assert {(q, r) for q, r, _, _ in content(folder)[0]} == set(pairs)


def test_the_order_is_that_of_no_file_and_a_seed_changes_it(tmp_path):
    pairs = numbered(1500)
    orders = []
    for seed in range(3):
        folder, _ = built(tmp_path, pairs, CorpusConfig(tokenizer="char", seed=seed))
        orders.append([line for *_, line in content(folder)[0]])
        assert sorted(orders[-1]) == list(range(1, 1501))
    for one, other in itertools.combinations([sorted(orders[0]), *orders], 2):
        assert abs(np.corrcoef(one, other)[0, 1]) < 0.13  # five standard deviations


def test_the_header_says_what_was_read(tmp_path):
    written(tmp_path / "data" / "b.tsv", [*MIXED, ("x", "y\tz"), (" ", "y")])
    (tmp_path / "data" / "a.conv").write_text("E\nM 早\nM 你早\nM 吃过没\n", encoding="utf-8")
    folder = ModelFolder(tmp_path / "model")
    report = build(Sources(find_corpora([tmp_path / "data"]), CHAR), folder)
    found, header = content(folder)
    assert header._replace(checksums={}) == report.header
    assert (header.pairs, header.held_out, header.train) == (9, 0, 9)
    assert header.vocabulary == Vocabulary.load(folder.vocabulary).digest
    assert header.settings == CHAR.as_dict()
    described = {"encoding": "utf-8", "dropped": {}}
    assert header.files == [
        {"name": "a.conv", "format": "conv", "pairs": 2, "skipped": {}} | described,
        {
            "name": "b.tsv",
            "format": "tab",
            "pairs": 7,
            "skipped": {"wrong number of fields": 1, "empty question": 1},
        }
        | described,
    ]
    assert {(q, r, line) for q, r, file, line in found if file == 0} == {
        ("早", "你早", 3),
        ("你早", "吃过没", 4),
    }
    assert str(tmp_path).encode() not in folder.store.read_bytes()


def test_the_report_counts_words(tmp_path):
    _, report = built(tmp_path, [("天天天", "地"), ("天", "人地")], CorpusConfig("char", 2))
    assert (report.survey.words, report.survey.distinct_words, report.covered, report.unknown) == (
        7,
        3,
        6,
        1,
    )


def test_the_histograms_count_training_pairs_by_tokens_with_eos_on_replies(tmp_path):
    pairs = [("问" * (i % 5 + 1) + str(i), "答" * (i % 3 + 1)) for i in range(60)]
    pairs += [("长" * 1500, "答" * 1022), ("长" * 1024, "答" * 1023), ("长" * 1023, "x" * 1500)]
    folder, _ = built(tmp_path, pairs, CorpusConfig("char", 1, holdout=20))
    found, header = content(folder)
    expected = [[0] * LENGTH_BINS, [0] * LENGTH_BINS]
    for question, reply, _, _ in found[: header.train]:
        expected[0][min(len(question), 1024)] += 1
        expected[1][min(len(reply) + 1, 1024)] += 1
    assert header.train == 43
    assert header.lengths == expected


def test_progress_is_told_up_to_the_last_pair(tmp_path):
    told = []
    built(tmp_path, numbered(9000), progress=told.append)
    size = (tmp_path / "talk.tsv").stat().st_size
    reading = [(one.pairs, one.done, one.total) for one in told if one.stage == "reading"]
    assert [pairs for pairs, _, _ in reading] == [4096, 8192, 9000]
    assert reading[-1][1:] == (size, size)
    writing = [(one.done, one.total) for one in told if one.stage == "writing"]
    assert writing[-1] == (9000, 9000)
    assert writing == sorted(writing)


# The same bytes.


def test_two_runs_give_the_same_bytes_wherever_the_files_stand(tmp_path):
    one, _ = built(tmp_path / "one", MIXED, CorpusConfig())
    other, _ = built(tmp_path / "an" / "other", MIXED, CorpusConfig())
    assert sums(one) == sums(other)
    changed, _ = built(tmp_path / "third", MIXED, CorpusConfig(seed=1))
    assert sums(changed)[1] != sums(one)[1]


def test_the_corpus_digest_is_that_of_the_pairs_and_their_seed(tmp_path):
    def digest(pairs, config, where):
        return built(tmp_path / where, pairs, config)[1].header.corpus

    one = digest(MIXED, CHAR, "a")
    assert one == digest(MIXED, CorpusConfig("jieba", 2), "b")
    assert one != digest(MIXED[:-1], CHAR, "c")
    assert one != digest(MIXED, CorpusConfig("char", 1, seed=2), "d")


SCRIPT = """
import sys
from pathlib import Path
from chatbot.config import CorpusConfig
from chatbot.corpus.building import Sources, build
from chatbot.corpus.pairs import find_corpora
from chatbot.folder import ModelFolder

if __name__ == "__main__":
    corpora = find_corpora([Path(sys.argv[1])])
    for workers in (1, 2, 3):
        model = ModelFolder(Path(sys.argv[2]) / str(workers))
        build(Sources(corpora, CorpusConfig(max_size=500), workers=workers), model)
"""


def test_the_number_of_workers_does_not_change_a_byte(tmp_path):
    # In a process of its own: forking one that may have TensorFlow in it is asking for trouble.
    for name, n in (("a.tsv", 9000), ("b.tsv", 4096), ("c.tsv", 5)):
        written(tmp_path / "data" / name, numbered(n))
    (tmp_path / "script.py").write_text(SCRIPT, encoding="utf-8")
    root = str(Path(chatbot.__file__).parents[1])
    path = os.pathsep.join([root, os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    command = [sys.executable, tmp_path / "script.py", tmp_path / "data", tmp_path / "models"]
    subprocess.run(command, check=True, env=os.environ | {"PYTHONPATH": path}, timeout=60)
    one, two, three = (sums(ModelFolder(tmp_path / "models" / n)) for n in "123")
    assert one == two == three


FEW = """
import resource

resource.setrlimit(resource.RLIMIT_NOFILE, (48, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
"""


def test_few_files_are_open_at_once(tmp_path):
    written(tmp_path / "data" / "a.tsv", numbered(9000))
    (tmp_path / "script.py").write_text(FEW + SCRIPT, encoding="utf-8")
    command = [sys.executable, tmp_path / "script.py", tmp_path / "data", tmp_path / "models"]
    root = str(Path(chatbot.__file__).parents[1])
    subprocess.run(command, check=True, env=os.environ | {"PYTHONPATH": root}, timeout=60)
    assert sums(ModelFolder(tmp_path / "models" / "3"))


# The holdout.


@pytest.mark.parametrize(
    ("pairs", "holdout", "least", "most"),
    [
        (4999, None, 0, 0),
        (5000, None, 20, 90),  # 50 expected
        (700, 0, 0, 0),
        (700, 0.25, 120, 230),  # 175 expected
        (700, 37, 37, 37),
        (700, 1, 1, 1),
        (700, 699, 699, 699),
    ],
)
def test_the_holdout_is_a_share_a_number_or_the_default(tmp_path, pairs, holdout, least, most):
    config = CorpusConfig("char", holdout=holdout)
    _, report = built(tmp_path, numbered(pairs), config)
    assert least <= report.header.held_out <= most


def test_a_holdout_of_all_pairs_is_refused(tmp_path):
    for holdout in (50, 51, 1000):
        assert refusal(tmp_path, numbered(50), CorpusConfig("char", holdout=holdout)) == (
            "--holdout: holds out all 50 pairs. Leave some to train on."
        )


def test_equal_pairs_are_never_on_both_sides_of_the_holdout(tmp_path):
    pairs = numbered(150) * 2 + numbered(100) + [("你好", "你好")] * 40
    for seed, holdout in enumerate((0.3, 77, 0.5, 200)):
        folder, _ = built(tmp_path, pairs, CorpusConfig("char", 1, holdout=holdout, seed=seed))
        found, header = content(folder)
        train = {pair[:2] for pair in found[: header.train]}
        held = {pair[:2] for pair in found[header.train :]}
        assert train
        assert held
        assert not train & held


def sides_of_talks(folder):
    """For every conversation of `TALKS`, whether some pairs are held out and some are not."""
    found, header = content(folder)
    sides = {}
    for place, (question, *_) in enumerate(found):
        if question:  # else an opening
            sides.setdefault(question.partition("话")[0], set()).add(place >= header.train)
    return list(sides.values())


TALKS = [[f"{i}话{j}句" for j in range(size)] for i, size in enumerate([2, 3, 5, 8, 13] * 30)]


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("form", ["a pair a line", "a talk a line"])
def test_pairs_are_held_out_with_their_conversation(tmp_path, form, reverse):
    if form == "a pair a line":
        lines = ["\t".join(pair) for turns in TALKS for pair in itertools.pairwise(turns)]
        path = tmp_path / "talk.tsv"
    else:
        lines = [json.dumps(turns) for turns in TALKS]
        path = tmp_path / "talk.jsonl"
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    folder = ModelFolder(tmp_path / "model")
    config = CorpusConfig("char", 1, holdout=90, reverse=reverse)
    header = build(Sources(find_corpora([path]), config), folder).header
    sides = sides_of_talks(folder)
    assert (len(sides), header.held_out) == (len(TALKS), 90)
    assert [len(both) for both in sides].count(2) <= 1  # the last one is cut to make it 90


def test_a_repeated_conversation_is_held_out_twice_or_not_at_all(tmp_path):
    pairs = [pair for turns in TALKS * 2 for pair in itertools.pairwise(turns)]
    folder, report = built(tmp_path, pairs, CorpusConfig("char", 1, holdout=0.2))
    sides = sides_of_talks(folder)
    assert 0.1 * len(pairs) < report.header.held_out < 0.4 * len(pairs)
    assert all(len(both) == 1 for both in sides)


def build_talks(tmp_path, **settings):
    lines = ["\t".join(pair) for turns in TALKS for pair in itertools.pairwise(turns)]
    path = tmp_path / "talk.tsv"
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    folder = ModelFolder(tmp_path / "model")
    build(Sources(find_corpora([path]), CorpusConfig("char", 1, **settings)), folder)
    return folder, len(lines)


@pytest.mark.parametrize("context", [0, 2])
def test_what_opens_a_conversation_is_said_to_no_question_unless_it_is_held_out(tmp_path, context):
    folder, count = build_talks(tmp_path, holdout=90, openings=True, context=context)
    found, header = content(folder)
    alone = [pair for pair in found if not pair[0]]
    held = {question for question, *_ in found[header.train :]}
    kept = [turns[0] for turns in TALKS if turns[0] not in held]
    assert sorted(reply for _, reply, *_ in alone) == sorted(kept)
    assert (header.openings, header.pairs, header.held_out) == (len(kept), count + len(kept), 90)
    assert header.tokens == sum(len(question) + len(reply) for question, reply, *_ in found)
    lines = {turns[0]: line for turns, line in zip(TALKS, first_lines(TALKS), strict=True)}
    assert all(line == lines[reply] for _, reply, _, line in alone)
    with TokenStore(folder.store) as store:
        pairs = store.read([(0, header.train)])
    opening = pairs.question_lengths == 0
    assert opening[: len(opening) // 2].any()  # they stand among the others
    assert opening[len(opening) // 2 :].any()
    lengths = pairs.reply_lengths[opening]
    np.testing.assert_array_equal(pairs.sources[opening, 2:], np.stack([lengths, 0 * lengths], 1))
    counted = np.bincount(np.minimum(np.maximum(pairs.question_lengths, 1), LENGTH_BINS - 1))
    assert header.lengths[0][: len(counted)] == counted.tolist()
    counted = np.bincount(np.minimum(pairs.reply_lengths + 1, LENGTH_BINS - 1))
    assert header.lengths[1][: len(counted)] == counted.tolist()


def first_lines(talks):
    """The line of the first pair of each, a pair a line."""
    return [1, *(1 + n for n in itertools.accumulate(len(turns) - 1 for turns in talks))][:-1]


@pytest.mark.parametrize(
    ("settings", "learned"),
    [
        ({}, False),  # nothing is held out of so few
        ({"holdout": 20}, True),
        ({"holdout": 20, "openings": False}, False),
        ({"holdout": 0}, False),
        ({"openings": True}, False),
        ({"openings": True, "holdout": 20, "reverse": True}, False),
    ],
)
def test_openings_are_learned_by_default_where_some_pairs_are_held_out(tmp_path, settings, learned):
    folder, _ = build_talks(tmp_path, **settings)
    assert bool(content(folder)[1].openings) == learned


def test_where_every_question_opens_a_conversation_none_is_learned_unasked(tmp_path):
    _, report = built(tmp_path, numbered(700), CorpusConfig("char", 1, holdout=20))
    assert report.header.openings == 0
    _, report = built(tmp_path, numbered(700), CorpusConfig("char", 1, holdout=20, openings=True))
    assert report.header.openings == 680


def test_openings_go_into_shards_and_the_number_of_workers_changes_nothing(tmp_path):
    folder, _ = build_talks(tmp_path, holdout=90, openings=True)
    (path,) = tmp_path.glob("*.tsv")
    found = [content(folder)]
    for number, more in enumerate(({"shards": 3}, {"workers": 2})):
        other = ModelFolder(tmp_path / str(number))
        config = CorpusConfig("char", 1, holdout=90, openings=True)
        build(Sources(find_corpora([path]), config, **more), other)
        found.append(content(other))
    assert found[0][0] == found[1][0] == found[2][0]
    assert {header.openings for _, header in found} == {found[0][1].openings}


def test_other_openings_are_another_corpus_to_train_on(tmp_path):
    identities = set()
    for name, openings in (("a", True), ("b", False)):
        (tmp_path / name).mkdir()
        folder, _ = build_talks(tmp_path / name, holdout=20, openings=openings)
        identities.add(content(folder)[1].identity)
    assert len(identities) == 2


def test_identical_pairs_are_all_trained_on(tmp_path):
    _, report = built(tmp_path, [("你好", "你好吗")] * 6000, CorpusConfig("char", 1))
    assert report.header.held_out == 0


def test_a_pair_held_out_by_share_stays_so_when_the_corpus_grows(tmp_path):
    def held(pairs, where):
        folder, _ = built(tmp_path / where, pairs, CorpusConfig("char", 1, holdout=0.2))
        found, header = content(folder)
        return {pair[:2] for pair in found[header.train :]}

    small, large = held(numbered(200), "a"), held(numbered(500), "b")
    assert small == large & set(numbered(200))


def test_training_pairs_and_held_out_pairs_are_drawn_alike(tmp_path):
    folder, _ = built(tmp_path, numbered(4000), CorpusConfig("char", 1, holdout=0.5))
    found, header = content(folder)
    lines = np.array([line for *_, line in found[header.train :]])
    assert abs(lines.mean() - 2000) < 5 * 4000 / (12 * len(lines)) ** 0.5


# The folder.


def files_in(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_nothing_else_is_left_in_the_folder(tmp_path):
    folder, _ = built(tmp_path, MIXED)
    names = {path.name for path in folder.path.iterdir()}
    assert names == {"pairs.store", "vocabulary.txt", "segmented"}
    assert len(list(folder.segmented.iterdir())) == 64 + 2
    built(tmp_path, MIXED, keep=False)
    assert sorted(files_in(folder.path)) == ["pairs.store", "vocabulary.txt"]


def test_a_failing_build_leaves_what_stood_there(tmp_path):
    folder, _ = built(tmp_path, MIXED)
    before = files_in(folder.path)
    packed = gzip.compress("".join(f"{q}\t{r}\n" for q, r in numbered(5000)).encode())
    (tmp_path / "cut.tsv.gz").write_bytes(packed[:-9])
    with pytest.raises(ChatbotError, match="cannot be read"):
        build(Sources(find_corpora([tmp_path / "cut.tsv.gz"]), CHAR), folder)
    assert "--holdout" in refusal(tmp_path, numbered(3), CorpusConfig("char", holdout=9))
    assert files_in(folder.path) == before


def test_a_disk_that_is_full_while_the_corpus_is_copied_is_told_in_one_line(tmp_path, monkeypatch):
    folder, _ = built(tmp_path, MIXED)
    before = files_in(folder.path)

    def full(*paths):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", full)
    monkeypatch.setattr(shutil, "copy2", full)
    assert refusal(tmp_path, numbered(3), name="more.tsv", add=True) == (
        f"{folder.path}: cannot be written (No space left on device). Make room, or choose another "
        "folder with --model; what stood there before is untouched."
    )
    assert files_in(folder.path) == before


def test_an_untrained_folder_is_built_anew_without_asking(tmp_path):
    folder, _ = built(tmp_path, MIXED)
    before = sums(folder)
    built(tmp_path, numbered(20))
    assert sums(folder) != before


def trained(folder):
    folder.checkpoints.mkdir()
    (folder.checkpoints / "step-5.index").write_bytes(b"weights")
    folder.history.write_text("{}\n", encoding="utf-8")
    return files_in(folder.path)


def test_a_trained_model_keeps_its_corpus_and_vocabulary(tmp_path):
    folder, _ = built(tmp_path, MIXED)
    before = trained(folder)
    built(tmp_path, MIXED)
    assert files_in(folder.path) == before
    for pairs, config in ((MIXED[1:], CHAR), (MIXED, CorpusConfig("char", 1, seed=4))):
        assert refusal(tmp_path, pairs, config) == (
            f"{folder.path}: a model was trained here on another corpus or with other settings. "
            "Choose another folder with --model, keep it with --extend to train it further on "
            "this corpus, or give it up with --restart."
        )
        assert files_in(folder.path) == before


def test_restart_gives_a_trained_model_up_only_where_something_differs(tmp_path):
    folder, _ = built(tmp_path, MIXED)
    before = trained(folder)
    built(tmp_path, MIXED, restart=True)
    assert files_in(folder.path) == before
    built(tmp_path, MIXED[1:], restart=True, keep=False)
    assert sorted(files_in(folder.path)) == ["pairs.store", "vocabulary.txt"]


@pytest.mark.parametrize(("below", "fault"), [("", "File exists"), ("/model", "Not a directory")])
def test_a_folder_that_cannot_be_made_is_refused(tmp_path, below, fault):
    (tmp_path / "file").write_bytes(b"mine")
    folder = ModelFolder(Path(f"{tmp_path}/file{below}"))
    corpora = find_corpora([written(tmp_path / "talk.tsv", MIXED)])
    with pytest.raises(ChatbotError) as caught:
        build(Sources(corpora, CHAR), folder)
    assert str(caught.value) == (
        f"{folder.path}: {fault}. Mend this and run the same again, or choose another folder with "
        "--model; what stood there before is untouched."
    )
    assert (tmp_path / "file").read_bytes() == b"mine"
