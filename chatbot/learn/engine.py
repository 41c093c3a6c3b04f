"""What TensorFlow computes on: threads and number formats.

Comes in: settings. Goes out: TensorFlow configured, and the type for matrix products. Knows nothing
of the model.
"""

from __future__ import annotations

from pathlib import Path

import tensorflow as tf

_CPU_INFO = Path("/proc/cpuinfo")


def use_threads(threads: int) -> None:
    """Limits TensorFlow to some processor threads; 0 leaves it all. Before its first operation."""
    if threads and tf.config.threading.get_intra_op_parallelism_threads() != threads:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)


def product_type(precision: str) -> tf.DType:
    """The type that matrix products are computed in, for a `TrainingConfig.precision`."""
    if precision == "auto":
        precision = "bfloat16" if _has_bfloat16() else "float32"
    return tf.as_dtype(precision)


def _has_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 matrices itself; emulation would be slower."""
    if tf.config.list_physical_devices("GPU"):
        return True
    try:
        text = _CPU_INFO.read_text()
    except OSError:
        return False
    return "avx512_bf16" in text or "amx_bf16" in text
