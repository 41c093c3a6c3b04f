"""Padded batches in; index arrays out, every position exactly once."""

import numpy as np
import pytest

from chatbot.corpus.batches import make_batch
from chatbot.learn import packing
from chatbot.learn.packing import pack, pack_side, round_up, rounding, source_fields

CASES = [(1, 1), (1, 9), (2, 5), (3, 4), (5, 7), (31, 3), (32, 6), (33, 11), (70, 13), (131, 8)]
CUTOFFS = (9, 15, 40)


def lengths_of(count, longest):
    lengths = np.random.default_rng(count).integers(1, longest + 1, size=count)
    lengths[count // 2] = longest
    return lengths.astype(np.int32)


def pairs_of(count, longest):
    generator = np.random.default_rng(1000 + count)
    source = lengths_of(count, longest)
    reply = lengths_of(count + 1, longest + 2)[:count]
    return [
        (generator.integers(3, 40, size=s).tolist(), generator.integers(3, 40, size=t).tolist())
        for s, t in zip(source, reply, strict=True)
    ]


@pytest.fixture(params=CASES[1:], ids=str)
def packed(request, encoded):
    """A batch, its packed form, and which sequence has which rank, found by a loop."""
    pairs = pairs_of(*request.param)
    batch = make_batch(encoded(pairs))
    ranks = sorted(range(len(pairs)), key=lambda b: -len(pairs[b][1]))
    return pairs, pack(batch, CUTOFFS), ranks


def test_the_example_of_the_module_packs_as_it_is_drawn(monkeypatch):
    monkeypatch.setattr(packing, "ROUND", 2)
    side = pack_side(np.array([3, 1, 2], np.int32))
    assert side.order.tolist() == [0, 2, 1, 3]
    assert side.bounds.tolist() == [0, 4, 6, 8]
    assert side.row.tolist() == [[0, 4, 6, 255], [2, 255, 255, 255], [1, 5, 255, 255], [255] * 4]
    assert side.place[:8].tolist() == [0, 8, 4, 3, 1, 9, 2, 3]
    assert set(side.place[8:].tolist()) == {3}
    assert side.rows == 256


def test_counts_are_rounded_to_a_power_of_two_and_for_many_to_the_constant():
    assert [rounding(n) for n in (1, 2, 3, 5, 17, 32, 33, 1000)] == [1, 2, 4, 8, 32, 32, 32, 32]
    assert [round_up(n, 4) for n in (0, 1, 4, 5)] == [0, 4, 4, 8]


@pytest.mark.parametrize(("count", "longest"), CASES)
def test_every_position_has_exactly_one_row_and_every_other_place_is_nowhere(count, longest):
    lengths = lengths_of(count, longest)
    side = pack_side(lengths)
    columns = side.row.shape[1]
    rows_seen = set()
    for b in range(len(side.row)):
        for t in range(columns):
            row = int(side.row[b, t])
            if b < count and t < lengths[b]:
                assert row < side.rows - 1
                assert row not in rows_seen
                assert side.place[row] == b * columns + t
                assert side.bounds[t] <= row < side.bounds[t + 1]
                rows_seen.add(row)
            else:
                assert row == side.rows - 1
    assert len(rows_seen) == lengths.sum()
    for row in set(range(side.rows)) - rows_seen:
        assert side.place[row] == columns - 1


@pytest.mark.parametrize(("count", "longest"), CASES)
def test_sizes_are_rounded_and_leave_a_spare_row_and_column(count, longest):
    side = pack_side(lengths_of(count, longest))
    unit = rounding(count)
    blocks = np.diff(side.bounds)
    assert len(side.row) == round_up(count, unit)
    assert len(blocks) == longest
    assert (blocks % unit == 0).all()
    assert blocks[0] == len(side.row)
    assert (np.diff(blocks) <= 0).all()
    assert side.rows % 256 == 0
    assert side.rows > side.bounds[-1]
    assert len(side.place) == side.rows
    assert side.row.shape[1] % 4 == 0
    assert side.row.shape[1] > longest


@pytest.mark.parametrize(("count", "longest"), CASES)
def test_a_sequence_has_the_same_rank_in_every_block_and_longer_ones_come_first(count, longest):
    lengths = lengths_of(count, longest)
    side = pack_side(lengths)
    for rank, b in enumerate(side.order[:count]):
        for t in range(lengths[b]):
            assert side.row[b, t] == side.bounds[t] + rank
    ranked = [lengths[b] for b in side.order[:count]]
    assert ranked == sorted(ranked, reverse=True)
    assert sorted(side.order.tolist()) == list(range(len(side.row)))


def test_rows_of_a_side_may_speak_of_the_sequences_in_another_order():
    lengths = lengths_of(6, 5)
    turn = np.array([3, 1, 7, 0, 5, 2, 6, 4], np.int32)
    plain, turned = pack_side(lengths), pack_side(lengths, turn)
    assert turned.bounds.tolist() == plain.bounds.tolist()
    assert turned.row.tolist() == [plain.row[b].tolist() for b in turn]


def test_gathering_gives_every_row_its_token_and_padding_rows_zero():
    lengths = lengths_of(5, 7)
    side = pack_side(lengths)
    padded = np.full((5, 7), 99, np.int32)
    for b, length in enumerate(lengths):
        padded[b, :length] = 10 * (b + 1) + np.arange(length)
    found = side.gather(padded)
    expected = np.zeros(side.rows, np.int32)
    for b, length in enumerate(lengths):
        for t in range(length):
            expected[side.row[b, t]] = 10 * (b + 1) + t
    assert found.tolist() == expected.tolist()


def test_every_token_of_a_batch_stands_in_its_row_and_padding_rows_hold_pad(packed):
    pairs, found, ranks = packed
    source, target = np.zeros(len(found.source), int), np.zeros(len(found.target), int)
    for rank, b in enumerate(ranks):
        question, reply = pairs[b]
        for s, token in enumerate(question):
            source[found.source_row[rank, s]] = token
        for t, token in enumerate([1, *reply]):
            target[found.target_row[rank, t]] = token
    assert found.touched[found.source].tolist() == source.tolist()
    assert found.touched[found.target].tolist() == target.tolist()
    assert found.touched.tolist() == sorted({*source.tolist(), *target.tolist()})


def test_both_directions_of_every_gather_are_inverse(packed):
    pairs, found, ranks = packed
    for row, place in (
        (found.source_row, found.source_place),
        (found.target_row, found.target_place),
    ):
        nowhere, spare = len(place) - 1, row.shape[1] - 1
        flat = row.ravel()
        for position, at in enumerate(flat):
            assert place[at] == (spare if at == nowhere else position)
        for at, position in enumerate(place):
            assert flat[position] == (nowhere if position == spare else at)
    assert found.source_lengths.tolist() == [len(pairs[b][0]) for b in ranks] + [0] * (
        len(found.source_lengths) - len(ranks)
    )


def test_reversal_is_an_involution_that_mirrors_every_question(packed):
    pairs, found, ranks = packed
    swap = found.source_reversed
    assert swap[swap].tolist() == list(range(len(swap)))
    moved = set()
    for rank, b in enumerate(ranks):
        length = len(pairs[b][0])
        for t in range(length):
            row = found.source_row[rank, t]
            assert swap[row] == found.source_row[rank, length - 1 - t]
            moved.add(int(row))
    for row in set(range(len(swap))) - moved:
        assert swap[row] == row


def test_the_last_token_of_every_question_is_found_and_finds_its_question(packed):
    pairs, found, ranks = packed
    count = len(found.source_lengths)
    back = np.full(len(found.source), count)
    for rank, b in enumerate(ranks):
        row = found.source_row[rank, len(pairs[b][0]) - 1]
        assert found.last[rank] == row
        back[row] = rank
    assert found.last_place.tolist() == back.tolist()
    assert set(found.last[len(ranks) :].tolist()) <= {len(found.source) - 1}


def test_output_rows_are_sorted_by_cluster_and_weigh_one_exactly_on_real_targets(packed):
    pairs, found, ranks = packed
    bounds = found.cluster_bounds
    real = {}
    for rank, b in enumerate(ranks):
        for t, token in enumerate([*pairs[b][1], 2]):
            real[int(found.target_row[rank, t])] = token
    counted = [int(row) for row, w in zip(found.output, found.weights, strict=True) if w == 1]
    assert sorted(counted) == sorted(real)
    assert set(found.weights.tolist()) <= {0.0, 1.0}
    assert len(bounds) == len(CUTOFFS) + 1
    assert bounds[0] == 0
    assert bounds[-1] == len(found.output)
    assert (np.diff(bounds) % 64 == 0).all()
    for place, (row, label, weight) in enumerate(
        zip(found.output, found.labels, found.weights, strict=True)
    ):
        cluster = sum(place >= bound for bound in bounds[1:])
        if weight:
            assert label == real[int(row)]
            assert (0, *CUTOFFS)[cluster] <= label < CUTOFFS[cluster]
            assert found.output_place[row] == place
        else:
            assert (row, label) == (len(found.target) - 1, 0)
    for row in set(range(len(found.target))) - set(real):
        assert found.weights[found.output_place[row]] == 0


def test_rows_of_no_cluster_but_the_first_may_be_none(encoded):
    found = pack(make_batch(encoded([([4], [5, 6]), ([7, 8], [3])])), CUTOFFS)
    assert found.cluster_bounds.tolist() == [0, 64, 64, 64]
    assert found.weights.sum() == 5


def test_questions_alone_keep_their_order_and_their_ids():
    padded = np.array([[4, 0, 0], [5, 6, 7], [8, 9, 0]], np.int32)
    fields = source_fields(padded, np.array([1, 3, 2], np.int32))
    assert fields["source_lengths"].tolist() == [1, 3, 2, 0]
    for b, question in enumerate([[4], [5, 6, 7], [8, 9]]):
        rows = fields["source_row"][b, : len(question)]
        assert fields["source"][rows].tolist() == question
    assert fields["source"].sum() == 39


def test_the_arrays_by_name_are_the_fields():
    fields = source_fields(np.array([[4, 5]], np.int32), np.array([2], np.int32))
    assert all(array.dtype == np.int32 for array in fields.values())
    assert set(fields) <= set(packing.Packed.__dataclass_fields__)
