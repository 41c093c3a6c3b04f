"""From text to batches: corpora, tokens, ids, the token store and the order of the pairs.

Comes in: files of conversations. Goes out: padded arrays of ids. NumPy and jieba, never TensorFlow.
"""
