"""How often a pass takes the questions and the claims of each set."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Weight:
    """Mean copies of one set's questions in a pass, answered or not, and of the negatives made of an answered one."""

    answered: float
    unanswered: float = 0.0
    cut: float = 0.0  # its passage without the sentence of the answer
    exchanged: float = 0.0  # a name or year of the question exchanged
    retrieved: float = 0.0  # a passage that retrieval ranks high


# The users ask about news and encyclopaedia text, so those weigh most; weighed by worth, not by size.
WEIGHTS = {
    "squad": Weight(0.6, 0.9, cut=0.12, exchanged=0.15, retrieved=0.4),
    "squad_train_part": Weight(0.3, cut=0.05, exchanged=0.08, retrieved=0.2),
    "squad_train_unanswerable": Weight(0.0, 0.8),
    "squad_train_lower_passages": Weight(0.1),
    "squad_train_sentences": Weight(0.1),
    "squadshifts": Weight(0.06, cut=0.02, retrieved=0.06),
    "disfl_qa": Weight(0.08, 0.1),
    "qamr": Weight(0.05, cut=0.02, exchanged=0.02, retrieved=0.03),
    "policyqa": Weight(0.03),
    "covid_qa_win": Weight(0.15, 0.2, cut=0.05),
    "qed_nq": Weight(0.35, cut=0.05, exchanged=0.05, retrieved=0.2),
    "nq_open_gold": Weight(0.35, cut=0.05, retrieved=0.2),
    "multispanqa": Weight(1.5),
    "qadiscourse": Weight(0.15, cut=0.03),
    "causal_news": Weight(0.3),
    "fairytaleqa": Weight(0.1, cut=0.03),
    "narrativeqa_summaries": Weight(0.08, cut=0.02),
    "quoref": Weight(0.4),
    "afriqa_en": Weight(0.25, cut=0.05),
    "timeqa_human": Weight(0.6, cut=0.1),
    "tatqa_text": Weight(0.25),
    "friendsqa": Weight(0.1),
    "news": Weight(2.2, 2.2, cut=0.7, exchanged=0.3, retrieved=0.9),
    "passages": Weight(2.2, 2.2),
    "fields": Weight(3.0, 3.0, cut=0.7, exchanged=0.3, retrieved=0.9),
    "notices": Weight(3.0, 3.0, retrieved=0.5),
    "tables": Weight(3.0, 3.0, cut=0.3, exchanged=0.3, retrieved=0.5),
    "asking": Weight(3.0, 3.0, retrieved=0.5),
    "plain": Weight(3.0, 3.0, cut=0.7, exchanged=0.3, retrieved=0.9),
    "news-questions": Weight(3.0, 3.0, cut=0.7, exchanged=0.3, retrieved=0.9),
    "passage-questions": Weight(2.2, 2.2, cut=0.7, retrieved=0.9),
    "news-untold": Weight(0.0, 3.0),
    "passage-untold": Weight(0.0, 2.2),
    "news-talks": Weight(2.2, 2.2, cut=0.7, retrieved=0.9),
    "passage-talks": Weight(2.2, 2.2, cut=0.7, retrieved=0.9),
}
CLAIM_COPIES = {
    "news": 2.0,
    "passages": 1.0,
    "fields": 2.5,
    "tables": 2.0,
    "drafts": 2.5,
    "news-drafts": 1.5,
    "passage-drafts": 1.5,
    "leaning": 1.5,
    "summedits": 0.42,
    "bump": 0.36,
    "wice": 0.48,
    "defacto": 0.3,
    "fib_xsum": 0.18,
    "factcheckgpt": 0.48,
    "qasem_consistency": 0.48,
    "cogensumm_val": 0.3,
    "factcc_manual_val": 0.3,
    "frank_val": 0.3,
    "fm2": 0.8,
    "sufficient_facts": 0.36,
    "fever_symmetric": 0.48,
    "fever_docnli": 0.07,
    "check_covid": 0.3,
    "mnli_docnli": 0.05,
    "nli_new_protocols": 0.05,
    "cad_nli": 0.05,
    "negation_nli": 0.12,
    "conjnli": 0.09,
    "med": 0.03,
    "begin": 0.18,
}
