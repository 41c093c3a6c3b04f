"""Event files: their bytes, and what the real TensorBoard reads in them."""

import struct

import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing import event_accumulator
from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator
from tensorboard.util.tensor_util import make_ndarray

from chatbot.talk.events import EventFile, number, picture, text


def crc32c(data):
    """The cyclic redundancy check of iSCSI (RFC 3720, appendix B.4), bit by bit."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked(data):
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17 & 0xFFFFFFFF) + 0xA282EAD8) & 0xFFFFFFFF


def messages(path):
    """The messages of a file, cut by hand."""
    data, found = path.read_bytes(), []
    while data:
        length, check = struct.unpack("<QI", data[:12])
        message = data[12 : 12 + length]
        assert check == masked(data[:8])
        assert struct.unpack("<I", data[12 + length : 16 + length]) == (masked(message),)
        found.append(message)
        data = data[16 + length :]
    return found


def ours(folder):
    return sorted(folder.glob("*.chatbot"))


def read(folder):
    """What TensorBoard itself holds of a folder, with nothing sampled."""
    return EventAccumulator(str(folder), {"tensors": 0}).Reload()


def points(found, tag):
    return [(one.step, make_ndarray(one.tensor_proto)[()]) for one in found.Tensors(tag)]


def test_the_check_is_that_of_the_standard():
    assert crc32c(b"123456789") == 0xE3069283


def test_a_file_is_these_bytes(tmp_path):
    file = EventFile(tmp_path, 9)
    file.write(300, [number("a/b", -2.5)])
    file.close()
    version, start, value = messages(file.path)
    assert version[9:] == b"\x1a\rbrain.Event:2"
    assert start[9:] == b"\x10\x09" + b"\x3a\x02\x08\x01"
    assert value[9:] == b"\x10\xac\x02" + b"\x2a\x0c\x0a\x0a" + b"\x0a\x03a/b" + b"\x15\0\0\x20\xc0"
    seconds = [struct.unpack("<d", one[1:9])[0] for one in (version, start, value)]
    assert {one[0] for one in (version, start, value)} == {9}
    assert seconds == sorted(seconds)
    assert seconds[0] == pytest.approx(file.path.stat().st_mtime, abs=60)


def test_tensorboard_reads_what_was_written(tmp_path):
    pixels = np.random.default_rng(5).integers(0, 256, (7, 11, 3), np.uint8)
    file = EventFile(tmp_path, 0)
    file.write(3, [number("loss", 0.25), text("said", "**好**"), picture("seen", pixels)])
    file.write(5, [number("loss", float("nan"))])
    found = read(tmp_path)
    ((step, value), (last, nan)) = points(found, "loss")
    assert (step, value, last) == (3, 0.25, 5)
    assert nan != nan
    (said,) = found.Tensors("said")
    assert (said.step, said.tensor_proto.string_val) == (3, ["**好**".encode()])
    assert not said.tensor_proto.tensor_shape.dim
    ((step, (width, height, data)),) = points(found, "seen")
    assert (step, int(width), int(height)) == (3, 11, 7)
    assert (tf.io.decode_png(data).numpy() == pixels).all()
    plugins = {"loss": "scalars", "said": "text", "seen": "images"}
    for tag, plugin in plugins.items():
        assert found.SummaryMetadata(tag).plugin_data.plugin_name == plugin


def test_programs_that_read_event_files_find_plain_numbers_and_pictures(tmp_path):
    """By the accumulator that is told of everywhere, which is not the one of TensorBoard itself."""
    file = EventFile(tmp_path, 0)
    file.write(3, [number("loss", 0.25), picture("seen", np.zeros((7, 11, 3), np.uint8))])
    found = event_accumulator.EventAccumulator(str(tmp_path)).Reload()
    assert [(one.step, one.value) for one in found.Scalars("loss")] == [(3, 0.25)]
    assert [(one.step, one.height, one.width) for one in found.Images("seen")] == [(3, 7, 11)]


def test_a_new_file_takes_back_what_earlier_ones_said_from_its_step_on(tmp_path):
    for first in (1, 4):
        file = EventFile(tmp_path, first)
        for step in (first, first + 1, first + 2):
            file.write(step, [number("loss", step), text("said", str(step))])
        file.write(first + 2, [text("late", "x")])
    found = read(tmp_path)
    assert [step for step, _ in points(found, "loss")] == [1, 2, 3, 4, 5, 6]
    EventFile(tmp_path, 3).write(5, [number("loss", 7)])
    found = read(tmp_path)
    assert points(found, "loss") == [(1, 1), (2, 2), (5, 7)]
    assert points(found, "said") == [(1, b"1"), (2, b"2")]
    assert "late" not in found.Tags()["tensors"]


def test_who_looks_on_sees_it_taken_back(tmp_path):
    """TensorBoard that has read the earlier file, and then finds the new ones."""
    file = EventFile(tmp_path, 0)
    for step in (1, 2, 3):
        file.write(step, [number("loss", step), text("said", str(step))])
    found = read(tmp_path)
    EventFile(tmp_path, 2).write(2, [number("loss", 7)])
    found.Reload()
    assert points(found, "loss") == [(1, 1), (2, 7)]
    assert points(found, "said") == [(1, b"1")]


def test_what_is_taken_back_is_removed_and_nothing_else(tmp_path):
    """So that it is gone for programs too that know nothing of taking back."""
    (tmp_path / "notes.txt").write_text("mine")
    foreign = tmp_path / "events.out.tfevents.1700000000.host"
    with tf.io.TFRecordWriter(str(foreign)) as other:
        other.write(tf.compat.v1.Event(step=8, file_version="brain.Event:2").SerializeToString())
    before = foreign.read_bytes()
    for first in (1, 4):
        file = EventFile(tmp_path, first)
        for step in (first, first + 1, first + 2):
            file.write(step, [number("loss", step)])
    said = [one for path in ours(tmp_path) for one in messages(path)[2:]]
    last = EventFile(tmp_path, 5)
    *kept, new = ours(tmp_path)
    assert (len(kept), new) == (1, last.path)
    _, start, *rest = messages(kept[0])
    assert start[9:] == b"\x3a\x02\x08\x01"
    assert rest == said[:4]
    assert foreign.read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} - {kept[0].name, new.name} == {
        "notes.txt",
        foreign.name,
    }


def test_where_nothing_is_taken_back_the_files_stay_as_they_are(tmp_path):
    file = EventFile(tmp_path, 0)
    file.write(3, [number("loss", 1)])
    before = file.path.read_bytes()
    EventFile(tmp_path, 4)
    assert file.path.read_bytes() == before
    assert len(ours(tmp_path)) == 2
    EventFile(tmp_path, 3)
    assert [len(messages(path)) for path in ours(tmp_path)] == [2, 2]


def test_files_are_read_in_the_order_in_which_they_were_begun(tmp_path):
    for step in range(12):
        EventFile(tmp_path, step).write(step, [number("loss", step)])
    assert [step for step, _ in points(read(tmp_path), "loss")] == list(range(12))
    assert len(list(tmp_path.iterdir())) == 12


def test_a_file_comes_after_one_from_a_clock_that_was_ahead(tmp_path):
    (tmp_path / "events.out.tfevents.4000000000.host.17").touch()
    (tmp_path / "notes.txt").touch()
    assert EventFile(tmp_path, 0).path.name == "events.out.tfevents.4000000001.chatbot"


@pytest.mark.parametrize("left", [1, 13, 40, -2])
def test_what_a_torn_file_has_is_read_and_then_the_next(tmp_path, left):
    file = EventFile(tmp_path, 0)
    file.write(1, [number("loss", 1)])
    whole = file.path.stat().st_size
    file.write(2, [number("loss", 2)])
    file.close()
    end = left if left < 0 else whole + left
    file.path.write_bytes(file.path.read_bytes()[:end])
    EventFile(tmp_path, 2).write(3, [number("loss", 3)])
    assert points(read(tmp_path), "loss") == [(1, 1), (3, 3)]
    EventFile(tmp_path, 3).write(4, [number("loss", 4)])
    assert points(read(tmp_path), "loss") == [(1, 1), (4, 4)]


@pytest.mark.parametrize("size", [1 << 40, (1 << 64) - 1])
def test_a_length_that_is_longer_than_the_file_ends_it(tmp_path, size):
    file = EventFile(tmp_path, 0)
    file.write(1, [number("loss", 1)])
    file.close()
    with file.path.open("ab") as more:
        more.write(struct.pack("<QI", size, 0) + bytes(9))
    EventFile(tmp_path, 1).write(3, [number("loss", 3)])
    assert points(read(tmp_path), "loss") == [(3, 3)]


def test_a_file_that_is_no_event_file_inside_is_passed_over(tmp_path):
    path = tmp_path / "events.out.tfevents.1700000000.chatbot"
    path.write_bytes(struct.pack("<QI", 3, 0) + b"\xff\xff\xff" + bytes(4) + b"more")
    EventFile(tmp_path, 0).write(1, [number("loss", 1)])
    assert len(ours(tmp_path)) == 2


def test_every_message_is_on_file_at_once(tmp_path):
    file = EventFile(tmp_path, 0)
    for step in range(5):
        file.write(step, [number("loss", step)])
        assert len(messages(file.path)) == step + 3
