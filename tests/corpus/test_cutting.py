"""Corpora in; chunks of provisional ids out."""

import os
import subprocess
import sys
from pathlib import Path

import chatbot
from chatbot.config import CorpusConfig
from chatbot.corpus.cutting import CHUNK, cut_in_order
from chatbot.corpus.pairs import find_corpora

CHAR = CorpusConfig(tokenizer="char")


def chunks_of(folder, config=CHAR):
    return list(cut_in_order(find_corpora([folder]), config))


def written(path, pairs):
    path.write_text("".join(f"{q}\t{r}\n" for q, r in pairs), encoding="utf-8")
    return pairs


def test_the_ids_of_a_chunk_stand_for_the_tokens_of_its_pairs(tmp_path):
    one = written(tmp_path / "a.tsv", [(f"问{i}", f"问{i}答") for i in range(CHUNK + 9)])
    two = written(tmp_path / "b.tsv", [("问", "答"), ("答", "答答"), ("答答", "问")])
    chunks = chunks_of(tmp_path)
    assert [len(chunk.rows) for chunk in chunks] == [CHUNK, 9, 3]
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


def test_equal_pairs_have_equal_hashes_and_different_places(tmp_path):
    written(tmp_path / "a.tsv", [("x", "y"), ("x", "yy"), ("x", "y"), ("y", "x")])
    written(tmp_path / "b.tsv", [("x", "y")])
    one, two = chunks_of(tmp_path)
    assert one.rows["pair"][0] == one.rows["pair"][2] == two.rows["pair"][0]
    assert len(set(one.rows["pair"].tolist())) == 3
    places = one.rows["order"].tolist() + two.rows["order"].tolist()
    assert len(set(places)) == 5


def test_a_hash_depends_on_where_the_question_ends(tmp_path):
    written(tmp_path / "a.tsv", [("ab", "c"), ("a", "bc")])
    (chunk,) = chunks_of(tmp_path)
    assert chunk.rows["pair"][0] != chunk.rows["pair"][1]


def test_hashes_depend_on_the_seed_and_not_on_the_tokenizer(tmp_path):
    written(tmp_path / "a.tsv", [("早上好", "你也早"), ("x", "y")])

    def hashes(config):
        (chunk,) = chunks_of(tmp_path, config)
        return chunk.rows["pair"].tolist() + chunk.rows["order"].tolist()

    assert hashes(CHAR) == hashes(CorpusConfig())
    assert not set(hashes(CHAR)) & set(hashes(CorpusConfig(seed=1)))


SCRIPT = """
import sys
from pathlib import Path
from chatbot.config import CorpusConfig
from chatbot.corpus.cutting import cut_in_order
from chatbot.corpus.pairs import find_corpora

if __name__ == "__main__":
    corpora = find_corpora([Path(sys.argv[1])])
    for chunk in cut_in_order(corpora, CorpusConfig(tokenizer="char"), workers=2):
        print(chunk.rows["file"][0], chunk.rows["line"][0], len(chunk.rows))
"""


def test_chunks_cut_in_other_processes_come_in_order(tmp_path):
    # In a process of its own: forking one that may have TensorFlow in it is asking for trouble.
    (tmp_path / "data").mkdir()
    for name, n in (("a.tsv", 6 * CHUNK + 1), ("b.tsv", 3), ("c.tsv", CHUNK + 2)):
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
    firsts = [(0, 1 + i * CHUNK, CHUNK) for i in range(6)] + [(0, 1 + 6 * CHUNK, 1)]
    firsts += [(1, 1, 3), (2, 1, CHUNK), (2, 1 + CHUNK, 2)]
    assert run.stdout == "".join(f"{file} {line} {n}\n" for file, line, n in firsts)
