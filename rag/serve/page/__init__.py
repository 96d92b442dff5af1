"""The chat in the browser: `rag.serve.page.layout.mount`. Importing this package loads no web library."""
