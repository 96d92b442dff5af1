"""The chat page and interfaces for other programs, behind one port."""
