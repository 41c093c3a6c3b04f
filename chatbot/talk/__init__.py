"""From weights to replies, and to numbers that tell how good the weights are."""
