"""The page and the interfaces for other programs, behind one port."""
