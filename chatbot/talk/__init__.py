"""From weights to replies, and to numbers that tell how good the weights are."""

import chatbot.learn  # noqa: F401 - imports TensorFlow quietly, before any module here does
