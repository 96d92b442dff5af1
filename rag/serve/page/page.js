// The small part of the page that runs in the browser: clicks become events of the conversation component,
// whose `trigger` Gradio hands over in `attach`. No text of an article is ever made into HTML here.
(() => {
  "use strict";
  const chat = (window.ragChat = {});
  const $ = (selector, root = document) => root.querySelector(selector);
  let trigger = () => {};
  let wanted = null; // the marker whose source is to be brought into view
  let opener = null; // what had the focus before the dialog

  chat.attach = (given) => { trigger = given; };
  chat.token = () => { try { return sessionStorage.getItem("rag-session") || ""; } catch { return ""; } };
  chat.keepToken = (token) => { chat.speak(); try { sessionStorage.setItem("rag-session", token); } catch { /* private mode */ } };

  // What is said to screen readers, and shown for a moment when it is more than an answer.
  const said = Object.assign(document.createElement("div"), { id: "said" });
  said.setAttribute("role", "status");
  let fading;
  chat.say = (text, shown = true) => {
    said.textContent = text;
    said.classList.toggle("shown", shown && Boolean(text));
    clearTimeout(fading);
    fading = setTimeout(() => said.classList.remove("shown"), 4000);
  };

  const panel = (name) => {
    const tab = document.getElementById(`tab-${name}-button`);
    if (tab && tab.getAttribute("aria-selected") !== "true") tab.click();
  };
  const calm = () => (matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth");

  // --- sources ---
  const showSource = (n) => {
    panel("sources");
    requestAnimationFrame(() => {
      document.querySelectorAll(".source.lit").forEach((card) => card.classList.remove("lit"));
      const card = document.getElementById(`source-${n}`);
      if (!card) return;
      card.classList.add("lit");
      card.scrollIntoView({ block: "nearest", behavior: calm() });
      card.focus({ preventScroll: true });
    });
  };
  const turnOf = (element) => Number($(".actions", element.closest(".turn")).dataset.turn);
  chat.sourcesShown = () => {
    const turn = $("#sources .sources")?.dataset.turn;
    document.querySelectorAll("#log .turn").forEach((entry, i) => {
      entry.classList.toggle("shown", String(i) === turn);
      $("[data-action=turn]", entry)?.setAttribute("aria-pressed", String(String(i) === turn));
    });
    if (wanted === null) return;
    if (wanted > 0) showSource(wanted);
    else {
      panel("sources");
      if (matchMedia("(max-width: 899px)").matches) $("#side")?.scrollIntoView({ behavior: calm() });
    }
    wanted = null;
  };

  // --- articles ---
  const list = (page) => {
    const form = $("#finder form");
    trigger("key_up", { find: form.elements.find.value, order: form.elements.order.value, page });
  };
  let typing;
  document.addEventListener("input", (event) => { // the list follows what is typed, a moment later
    if (!event.target.closest?.("#finder form")) return;
    clearTimeout(typing);
    typing = setTimeout(() => list(0), event.target.name === "find" ? 200 : 0);
  });

  chat.openWhole = () => {
    const dialog = $("#whole dialog");
    if (!dialog || dialog.open) return;
    dialog.showModal();
    dialog.addEventListener("close", () => { // comes later: who has begun to type meanwhile keeps the focus
      if (document.activeElement === document.body && opener?.isConnected) opener.focus();
    });
    $(".box, mark.chosen", dialog)?.scrollIntoView({ block: "center" });
    $(".pages, .text", dialog).focus({ preventScroll: true });
  };

  // --- keeping ---
  chat.save = (text, name, type) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  };
  const copy = async (text, said) => {
    try { await navigator.clipboard.writeText(text); } catch {
      const area = Object.assign(document.createElement("textarea"), { value: text });
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    chat.say(said);
  };

  chat.answered = (news) => {
    chat.say(news, false);
    const turns = document.querySelectorAll("#log .turn");
    turns[turns.length - 1]?.scrollIntoView({ block: "start", behavior: calm() });
  };
  chat.asking = () => $("#pending")?.scrollIntoView({ block: "end", behavior: calm() });

  const actions = {
    source(button) {
      const turn = turnOf(button);
      const n = Number(button.dataset.n);
      if ($("#sources .sources")?.dataset.turn === String(turn)) return showSource(n);
      wanted = n;
      trigger("select", { turn });
    },
    turn(button) { wanted = 0; trigger("select", { turn: turnOf(button) }); },
    open(button) {
      opener = button;
      const { document: id, start, end } = button.dataset;
      trigger("expand", { document: id, start: Number(start), end: Number(end) });
    },
    close(button) { button.closest("dialog").close(); },
    copy(button) { copy(button.dataset.copy, button.dataset.said); },
    stop(button) { button.disabled = true; trigger("stop", {}); },
    overview() { trigger("submit", { overview: true }); },
    page(button) { list(Number(button.dataset.page)); },
    only(button) { trigger("apply", { only: button.dataset.name }); },
    drop(button) { trigger("apply", { drop: button.dataset.name }); },
    view(button) {
      const text = $("#whole dialog").classList.toggle("as-text");
      button.setAttribute("aria-pressed", String(text));
      if (text) $("#whole mark.chosen")?.scrollIntoView({ block: "center" });
    },
    example(button) { trigger("submit", { question: button.textContent, alone: true }); },
    remove(button) { trigger("delete", { document: button.dataset.document }); },
    theme() {
      const dark = document.body.classList.toggle("dark");
      try { localStorage.setItem("rag-theme", dark ? "dark" : "light"); } catch { /* private mode */ }
    },
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("button[data-action]");
    if (button && actions[button.dataset.action]) actions[button.dataset.action](button);
    else if (event.target.matches?.("#whole dialog")) event.target.close(); // beside the dialog
  });
  document.addEventListener("submit", (event) => {
    const form = event.target.closest("form[data-action]");
    if (!form) return;
    event.preventDefault();
    const data = new FormData(form);
    if (form.dataset.action === "again") trigger("submit", { question: data.get("question"), alone: true });
    if (form.dataset.action === "find") list(0);
    if (form.dataset.action === "filter") trigger("apply", Object.fromEntries(data));
    if (form.dataset.action === "complain") {
      trigger("like", { turn: turnOf(form), wrong: data.get("wrong"), remark: data.get("remark") });
      form.closest("details").open = false;
    }
  });

  document.addEventListener("toggle", (event) => { // a form that opens must not lie under the question box
    if (event.target.open) $(":scope > form", event.target)?.scrollIntoView({ block: "nearest", behavior: calm() });
  }, true);

  // --- files dropped anywhere ---
  const files = (event) => [...(event.dataTransfer?.types || [])].includes("Files");
  addEventListener("dragover", (event) => {
    if (!files(event)) return;
    event.preventDefault();
    document.body.classList.add("dropping");
  });
  addEventListener("dragleave", (event) => { if (!event.relatedTarget) document.body.classList.remove("dropping"); });
  addEventListener("drop", (event) => {
    document.body.classList.remove("dropping");
    if (!files(event) || event.target.closest?.("#upload")) return;
    event.preventDefault();
    const dropped = event.dataTransfer.files;
    panel("articles");
    requestAnimationFrame(() => {
      const input = $("#upload input[type=file]");
      if (!input) return;
      const moved = new DataTransfer();
      [...dropped].forEach((file) => moved.items.add(file));
      input.files = moved.files;
      input.dispatchEvent(new Event("change", { bubbles: true }));
    });
  }, true);

  // --- light and dark ---
  const theme = () => {
    try {
      const kept = localStorage.getItem("rag-theme");
      if (kept) document.body.classList.toggle("dark", kept === "dark");
    } catch { /* private mode */ }
  };
  chat.ready = () => {
    theme();
    document.body.append(said);
  };
  chat.speak = () => { // the server says in which language, and what stands where no component is
    const head = $("#top header");
    if (!head) return;
    document.documentElement.lang = head.lang;
    document.title = $("h1", head).textContent;
    document.body.dataset.drop = head.dataset.drop;
  };
})();
