"""Passages that look right and do not answer: found by hybrid retrieval, or made from the passage or the question."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import bm25s
import numpy as np
import torch
from transformers import AutoModel, AutoTokenizer

from rag.models.hardware import inference_dtype
from training.data import holds_answer, sentences
from training.records import Question

RRF_CONSTANT = 60
INTERVIEWED_SHARE = 0.05  # of the questions


def corpus_of(question: Question) -> str:
    """The name of the passages among which a question's negatives are looked for."""
    if question.dataset in ("squad", "disfl_qa", "squad_train_part", "qed_nq", "nq_open_gold", "afriqa_en"):
        return "wikipedia"
    if question.dataset == "squadshifts":
        return "reddit" if question.title == "Filtered Reddit Comments" else "amazon"
    return question.dataset


def embed(texts: list[str], encoder: Path, max_tokens: int = 128, batch: int = 64) -> np.ndarray:
    """Mean-pooled embeddings, (n_texts, dim) float32, unit norm, in the order given."""
    tokenizer = AutoTokenizer.from_pretrained(encoder)
    model = AutoModel.from_pretrained(encoder, attn_implementation="eager", dtype=inference_dtype()).eval()
    order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
    vectors = np.zeros((len(texts), model.config.hidden_size), dtype=np.float32)
    with torch.inference_mode():
        for start in range(0, len(order), batch):
            chosen = order[start : start + batch]
            inputs = tokenizer(
                [texts[index] for index in chosen],
                padding=True,
                truncation=True,
                max_length=max_tokens,
                return_tensors="pt",
            )
            hidden = model(**inputs).last_hidden_state.float()
            mask = inputs["attention_mask"].unsqueeze(-1)
            pooled = (hidden * mask).sum(1) / mask.sum(1)
            vectors[chosen] = torch.nn.functional.normalize(pooled, dim=-1).numpy()
    return vectors


def mine(
    questions: list[Question], passages: dict[str, list[str]], encoder: Path, depth: int = 30, keep: int = 5
) -> dict[str, list[str]]:
    """Up to `keep` best passages per question id that hold no accepted answer, by BM25 and embeddings joined by RRF.

    Parameters
    ----------
    questions
        Questions with answers.
    passages
        All passages of each corpus (see `corpus_of`).
    encoder
        Folder of the sentence encoder.
    depth
        Passages taken from each ranking before fusion.
    """
    found: dict[str, list[str]] = {}
    groups: dict[str, list[Question]] = defaultdict(list)
    for question in questions:
        groups[corpus_of(question)].append(question)
    for name, asked in groups.items():
        texts = passages[name]
        count = min(depth, len(texts))
        retriever = bm25s.BM25()
        retriever.index(bm25s.tokenize(texts, stopwords="en", show_progress=False), show_progress=False)
        queries = bm25s.tokenize([question.text for question in asked], stopwords="en", show_progress=False)
        lexical, _ = retriever.retrieve(queries, k=count, show_progress=False)
        text_vectors = embed(texts, encoder)
        question_vectors = embed([question.text for question in asked], encoder)
        for row, question in enumerate(asked):
            dense = np.argsort(-(text_vectors @ question_vectors[row]), kind="stable")[:count]
            score: dict[int, float] = defaultdict(float)
            for ranking in (lexical[row], dense):
                for rank, index in enumerate(ranking, start=1):
                    score[int(index)] += 1 / (RRF_CONSTANT + rank)
            best = sorted(score, key=lambda index: (-score[index], index))
            fit = [
                texts[index]
                for index in best[: count + 5]
                if texts[index] != question.context and not holds_answer(texts[index], question.answers)
            ]
            found[question.id] = fit[:keep]
    return found


def without_answer_sentence(question: Question) -> str | None:
    """The passage with every sentence that touches an answer cut out; None when an answer is still there."""
    spans = [(start, start + len(text)) for start, text in question.answers]
    kept = [
        question.context[start:end]
        for start, end in sentences(question.context)
        if not any(left < end and start < right for left, right in spans)
    ]
    passage = " ".join(part.strip() for part in kept)
    if len(passage.split()) < 20 or holds_answer(passage, question.answers):
        return None
    return passage


def interviewed(questions: Sequence[Question], random: Random) -> list[Question]:
    """The questions, some on a passage that asks another of them itself, in front of the sentence that answers that.

    As interviews and lists of questions with answers do ("Why did the minister visit Belarus? He was invited."). A
    reader that never saw one takes that sentence for the answer to every question that sounds like the one it follows.
    """
    alike: dict[str, list[Question]] = defaultdict(list)
    for question in questions:
        plain = question.dataset != "qamr" and not question.text.startswith("(")  # alone, on a passage of its own
        if plain and question.answers and not question.polar and not question.many:
            alike[question.context].append(question)
    made = []
    for question in questions:
        others = [other for other in alike[question.context] if other.text != question.text]
        chosen = others and not question.polar and random.random() < INTERVIEWED_SHARE
        made.append(_behind(question, random.choice(others)) if chosen else question)
    return made


def _behind(question: Question, other: Question) -> Question:
    """The question on its passage with the other one in it, in front of the sentence that answers that."""
    at = max(start for start, _ in sentences(question.context) if start <= other.answers[0][0])
    said = f"{other.text} "
    if any(start < at < start + len(span) for start, span in question.answers):
        return question

    def moved(span: tuple[int, str]) -> tuple[int, str]:
        return (span[0] + (len(said) if span[0] >= at else 0), span[1])

    return replace(
        question,
        context=question.context[:at] + said + question.context[at:],
        answers=tuple(map(moved, question.answers)),
        near=question.near and moved(question.near),
        article="",  # whose text asks nothing
    )


_CAPITALISED = r"[A-Z](?:\w+|['’]\w\w+)(?:['’-]\w\w+)*"  # without the "'s" of a possessive
_NAME = re.compile(rf"(?<=[a-z,] ){_CAPITALISED}(?: {_CAPITALISED})*")
_YEAR = re.compile(r"\b1[0-9]{3}\b|\b20[0-2][0-9]\b")


def names(text: str) -> list[str]:
    """Runs of capitalised words inside a sentence."""
    return _NAME.findall(text)


def exchange_name(question: Question, others: list[str], random: Random) -> tuple[str, str] | None:
    """The question about another name or year that its passage never mentions, and the one that it names instead.

    None when there is none to exchange.
    """
    lower = question.context.lower()
    years = [match for match in _YEAR.finditer(question.text) if match.group() in lower]
    runs = [match for match in _NAME.finditer(question.text) if match.group().lower() in lower]
    if years and random.random() < 0.5:
        match = random.choice(years)
        other = str(int(match.group()) + random.choice((-30, -11, -7, -4, 3, 6, 12, 25)))
    elif runs and others:
        match, other = random.choice(runs), random.choice(others)
    else:
        return None
    if any(word.lower() in lower for word in other.split()):
        return None
    return question.text[: match.start()] + other + question.text[match.end() :], match.group()
