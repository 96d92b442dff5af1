"""What people and programs are told of an error inside."""

from __future__ import annotations

import logging
import secrets

from rag.present.words import gettext as _

log = logging.getLogger("rag.serve")


def failure(error: Exception) -> str:
    """A sentence for a person about an error inside; its reference leads to the trace in the log."""
    reference = secrets.token_hex(4)
    log.error("reference %s", reference, exc_info=error)
    told = _("Something went wrong on our side. Ask again; if it happens again, report reference %(reference)s.")
    return told % {"reference": reference}
