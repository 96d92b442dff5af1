"""The chat in the browser: `rag.serve.page.page.mount(app, bot, host)`. Importing this package loads no web library."""
