"""A bot in one file: what goes in comes out, and nothing else is taken for one."""

import zipfile

import numpy as np
import pytest

from chatbot.errors import ChatbotError
from chatbot.talk import stored
from chatbot.talk.bot import Bot


@pytest.fixture(scope="module")
def packed(bot, tmp_path_factory):
    """The file of a bot, and the same with a byte for each weight."""
    folder = tmp_path_factory.mktemp("packed")
    files = folder / "bot.chatbot", folder / "small.chatbot"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stored, "_SMALLEST", 100)
        for file, int8 in zip(files, (False, True), strict=True):
            stored.write(
                file,
                stored.read(bot.checkpoint),
                stored.files(bot.folder, bot.vocabulary),
                int8=int8,
            )
    return files


def test_every_weight_and_count_comes_back_as_it_was(bot, packed):
    one, other = stored.read(bot.checkpoint), stored.read(packed[0])
    assert one.position == other.position
    assert one.counts == other.counts
    assert one.weights.keys() == other.weights.keys()
    for name, values in one.weights.items():
        assert (values == other.weights[name]).all()
        assert values.dtype == other.weights[name].dtype


def test_its_replies_are_those_of_the_folder(bot, by_heart, packed):
    questions = [question for question, _ in by_heart[1]]
    for file in packed:
        assert Bot.load(file).replies(questions) == bot.replies(questions)


def test_bytes_are_the_weights_to_half_a_step(bot, packed):
    one, other = stored.read(bot.checkpoint), stored.read(packed[1])
    rounded = 0
    for name, values in one.weights.items():
        if values.ndim != 2 or values.size < 100:
            assert (values == other.weights[name]).all()
            continue
        rounded += 1
        axis = 1 if len(values) >= values.shape[1] else 0
        steps = np.abs(values).max(axis, keepdims=True) / 127
        assert (np.abs(values - other.weights[name]) <= 0.5001 * steps).all()
        assert (values != other.weights[name]).any()
    assert rounded > 5
    assert packed[1].stat().st_size < 0.45 * packed[0].stat().st_size


def test_the_same_bot_gives_the_same_bytes(bot, packed, tmp_path):
    stored.write(
        tmp_path / "again", stored.read(bot.checkpoint), stored.files(bot.folder, bot.vocabulary)
    )
    assert (tmp_path / "again").read_bytes() == packed[0].read_bytes()


def test_it_has_no_checkpoints_to_choose_from(packed):
    with pytest.raises(ChatbotError, match="--checkpoint best: .* holds one bot only"):
        Bot.load(packed[0], "best")


@pytest.mark.parametrize("place", [0.02, 0.3, 0.5, 0.8, 0.97])
def test_a_changed_byte_is_noticed(packed, tmp_path, place):
    data = bytearray(packed[0].read_bytes())
    with zipfile.ZipFile(packed[0]) as archive:
        members = [one for one in archive.infolist() if one.file_size > 200]
    member = members[int(place * len(members))]
    at = member.header_offset + 30 + len(member.filename) + member.compress_size // 2
    data[at] ^= 0x10
    (tmp_path / "damaged").write_bytes(data)
    with pytest.raises(ChatbotError, match="damaged: cannot be read as a bot in one file"):
        Bot.load(tmp_path / "damaged")


def test_no_byte_of_the_table_of_contents_can_change_unnoticed(packed, tmp_path):
    """Each is turned over; either that is told, or all that is read is as it was."""
    data, one = packed[0].read_bytes(), stored.read(packed[0])
    with zipfile.ZipFile(packed[0]) as archive:
        first = archive.start_dir
    path, told = tmp_path / "damaged", 0
    for at in range(first, len(data), 3):
        path.write_bytes(data[:at] + bytes([data[at] ^ (1 << at % 8)]) + data[at + 1 :])
        try:
            other = stored.read(path)
        except ChatbotError:
            told += 1
            continue
        assert (one.position, one.counts) == (other.position, other.counts)
        assert one.weights.keys() == other.weights.keys()
        assert all((values == other.weights[name]).all() for name, values in one.weights.items())
    assert told > 100


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.999])
def test_a_file_cut_short_is_told(packed, tmp_path, share):
    data = packed[0].read_bytes()
    (tmp_path / "cut").write_bytes(data[: int(share * len(data))])
    with pytest.raises(ChatbotError, match="cut: cannot be read as a bot in one file"):
        Bot.load(tmp_path / "cut")


def test_other_files_are_no_bots(tmp_path):
    (tmp_path / "talk.tsv").write_text("你好\t你好\n", encoding="utf-8")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("talk.tsv", "a\tb\n")
    for name in ("talk.tsv", "other.zip"):
        with pytest.raises(ChatbotError, match=f"{name}: cannot be read as a bot in one file"):
            Bot.load(tmp_path / name)


def test_a_file_of_another_format_is_told(packed, tmp_path):
    with zipfile.ZipFile(packed[0]) as old, zipfile.ZipFile(tmp_path / "new", "w") as new:
        for member in old.namelist():
            data = old.read(member)
            new.writestr(member, data.replace(b'"chatbot": 1', b'"chatbot": 9'))
    with pytest.raises(ChatbotError, match="new: format 9, this version reads 1. Export it anew"):
        Bot.load(tmp_path / "new")
