"""Words, names, figures, dates and questions of plain text. Pure functions."""
