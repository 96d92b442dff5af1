"""A language model of one's own through `transformers`: a folder, a GGUF file, or a name."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.errors import ModelError, RagError
from rag.grounding.generators.contract import Delta, GenerationError, Prompt
from rag.models.hardware import inference_dtype, quiet

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

MAX_CONTEXT = 8192  # a processor takes minutes to read more


class TransformersGenerator:
    """A causal language model on this machine. It answers one question at a time."""

    def __init__(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, name: str) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._one = threading.Lock()
        self.name = name
        self.context_tokens = min(MAX_CONTEXT, int(getattr(model.config, "max_position_embeddings", 0) or 2048))

    @classmethod
    def load(cls, name: str) -> TransformersGenerator:
        """Load a folder, a GGUF file, or a name; only a name that is neither may touch the network.

        Raises
        ------
        RagError
            A package is missing for a GGUF file, or the model cannot be loaded.
        """
        quiet()
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from transformers.utils import logging

        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        path = Path(name).expanduser()
        given: dict[str, Any] = {}
        location = str(path) if path.exists() else name
        if path.suffix.lower() == ".gguf":
            _need_gguf()
            location, given = str(path.parent), {"gguf_file": path.name}
        given["local_files_only"] = path.exists() or path.suffix.lower() == ".gguf"
        try:
            tokenizer = AutoTokenizer.from_pretrained(location, **given)
            model = AutoModelForCausalLM.from_pretrained(location, dtype=inference_dtype(), **given)
        except (OSError, ValueError, KeyError, ImportError) as error:
            raise ModelError(
                f"the generator {name!r} could not be loaded ({(str(error).splitlines() or [''])[0]}); expected a "
                "folder, a .gguf file or a name of a causal language model"
            ) from error
        return cls(model, tokenizer, path.name if path.exists() else name)

    def count_tokens(self, text: str) -> int:
        return len(self._tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])

    def stream(self, prompt: Prompt) -> Iterator[Delta]:
        from transformers import StoppingCriteria, StoppingCriteriaList, TextIteratorStreamer

        stop = threading.Event()

        class Stopped(StoppingCriteria):
            def __call__(self, input_ids: Any, scores: Any, **kwargs: Any) -> Any:
                import torch

                return torch.full((input_ids.shape[0],), stop.is_set(), dtype=torch.bool)

        inputs = self._encoded(prompt)
        asked = int(inputs["input_ids"].shape[1])
        streamer: Any = TextIteratorStreamer(self._tokenizer, skip_prompt=True, skip_special_tokens=True)
        outcome: list[Any] = []

        def work() -> None:
            try:
                with self._one:
                    model: Any = self._model
                    outcome.append(
                        model.generate(
                            **inputs,
                            max_new_tokens=prompt.max_tokens,
                            do_sample=False,
                            temperature=None,
                            top_p=None,
                            top_k=None,
                            pad_token_id=self._tokenizer.eos_token_id,
                            streamer=streamer,
                            stopping_criteria=StoppingCriteriaList([Stopped()]),
                        )
                    )
            except BaseException as error:
                outcome.append(error)
            finally:
                streamer.end()

        thread = threading.Thread(target=work, name="rag-transformers", daemon=True)
        thread.start()
        try:
            for text in streamer:
                if text:
                    yield Delta(text)
            thread.join()
        finally:
            stop.set()
        if isinstance(outcome[0], BaseException):
            raise GenerationError(f"the model failed ({type(outcome[0]).__name__})")
        written = int(outcome[0].shape[1]) - asked
        yield Delta("", "length" if written >= prompt.max_tokens else "stop", asked, written)

    def _encoded(self, prompt: Prompt) -> Any:
        messages = list(prompt.messages)
        if self._tokenizer.chat_template is None:  # a model without turns continues a text
            text = "\n\n".join(message["content"] for message in messages) + "\nAnswer:"
            return self._tokenizer(text, return_tensors="pt")
        return self._tokenizer.apply_chat_template(
            messages, add_generation_prompt=True, return_tensors="pt", return_dict=True
        )


def _need_gguf() -> None:
    from importlib.util import find_spec

    missing = [package for package in ("gguf", "accelerate") if find_spec(package) is None]
    if missing:
        raise RagError(
            f"the package {missing[0]} is missing, which reading .gguf files takes; pip install -e '.[gguf]'"
        )
