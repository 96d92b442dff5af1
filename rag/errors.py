"""Errors that a person can mend. Everything else surfaces as a bug."""


class RagError(Exception):
    """Something a person can mend; the message says what came, what was expected, what to do."""


class DocumentError(RagError):
    """A file that cannot become a Document; the rest of a folder goes on."""


class ModelError(RagError):
    """A model that is missing, altered, or not of the expected kind."""


class StoreError(RagError):
    """An index folder that is damaged, foreign, or was built in another way."""
