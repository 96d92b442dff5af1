"""The networks: their weights, how they are loaded, what the processor can do."""
