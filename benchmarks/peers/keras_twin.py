"""The network in Keras, as its guides write it: layers, masks, train_on_batch.

    python keras_twin.py DATA.npz --seconds 30 [--rate 1e-3] [--judge-at 10 20] [--seed 0]

Comes in: the file that twin.py draws. Goes out: its JSON lines. Every position of the padded batch
goes all the way, in float32; the mask keeps padding out of states, attention and loss.
"""

from __future__ import annotations

import keras
from keras import layers
from twin import Batch, Shape, main, options


def network(shape: Shape) -> keras.Model:
    """Questions [B, S] and what the decoder reads [B, T] -> logits [B, T, V]; 0 is padding."""
    source, read = keras.Input((None,), dtype="int32"), keras.Input((None,), dtype="int32")
    embedding = layers.Embedding(shape.size, shape.embedding, mask_zero=True)
    encoder = layers.LSTM(shape.units, return_sequences=True, return_state=True)
    states, *last = encoder(embedding(source))
    decoder = layers.LSTM(shape.units, return_sequences=True)
    decoded = decoder(embedding(read), initial_state=last)
    queries = layers.Dense(shape.units, use_bias=False)(decoded)
    context = layers.Attention()([queries, states])
    combine = layers.Dense(shape.units, use_bias=False, activation="tanh")
    vectors = combine(layers.Concatenate()([decoded, context]))
    return keras.Model([source, read], layers.Dense(shape.size)(vectors))


class KerasTwin:
    """The network with Adam."""

    def __init__(self, shape: Shape, seed: int) -> None:
        """Draws the weights."""
        keras.utils.set_random_seed(seed)
        self.network = network(shape)
        adam = keras.optimizers.Adam(global_clipnorm=shape.clip)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        self.network.compile(adam, loss)

    def step(self, batch: Batch, rate: float) -> float:
        """One step of training; gives the mean loss before it, nats a token."""
        self.network.optimizer.learning_rate = rate
        self.network.reset_metrics()  # else the loss is a mean over all batches so far
        return float(self.network.train_on_batch([batch.source, batch.read], batch.targets))

    def judge(self, batch: Batch) -> float:
        """The summed loss of a batch, in nats."""
        self.network.reset_metrics()
        mean = self.network.test_on_batch([batch.source, batch.read], batch.targets)
        return float(mean) * batch.tokens


if __name__ == "__main__":
    asked = options(__doc__).parse_args()
    main(asked, lambda shape: KerasTwin(shape, asked.seed))
