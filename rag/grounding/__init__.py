"""A language model's words -> what of them the passages support."""
