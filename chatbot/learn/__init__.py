"""From batches to weights: the network, its loss, its optimizer and the training loop."""
