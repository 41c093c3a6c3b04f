"""Values of numbers against a dictionary."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.learn.lookup import Lookup

LARGEST = (1 << 63) - 1

NUMBERS = st.integers(0, (1 << 63) - 1) | st.integers(0, 30) | st.just(LARGEST)


def longs(numbers):
    return np.array(list(numbers), np.int64)


def ngrams(order, generator):
    """Distinct rows of entries of a vocabulary of 20,000, each row as one number."""
    entries = np.minimum(generator.zipf(1.1, (60_000, order)), 19_999)
    return np.unique(entries @ (20_000 ** np.arange(order)))


VALUES = st.tuples(st.integers(1, 2**31 - 1), st.integers(0, 9), st.integers(0, 2**31 - 1))


@given(st.dictionaries(NUMBERS, VALUES), st.data())
def test_every_number_has_its_values_and_others_have_zeros(known, data):
    wanted = data.draw(st.lists(NUMBERS | st.sampled_from([*known, 0]), max_size=40))
    columns = np.array(list(known.values()), np.int32).reshape(-1, 3).T
    found = Lookup(longs(known), *columns).find(longs(wanted))
    assert found.dtype == np.int32
    assert found.T.tolist() == [list(known.get(number, (0, 0, 0))) for number in wanted]


@pytest.mark.parametrize("step", [1, 17, 1 << 32, 20_000**3])
def test_many_numbers_in_regular_distances_are_told_from_those_between(step):
    count = 5_000
    numbers = np.arange(count) * step + 3
    found = Lookup(numbers, np.arange(1, count + 1, dtype=np.int32))
    assert found.find(numbers)[0].tolist() == list(range(1, count + 1))
    others = np.concatenate([numbers[:-1] + step // 2, [numbers[-1] + 1]])
    expected = np.arange(1, count) if step == 1 else np.zeros(count - 1)
    assert found.find(others)[0].tolist() == [*expected.tolist(), 0]


def test_more_different_rows_of_values_than_two_bytes_can_tell():
    count = 70_000
    numbers, ascending = np.arange(count) * 7, np.arange(count, dtype=np.int32)
    found = Lookup(numbers, ascending, ascending[::-1].copy()).find(numbers)
    assert (found == [ascending, ascending[::-1]]).all()


def test_nothing_is_found_among_none():
    nobody = Lookup(longs([]), np.zeros(0, np.int32))
    assert nobody.find(longs([0, 5, LARGEST])).tolist() == [[0, 0, 0]]
    assert nobody.find(longs([])).shape == (1, 0)


def test_a_search_takes_few_steps_wherever_the_numbers_lie():
    generator = np.random.default_rng(4)
    for numbers in (
        np.arange(40_000),
        np.unique(generator.zipf(1.2, 60_000)),
        ngrams(3, generator),
    ):
        starts = Lookup(numbers, np.ones(len(numbers), np.int32))._starts
        assert np.diff(starts, append=len(numbers)).max() <= 24


def test_numbers_of_57_bits_take_less_than_ten_bytes_each_with_a_value():
    numbers = ngrams(4, np.random.default_rng(5))
    found = vars(Lookup(numbers, np.ones(len(numbers), np.int32))).values()
    taken = sum(part.nbytes for part in found if isinstance(part, np.ndarray))
    assert taken / len(numbers) < 9.5


@pytest.mark.parametrize("largest", [0, 1, 255, 1 << 32, 1 << 40, LARGEST // 2])
def test_numbers_above_all_that_are_there_are_not_found(largest):
    found = Lookup(longs([largest]), np.array([7], np.int32))
    doubled = [largest + (1 << bits) for bits in range(62) if 1 << bits > largest]
    assert found.find(longs([largest, *doubled])).tolist() == [[7, *(0 for _ in doubled)]]


@pytest.mark.parametrize("count", [1, 4, 5, 8, 9, 16, 60, 200, 256])
def test_of_all_numbers_of_eight_bits_those_that_are_there_are_found(count):
    generator = np.random.default_rng(count)
    for _ in range(50):
        numbers = generator.choice(256, count, replace=False)
        expected = np.isin(np.arange(300), numbers) * (np.arange(300) + 1)
        found = Lookup(numbers, (numbers + 1).astype(np.int32)).find(np.arange(300))
        assert found[0].tolist() == expected.tolist()
