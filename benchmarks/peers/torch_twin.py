"""The network in PyTorch, written as its users write it when they care for speed on a processor.

    python torch_twin.py DATA.npz --seconds 30 [--plain] [--rate 1e-3] [--judge-at 10 20] [--seed 0]

Comes in: the file that twin.py draws. Goes out: its JSON lines. Encoder and decoder read packed
sequences; only the positions that hold a token reach the output layer; matrix products are in
bfloat16 where the processor has it; Adam is the fused one. `--plain` does none of this: all
positions of the padded batch go all the way, in float32.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from twin import Batch, Shape, main, options


class Network(nn.Module):
    """LSTM encoder, LSTM decoder, Luong's general attention, full softmax; one embedding."""

    def __init__(self, shape: Shape, *, plain: bool) -> None:
        """Draws the weights."""
        super().__init__()
        width, units = shape.embedding, shape.units
        self.plain = plain
        self.embedding = nn.Embedding(shape.size, width)
        nn.init.uniform_(self.embedding.weight, -0.05, 0.05)
        self.encoder = nn.LSTM(width, units, batch_first=True)
        self.decoder = nn.LSTM(width, units, batch_first=True)
        self.attention = nn.Linear(units, units, bias=False)
        self.combine = nn.Linear(2 * units, units, bias=False)
        self.output = nn.Linear(units, shape.size)

    def forward(self, batch: Batch) -> Tensor:
        """The summed loss of a batch, in nats."""
        source, read, targets = map(torch.from_numpy, (batch.source, batch.read, batch.targets))
        lengths = torch.from_numpy(batch.source_lengths)
        states, last = self._run(self.encoder, source, lengths)
        decoded, _ = self._run(self.decoder, read, torch.from_numpy(batch.target_lengths), last)
        scores = self.attention(decoded) @ states.transpose(1, 2)
        padding = torch.arange(source.shape[1]) >= lengths[:, None]
        weights = scores.masked_fill(padding[:, None], -1e9).softmax(-1)
        vectors = torch.tanh(self.combine(torch.cat([decoded, weights @ states], -1)))
        if not self.plain:
            real = targets > 0
            vectors, targets = vectors[real], targets[real]
        return self._loss(self.output(vectors).flatten(0, -2), targets.flatten())

    def _loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Summed; to learn from, in the type of the logits, which spares a copy twice as large."""
        with torch.autocast("cpu", enabled=False):
            logits = logits if self.training else logits.float()
            rows = functional.cross_entropy(logits, targets, ignore_index=0, reduction="none")
        return rows.float().sum()

    def _run(
        self,
        lstm: nn.LSTM,
        ids: Tensor,
        lengths: Tensor,
        first: tuple[Tensor, Tensor] | None = None,
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """States [B, positions, U], and the last ones, which padding changes unless packed."""
        embedded = self.embedding(ids)
        if self.plain:
            return lstm(embedded, first)
        packed = pack_padded_sequence(embedded, lengths, batch_first=True, enforce_sorted=False)
        states, last = lstm(packed, first)
        return pad_packed_sequence(states, batch_first=True)[0], last


class TorchTwin:
    """The network with Adam."""

    def __init__(self, shape: Shape, seed: int, *, plain: bool) -> None:
        """Draws the weights."""
        torch.manual_seed(seed)
        self.network = Network(shape, plain=plain)
        self.clip = shape.clip
        facts = Path("/proc/cpuinfo")
        self.half = not plain and facts.exists() and "bf16" in facts.read_text()
        self.optimizer = torch.optim.Adam(self.network.parameters(), fused=not plain)

    def step(self, batch: Batch, rate: float) -> float:
        """One step of training; gives the mean loss before it, nats a token."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.zero_grad()
        loss = self._loss(batch) / batch.tokens
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), self.clip)
        self.optimizer.step()
        return loss.item()

    def judge(self, batch: Batch) -> float:
        """The summed loss of a batch, in nats."""
        self.network.eval()
        with torch.no_grad():
            loss = self._loss(batch).item()
        self.network.train()
        return loss

    def _loss(self, batch: Batch) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16, enabled=self.half):
            return self.network(batch)


if __name__ == "__main__":
    parser = options(__doc__)
    parser.add_argument("--plain", action="store_true")
    asked = parser.parse_args()
    main(asked, lambda shape: TorchTwin(shape, asked.seed, plain=asked.plain))
