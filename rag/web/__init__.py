"""The chat in the browser: `rag.web.page.launch(bot)`. Importing this package loads no web library."""
