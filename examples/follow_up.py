"""A conversation: the history goes along with each question, and `understood` tells how the question was read."""

import rag

TEXT = "Anna Berg received the Order of the Lion on 3 May 2021 in Oslo. The king praised her work for the harbour."
bot = rag.Chatbot.from_documents([rag.Document("order", "The Order of the Lion", TEXT, source="order")])
history: list[tuple[str, rag.Answer]] = []
for question in ("Who received the Order of the Lion?", "When was that?"):
    answer = bot.ask(question, history)
    print(f"{question}\n  read as: {answer.understood}\n  {answer.text}")
    history.append((question, answer))
