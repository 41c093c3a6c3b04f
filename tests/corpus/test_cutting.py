"""Corpora in; chunks of provisional ids out."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

import chatbot
from chatbot.config import CleaningConfig, CorpusConfig
from chatbot.corpus.cutting import CHUNK, cut_in_order
from chatbot.corpus.doctor.census import LENGTH_BINS
from chatbot.corpus.pairs import find_corpora
from chatbot.corpus.spill import pair_hashes

CHAR = CorpusConfig(tokenizer="char")
HALF = CHUNK // 2
"""Pairs of two turns in a chunk."""


def chunks_of(folder, config=CHAR):
    return list(cut_in_order(find_corpora([folder]), config, CleaningConfig()))


def written(path, pairs):
    path.write_text("".join(f"{q}\t{r}\n" for q, r in pairs), encoding="utf-8")
    return pairs


def test_the_ids_of_a_chunk_stand_for_the_tokens_of_its_pairs(tmp_path):
    one = written(tmp_path / "a.tsv", [(f"问{i}", f"问{i}答") for i in range(HALF + 9)])
    two = written(tmp_path / "b.tsv", [("问吗", "答"), ("答", "答答"), ("答答", "问")])
    chunks = chunks_of(tmp_path)
    assert [len(chunk.rows) for chunk in chunks] == [HALF, 9, 3]
    found = []
    for chunk in chunks:
        assert len(set(chunk.words)) == len(chunk.words)
        at = 0
        for row in chunk.rows:
            sides = []
            for side in ("question", "reply"):
                ids = chunk.ids[at : at + row[side]]
                sides.append("".join(chunk.words[id] for id in ids))
                at += int(row[side])
            found.append((*sides, int(row["file"]), int(row["line"]), int(row["characters"])))
        assert at == len(chunk.ids)
    expected = [
        (q, r, file, line, len(r))
        for file, pairs in enumerate((one, two))
        for line, (q, r) in enumerate(pairs, 1)
    ]
    assert found == expected


def test_equal_pairs_have_equal_hashes(tmp_path):
    written(tmp_path / "a.tsv", [("x", "y"), ("x", "yy"), ("x", "y"), ("y", "x"), ("y", "y")])
    written(tmp_path / "b.tsv", [("x", "y")])
    one, two = chunks_of(tmp_path)
    hashes = pair_hashes(one.rows).tolist()
    assert hashes[0] == hashes[2] == pair_hashes(two.rows)[0]
    assert len(set(hashes)) == 4
    assert one.rows["asked"][3] == one.rows["said"][0] == one.rows["said"][4]
    assert one.rows["asked"][0] == one.rows["said"][3]


def test_a_hash_depends_on_where_the_question_ends(tmp_path):
    written(tmp_path / "a.tsv", [("ab", "c"), ("a", "bc")])
    (chunk,) = chunks_of(tmp_path)
    assert len(set(pair_hashes(chunk.rows).tolist())) == 2


def test_hashes_depend_on_the_seed_and_not_on_the_tokenizer(tmp_path):
    written(tmp_path / "a.tsv", [("早上好", "你也早"), ("x", "y")])

    def hashes(config):
        (chunk,) = chunks_of(tmp_path, config)
        return pair_hashes(chunk.rows).tolist()

    assert hashes(CHAR) == hashes(CorpusConfig())
    assert not set(hashes(CHAR)) & set(hashes(CorpusConfig(seed=1)))


SCRIPT = """
import sys
from pathlib import Path
from chatbot.config import CleaningConfig, CorpusConfig
from chatbot.corpus.cutting import cut_in_order
from chatbot.corpus.pairs import find_corpora

if __name__ == "__main__":
    corpora = find_corpora([Path(sys.argv[1])])
    for chunk in cut_in_order(
        corpora, CorpusConfig(tokenizer="char"), CleaningConfig(), workers=2
    ):
        print(chunk.rows["file"][0], chunk.rows["line"][0], len(chunk.rows))
