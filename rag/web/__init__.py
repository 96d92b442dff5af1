"""The chat in the browser: `rag.web.page.mount(app, bot, host)`. Importing this package loads no web library."""
