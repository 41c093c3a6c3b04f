"""What followed runs of words against a dictionary."""

from collections import Counter, defaultdict

import numpy as np
import pytest

from chatbot.learn.followers import Tree
from chatbot.learn.ngrams import Ngrams

GO, EOS = 1, 2


def replies(random, size, count):
    """Replies as text has them: few words are frequent."""
    lengths = random.integers(0, 9, count)
    return [(np.minimum(random.zipf(1.4, n), size - 4) + 3).tolist() for n in lengths]


def counted(said, order):
    """By every context of up to `order` - 1 entries, what followed it and how often."""
    grams = Counter()
    for reply in said:
        tokens = [GO] * (order - 1) + reply + [EOS]
        grams.update(tuple(tokens[i : i + order]) for i in range(len(reply) + 1))
    found = defaultdict(dict)
    for _ in range(order):
        for gram, count in grams.items():
            found[gram[:-1]][gram[-1]] = count
        grams = Counter(gram[1:] for gram in grams)  # a lower order counts contexts
    return found


@pytest.mark.parametrize(("order", "size"), [(2, 40), (3, 300), (4, 1000), (3, 70_000)])
def test_every_context_has_its_followers_and_no_other_has_any(encoded, order, size):
    random = np.random.default_rng(order)
    said = replies(random, size, 300)
    ngrams = Ngrams.count([encoded([([4], reply) for reply in said])], order, size)
    tree, expected = Tree(ngrams.levels(), size), counted(said, order)
    longest = [context for context in expected if len(context) == order - 1]
    strange = [tuple(row) for row in random.integers(0, size, (200, order - 1)).tolist()]
    assert (GO,) * (order - 1) in longest
    for context in [*longest, *strange]:
        found = [without_go(followers) for followers in tree.after(context)]
        known = []
        for length in range(1, order):
            if context[len(context) - length :] not in expected:
                break
            known.append(expected[context[len(context) - length :]])
        assert found == known
    assert without_go(tree.first()) == expected[()]


def without_go(followers):
    """The counts by entries; the row of GO, which has none, is no entry."""
    counts = dict(zip(followers.entries.tolist(), followers.counts.tolist(), strict=True))
    assert counts.pop(GO, 0) == 0
    return counts


def test_no_reply_at_all_has_no_followers(encoded):
    tree = Tree(Ngrams.count([encoded([])], 3, 50).levels(), 50)
    assert not [*tree.after([GO, GO])]
    assert not len(tree.first().entries)
