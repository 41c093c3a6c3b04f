"""Threads and number formats."""

import subprocess
import sys

import pytest
import tensorflow as tf

from chatbot import machine
from chatbot.learn.engine import product_type


@pytest.fixture
def processor(tmp_path, monkeypatch):
    """(text) -> the processor says this of itself, and there is no GPU."""
    path = tmp_path / "cpuinfo"
    monkeypatch.setattr(machine, "_CPU_INFO", path)
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind=None: [])

    return lambda text: path.write_text(text)


@pytest.mark.parametrize("flags", ["flags: sse avx512_bf16 avx", "flags: amx_bf16"])
def test_a_processor_that_multiplies_bfloat16_is_used_for_it(processor, flags):
    processor(flags)
    assert product_type("auto") == tf.bfloat16


def test_another_processor_multiplies_float32(processor):
    processor("flags: sse avx512f avx512_vnni")
    assert product_type("auto") == tf.float32


def test_a_system_that_does_not_say_multiplies_float32(processor):
    assert product_type("auto") == tf.float32


def test_what_is_asked_for_is_taken_whatever_the_processor(processor):
    processor("flags: amx_bf16")
    assert product_type("float32") == tf.float32
    processor("flags:")
    assert product_type("bfloat16") == tf.bfloat16


def test_a_resumed_run_keeps_to_its_threads(new_folder, trained):
    """In a process of its own: TensorFlow takes the number before its first operation only."""
    script = (
        "import sys; from pathlib import Path\n"
        "from chatbot.folder import ModelFolder\n"
        "from chatbot.learn.preparing import prepare\n"
        "run = prepare(ModelFolder(Path(sys.argv[1])), {}, {'threads': 1, 'steps': 3})\n"
        "list(run.records())\n"
        "import tensorflow as tf\n"
        "t = tf.config.threading\n"
        "print(run.position.step, t.get_intra_op_parallelism_threads(),\n"
        "      t.get_inter_op_parallelism_threads())\n"
    )
    folder = new_folder([("你", "我"), ("他", "她们")])
    trained(folder, steps=1)
    command = [sys.executable, "-c", script, str(folder.path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (done.stdout.split(), done.stderr) == (["3", "1", "1"], "")
