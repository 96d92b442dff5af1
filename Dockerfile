# rag-articles: the chat and the interfaces for programs on port 7860. See docs/serving.md.
FROM python:3.11-slim

ARG TORCH_INDEX=""
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 RAG_HOME=/data HOME=/data HF_HUB_OFFLINE=1

WORKDIR /app
COPY . .
RUN pip install --no-cache-dir -q -c constraints.txt ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} . \
    && useradd --system --uid 10001 --home-dir /data rag \
    && mkdir -p /data /articles \
    && cp seeds/*.txt /articles/ \
    && chown rag /data

USER 10001
VOLUME /data
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=10s --start-period=180s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:7860/healthz', timeout=8)"]
CMD ["rag", "serve", "--corpus", "/articles", "--host", "0.0.0.0", "--port", "7860"]
