"""A token store in several files, as its user meets it."""

import json

import pytest

from chatbot.corpus.store import TokenStore
from tests.cli.test_build_vocab import SAME

FEW = ("--batch", "4", "--units", "8", "--embedding", "8", "--quiet")
SHARDS = ["00000", "00001", "00002"]


def losses_in(path):
    records = [json.loads(line) for line in path.read_text().splitlines()]
    return [record["loss"] for record in records if "loss" in record]


def shards_in(folder):
    return sorted(path.name for path in (folder / "model" / "pairs.store").iterdir())


def pairs_in(path):
    with TokenStore(path) as store:
        found = store.read([(0, store.header.pairs)])
        return (
            store.header._replace(checksums={}),
            *(getattr(found, name).tolist() for name in ("tokens", "bounds", "sources")),
        )


@pytest.fixture
def sharded(built, main):
    """A model folder whose store is in three files, and beside it the same in one."""
    assert main(*SAME, "--model", "one", cwd=built).code == 0
    assert main(*SAME, "--shards", "3", cwd=built).code == 0
    return built


def test_the_pairs_are_those_of_one_file(sharded):
    assert shards_in(sharded) == SHARDS
    assert pairs_in(sharded / "model" / "pairs.store") == pairs_in(sharded / "one" / "pairs.store")


def test_all_commands_take_it(sharded, main):
    for model in ("model", "one"):
        assert main("train", "--model", model, "--steps", "2", *FEW, cwd=sharded).code == 0
    one, some = (losses_in(sharded / model / "history.jsonl") for model in ("one", "model"))
    assert one == some != []
    assert json.loads(main("info", "--json", cwd=sharded).out)["pairs"] == 23
    assert main("evaluate", cwd=sharded).code == 0


def test_other_shards_leave_a_trained_model_alone(trained, main, files_in):
    before = files_in(trained)
    for more, single in ((("--shards", "3"), False), ((), True)):
        assert main(*SAME, *more, cwd=trained).code == 0
        assert (trained / "model" / "pairs.store").is_file() == single
        if not single:
            assert shards_in(trained) == SHARDS
            assert (trained / "model" / "checkpoints").is_dir()
    assert files_in(trained) == before


def test_a_damaged_store_is_built_anew_under_a_trained_model(trained, main, files_in):
    before = files_in(trained)
    path = trained / "model" / "pairs.store"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    assert "damaged: its tokens" in main("train", "--steps", "1", cwd=trained).err
    assert main(*SAME, cwd=trained).code == 0
    assert files_in(trained) == before


def test_files_are_added_to_and_merged_into_shards(tmp_path, main):
    for name in "ab":
        (tmp_path / f"{name}.tsv").write_text(
            "".join(f"{name}{i}\t{name}{i * i}\n" for i in range(30)), "utf-8"
        )
        part = ("build-vocab", "--tokenizer", "char", "--part", f"{name}.tsv")
        assert main(*part, "--model", f"part-{name}", cwd=tmp_path).code == 0
    char = ("build-vocab", "--tokenizer", "char")
    assert main(*char, "a.tsv", "b.tsv", "--model", "one", cwd=tmp_path).code == 0
    assert main(*char, "a.tsv", "--shards", "2", "--model", "added", cwd=tmp_path).code == 0
    add = ("build-vocab", "--add", "b.tsv", "--shards", "4", "--model", "added")
    assert main(*add, cwd=tmp_path).code == 0
    merge = ("merge", "part-a", "part-b", "--shards", "5", "--model", "merged")
    assert main(*merge, cwd=tmp_path).code == 0
    one = pairs_in(tmp_path / "one" / "pairs.store")
    for model, count in (("added", 4), ("merged", 5)):
        path = tmp_path / model / "pairs.store"
        assert len(list(path.iterdir())) == count
        assert pairs_in(path) == one


@pytest.mark.parametrize("shards", ["0", "101", "many"])
def test_a_number_of_shards_out_of_range_is_wrong_usage(built, main, shards):
    done = main(*SAME, "--shards", shards, cwd=built)
    assert done.code == 2
    assert "--shards" in done.err


def test_parts_have_no_shards(built, main):
    done = main(*SAME, "--part", "--shards", "2", cwd=built)
    assert done.code == 2
    assert "--part: goes with no other option" in done.err


# A store that is not in the model folder.


def test_a_store_elsewhere_is_trained_on_and_resumed(sharded, main):
    here, far = sharded / "model" / "pairs.store", sharded / "far.store"
    for steps in "24":
        assert main("train", "--model", "one", "--steps", steps, *FEW, cwd=sharded).code == 0
    here.rename(far)
    for steps, name in (("2", str(far)), ("4", f"file://{far}")):
        done = main("train", "--store", name, "--steps", steps, *FEW, cwd=sharded)
        assert (done.code, done.out) == (0, "")
    one, elsewhere = (sharded / model / "history.jsonl" for model in ("one", "model"))
    assert losses_in(elsewhere) == losses_in(one) != []
    assert main("chat", cwd=sharded, stdin="你好\n".encode()).code == 0


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("file://{}/none", "file://{}/none: no token store yet. Copy one there."),
        ("nowhere://a/b", "File system scheme 'nowhere' not implemented"),
        ("{}/data", "/data: cannot be read ("),
        ("{}/other/pairs.store", "/other/pairs.store: belongs to another vocabulary than"),
    ],
)
def test_a_store_elsewhere_that_cannot_be_used_is_refused(sharded, main, name, said):
    other = ("build-vocab", "--min-freq", "1", "--holdout", "4", "--seed", "2")
    (sharded / "other.tsv").write_text("a b\tc d\n" * 9 + "e\tf\n" * 9, "utf-8")
    assert main(*other, "other.tsv", "--model", "other", cwd=sharded).code == 0
    done = main("train", "--store", name.format(sharded), "--steps", "1", *FEW, cwd=sharded)
    assert (done.code, done.out) == (1, "")
    assert said.format(sharded) in done.err.splitlines()[-1]
