"""German articles, with the reader that needs no training: it ranks whole sentences by meaning and by shared words.

Name a multilingual embedding model in `embedding_model` for questions that share no word with the article.
"""

from rag import Chatbot, Document, Settings

TEXT = """Die neue Brücke über die Mur wurde im Mai 2021 von der Bürgermeisterin Ilse Korn eröffnet.
Sie kostete zwölf Millionen Euro. Der Verkehr rollt seither ohne Stau durch Graz."""

settings = Settings(reader="sentence", embedding_model="default", abstain_below=0.4)
bot = Chatbot.from_documents([Document("bruecke", "Die Brücke", TEXT, source="bruecke", language="de")], settings)
for question in ("Wer hat die neue Brücke über die Mur eröffnet?", "Wie heißt der Papst?"):
    answer = bot.ask(question)
    print(f"{question}\n  {answer.certainty}, {answer.confidence:.0%}: {answer.text}")