"""


def test_chunks_cut_in_other_processes_come_in_order(tmp_path):
    # In a process of its own: forking one that may have TensorFlow in it is asking for trouble.
    (tmp_path / "data").mkdir()
    for name, n in (("a.tsv", 6 * HALF + 1), ("b.tsv", 3), ("c.tsv", HALF + 2)):
        written(tmp_path / "data" / name, [("x", "y")] * n)
    (tmp_path / "script.py").write_text(SCRIPT, encoding="utf-8")
    root = str(Path(chatbot.__file__).parents[1])
    path = os.pathsep.join([root, os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    run = subprocess.run(
        [sys.executable, tmp_path / "script.py", tmp_path / "data"],
        check=True,
        env=os.environ | {"PYTHONPATH": path},
        stdout=subprocess.PIPE,
        text=True,
        timeout=60,
    )
    firsts = [(0, 1 + i * HALF, HALF) for i in range(6)] + [(0, 1 + 6 * HALF, 1)]
    firsts += [(1, 1, 3), (2, 1, HALF), (2, 1 + HALF, 2)]
    assert run.stdout == "".join(f"{file} {line} {n}\n" for file, line, n in firsts)


TALK = [["早", "你早", "", "吃过没", "没有", "好"], ["a b", "c"]]


def conversations(path):
    path.write_text("".join("E\n" + "".join(f"M {t}\n" for t in one) for one in TALK), "utf-8")


def test_earlier_turns_stand_before_the_question_with_a_separator_after_each(tmp_path):
    conversations(tmp_path / "a.conv")
    config = CorpusConfig(tokenizer="char", context=2)
    (chunk,) = chunks_of(tmp_path, config)
    sides, at = [], 0
    for row in chunk.rows:
        for side in ("question", "reply"):
            ids = chunk.ids[at : at + row[side]].tolist()
            sides.append("|".join(chunk.words[id] for id in ids))
            at += int(row[side])
    assert list(zip(sides[::2], sides[1::2], strict=True)) == [
        ("早", "你|早"),
        ("你|早|<sep>|吃|过|没", "没|有"),
        ("吃|过|没|<sep>|没|有", "好"),
        ("a| |b", "c"),
    ]
    assert chunk.skipped == {"empty question": 1, "empty reply": 1}
    assert chunk.first == [("早", "你早"), ("你早\n吃过没", "没有"), ("吃过没\n没有", "好")]


def test_the_hash_of_a_question_depends_on_its_earlier_turns(tmp_path):
    turns = ["a", "x", "y", "b", "x", "y", "c", "x", "y"]
    (tmp_path / "a.conv").write_text("E\n" + "".join(f"M {t}\n" for t in turns), "utf-8")
    asked = {}
    for context in (0, 1):
        (chunk,) = chunks_of(tmp_path, CorpusConfig(tokenizer="char", context=context))
        asked[context] = chunk.rows["asked"].tolist()
    assert len({asked[0][i] for i in (1, 4, 7)}) == 1
    assert len({asked[1][i] for i in (1, 4, 7)}) == 3


def run_script(tmp_path, script):
    """What a script leaves that cuts a.tsv with two workers; a process of its own, see above."""
    written(tmp_path / "a.tsv", [("x", "y")] * 30 * HALF)
    (tmp_path / "script.py").write_text(script, encoding="utf-8")
    root = str(Path(chatbot.__file__).parents[1])
    path = os.pathsep.join([root, os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    return subprocess.run(
        [sys.executable, tmp_path / "script.py", tmp_path / "a.tsv"],
        check=False,
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_killed_worker_is_told_in_one_line(tmp_path):
    kill = (
        "        import multiprocessing, os, signal\n"
        "        for one in multiprocessing.active_children():\n"
        "            os.kill(one.pid, signal.SIGKILL)\n"
        "        print("
    )
    run = run_script(tmp_path, SCRIPT.replace("        print(", kill))
    assert run.stderr.splitlines()[-1] == (
        "chatbot.errors.ChatbotError: --workers: a process that cuts text was killed, perhaps for "
        "want of memory. Use fewer with --workers."
    )


def test_a_worker_that_fails_keeps_its_traceback(tmp_path):
    fault = (
        "from chatbot.corpus import cutting\n"
        "real = cutting.Census.of\n"
        "cutting.Census.of = lambda *texts: real(*texts) if len(texts[0]) != 4096 else 1 / 0\n"
        "if __name__"
    )
    run = run_script(tmp_path, SCRIPT.replace("if __name__", fault))
    assert "ZeroDivisionError: division by zero" in run.stderr.splitlines()
    assert run.stderr.splitlines()[-1] == (
        "RuntimeError: a process that cuts text failed, as it has said above"
    )


def test_workers_end_without_a_word_when_their_parent_is_killed(tmp_path):
    kill = "        import os, signal\n        os.kill(os.getpid(), signal.SIGKILL)\n        print("
    run = run_script(tmp_path, SCRIPT.replace("        print(", kill))
    assert (run.returncode, run.stdout, run.stderr) == (-9, "", "")


def test_questions_are_as_long_in_characters_as_in_tokens(tmp_path):
    (tmp_path / "a.conv").write_text("E\nM 早上好\nM 你\n\nM 好呀\nM 再见吧\nM 走\n", "utf-8")
    for context in (0, 1, 3):
        (chunk,) = chunks_of(tmp_path, CorpusConfig(tokenizer="char", context=context))
        for side, name in enumerate(("question", "reply")):
            counted = np.bincount(chunk.rows[name], minlength=LENGTH_BINS)
            np.testing.assert_array_equal(chunk.census.characters[side], counted)


def test_pairs_turned_round_are_the_same_the_other_way(tmp_path):
    conversation = ["一", "二二", "三", "四四四", "五"]
    (tmp_path / "a.conv").write_text("E\n" + "".join(f"M {one}\n" for one in conversation), "utf-8")
    found = {}
    for reverse in (False, True):
        (chunk,) = chunks_of(tmp_path, CorpusConfig(tokenizer="char", reverse=reverse))
        text, pairs = [chunk.words[id] for id in chunk.ids], []
        for row in chunk.rows:
            asked, said = text[: row["question"]], text[row["question"] :][: row["reply"]]
            text = text[row["question"] + row["reply"] :]
            pairs.append(("".join(asked), "".join(said), int(row["line"])))
            assert row["characters"] == len(said)
        assert text == []
        assert chunk.first == [pair[:2] for pair in pairs][:3]
        found[reverse] = pairs
    assert len(found[False]) >= 2
    assert [(said, asked, line) for asked, said, line in found[True]] == found[False]
