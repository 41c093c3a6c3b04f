"""What stands where in a model folder."""

import pytest

from chatbot.folder import ModelFolder, put_in_place


def test_the_names_of_the_files_are_these(tmp_path):
    folder = ModelFolder(tmp_path)
    paths = (folder.vocabulary, folder.store, folder.checkpoints, folder.best, folder.history)
    assert [str(path.relative_to(tmp_path)) for path in paths] == [
        "vocabulary.txt",
        "pairs.store",
        "checkpoints",
        "best",
        "history.jsonl",
    ]


def test_asking_for_paths_makes_nothing(tmp_path):
    folder = ModelFolder(tmp_path / "model")
    assert not folder.trained
    folder.forget_training()
    assert not folder.path.exists()


@pytest.mark.parametrize("where", ["checkpoints", "best"])
def test_a_folder_is_trained_while_a_checkpoint_stands_in_it(tmp_path, where):
    folder = ModelFolder(tmp_path)
    (tmp_path / where).mkdir()
    (tmp_path / where / "step-3.data").write_bytes(b"half a checkpoint")
    assert not folder.trained
    (tmp_path / where / "step-3.index").write_bytes(b"")
    assert folder.trained


def test_forgetting_the_training_keeps_vocabulary_and_store(tmp_path):
    folder = ModelFolder(tmp_path)
    for kept in (folder.vocabulary, folder.store, folder.history):
        kept.write_text(kept.name, encoding="utf-8")
    for gone in (folder.checkpoints, folder.best):
        gone.mkdir()
        (gone / "step-3.index").write_bytes(b"")
    folder.forget_training()
    assert not folder.trained
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pairs.store", "vocabulary.txt"]


def test_a_file_put_in_place_replaces_what_stood_there(tmp_path):
    temporary, final = tmp_path / "new", tmp_path / "old"
    final.write_bytes(b"old and long")
    temporary.write_bytes(b"new")
    put_in_place(temporary, final)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("old", b"new")]


def test_a_file_that_does_not_exist_replaces_nothing(tmp_path):
    final = tmp_path / "old"
    final.write_bytes(b"old")
    with pytest.raises(FileNotFoundError):
        put_in_place(tmp_path / "new", final)
    assert final.read_bytes() == b"old"
