"""jieba in the graph against jieba, on what a corpus seldom has."""

import re

import numpy as np
import pytest
import tensorflow as tf

from chatbot.corpus.segmenter import BLOCK, JiebaSegmenter
from chatbot.graph.segmenting import GraphSegmenter

COMMON = (
    "的一是不了人我在有他这中大来上个国到说们为子和你地出道也时年得就那要下以生会自着去之过家学"
)
RARE = "张伟王芳李娜小明京沪穗囧瓩龘龥鿕鿖㐀𠀀豈aZ5T恤AA制。，"


@pytest.fixture(scope="module")
def both():
    """(line) -> its words by the segmenter, and by the graph."""
    segmenter = JiebaSegmenter()
    graph = GraphSegmenter(segmenter)
    flags = [tf.TensorSpec([None], tf.bool)] * 3
    ends = tf.function(graph.ends, [tf.TensorSpec([None], tf.string), *flags], autograph=False)

    def cut(line):
        inside = [re.match(BLOCK, one) is not None for one in line]
        over = [a != b for a, b in zip(inside, [*inside[1:], None], strict=True)]
        ascii = [one.isascii() and one.isalnum() for one in line]
        last = ends(tf.constant(list(line)), *map(tf.constant, (inside, over, ascii))).numpy()
        places = np.flatnonzero(last | ~np.array(inside)) + 1
        return segmenter(line), [line[a:b] for a, b in zip([0, *places], places, strict=False)]

    return cut


def test_words_of_the_dictionary_run_together_are_cut_as_jieba_cuts_them(both):
    known = [word for word in JiebaSegmenter().known().shares if re.fullmatch(f"{BLOCK}+", word)]
    words = known[::463]
    assert len(words) > 500
    for start in range(0, len(words), 5):
        one, other = both("".join(words[start : start + 5]))
        assert one == other


def test_characters_at_random_are_cut_as_jieba_cuts_them(both):
    generator = np.random.default_rng(2)
    for _ in range(400):
        rare = generator.random() < 0.5
        letters = list(COMMON + RARE if rare else COMMON)
        one, other = both("".join(generator.choice(letters, generator.integers(1, 25))))
        assert one == other
