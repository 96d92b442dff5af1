"""The training program of the project's own reader: data, noise, negatives, training, evaluation, export."""
