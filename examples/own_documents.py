"""Texts that a program holds, without files: indexed in memory, asked, taken away again."""

import rag

NOTES = {
    "bridge": "The new bridge over the Tarn was opened on 4 May 2021 by Ilse Korn. It cost 12 million euros.",
    "mill": "The old mill of Lund was sold to a baker from Malmö in 2019. He wants to grind rye there again.",
}
bot = rag.Chatbot.from_documents(
    rag.Document(id=name, title=f"Note on the {name}", text=text, source=name) for name, text in NOTES.items()
)
question = "Who opened the bridge over the Tarn?"
print(bot.ask(question).text)
bot.remove("bridge")
print(bot.ask(question).text)
