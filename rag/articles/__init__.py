"""Folders of files -> Documents -> Chunks."""
