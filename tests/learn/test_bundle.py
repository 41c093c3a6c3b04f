"""What TensorFlow has saved, as TensorFlow itself reads it, and as it is when bytes are changed."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from chatbot.learn.bundle import DATA, INDEX, Bundle, DamagedError

NUMBERS = {
    "floats": np.linspace(-3, 3, 77, dtype=np.float32).reshape(7, 11),
    "doubles": np.array([1e300, -0.0]),
    "one": np.float32(2.5),
    "none": np.zeros((0, 4), np.float32),
    "ints": np.array([[-1, 2**31 - 1]], np.int32),
    "longs": np.array([2**40, -(2**40)]),
}
TEXTS = {"empty": b"", "short": "你好".encode(), "long": bytes(range(256)) * 300}


@pytest.fixture
def path(tmp_path):
    """A checkpoint with many names, so that its index has several blocks."""
    many = {f"many/{n:04}": tf.Variable(np.float32(n)) for n in range(2_000)}
    variables = {name: tf.Variable(value) for name, value in {**NUMBERS, **TEXTS}.items()}
    tree = tf.train.Checkpoint(many=many, **variables)
    return tmp_path / tree.write(str(tmp_path / "step-7"))


def suffixed(name):
    return f"{name}/.ATTRIBUTES/VARIABLE_VALUE"


def test_every_tensor_is_what_tensorflow_reads(path):
    bundle, reader = Bundle(path), tf.train.load_checkpoint(str(path))
    assert sorted(bundle.names) == sorted(reader.get_variable_to_shape_map())
    assert len(bundle.names) > 2_000
    for name in bundle.names:
        if name == "_CHECKPOINTABLE_OBJECT_GRAPH" or name in map(suffixed, TEXTS):
            assert bundle.text(name) == reader.get_tensor(name)
        else:
            found, expected = bundle.array(name), reader.get_tensor(name)
            assert (found.dtype, found.shape) == (expected.dtype, np.shape(expected))
            assert found.tobytes() == np.asarray(expected).tobytes()
    bundle.check()


def test_variables_are_found_by_their_paths_below_an_object(tmp_path):
    shared = tf.Variable([1.0, 2.0])
    deep = tf.Module()
    deep.inner, deep.list = tf.Module(), [tf.Variable(3.0), shared]
    deep.inner.one = shared
    short = tf.Module()
    short.it = shared
    path = tf.train.Checkpoint(deep=deep, short=short).write(str(tmp_path / "step-1"))
    bundle = Bundle(Path(path))
    found = {name: bundle.array(key).tolist() for name, key in bundle.variables("deep").items()}
    assert found == {"inner/one": [1.0, 2.0], "list/0": 3.0, "list/1": [1.0, 2.0]}
    assert bundle.variables("short") == {"it": bundle.variables("deep")["list/1"]}
    with pytest.raises(DamagedError, match="^no other in its graph of objects$"):
        bundle.variables("other")
    data = tmp_path / f"step-1{DATA}"
    data.write_bytes(data.read_bytes().replace(b"inner", b"outer"))
    with pytest.raises(DamagedError, match="GRAPH: not the bytes that were written, by their"):
        bundle.variables("deep")


@pytest.mark.parametrize("suffix", [DATA, INDEX])
def test_whatever_byte_is_changed_is_noticed(path, suffix):
    file = path.with_name(path.name + suffix)
    whole = file.read_bytes()
    generator = np.random.default_rng(1)
    places = {0, len(whole) - 1, len(whole) - 20, *generator.integers(0, len(whole), 120).tolist()}
    unnoticed = []
    for place in places:
        file.write_bytes(
            whole[:place] + bytes([whole[place] ^ 1 << place % 8]) + whole[place + 1 :]
        )
        try:
            Bundle(path).check()
            unnoticed.append(place)
        except DamagedError:
            pass
    footer = range(len(whole) - 48, len(whole) - 8)  # what fills it up has no meaning
    assert [place for place in unnoticed if suffix == DATA or place not in footer] == []


@pytest.mark.parametrize("suffix", [DATA, INDEX])
def test_whatever_is_cut_off_is_noticed(path, suffix):
    file = path.with_name(path.name + suffix)
    whole = file.read_bytes()
    for length in (0, 1, 47, 48, len(whole) // 2, len(whole) - 1):
        file.write_bytes(whole[:length])
        with pytest.raises(DamagedError):
            Bundle(path).check()


def test_a_tensor_that_is_not_there_is_named(path):
    with pytest.raises(DamagedError, match="no nothing in it"):
        Bundle(path).array("nothing")
    assert "nothing" not in Bundle(path)
    assert suffixed("floats") in Bundle(path)


def test_a_length_that_makes_no_sense_is_damage(path):
    name = suffixed("short")
    entry = Bundle(path)._entries[name]
    file = path.with_name(path.name + DATA)
    whole = bytearray(file.read_bytes())
    for wrong in (b"\xff" * 5, b"\xff" * entry.size):
        whole[entry.offset : entry.offset + len(wrong)] = wrong
        file.write_bytes(whole)
        with pytest.raises(DamagedError, match="not the bytes that were written"):
            Bundle(path).text(name)
