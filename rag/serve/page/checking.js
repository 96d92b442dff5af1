// The second mode, "Check a text": which mode is shown, and a click on a sentence.
(() => {
  "use strict";
  const checking = (window.ragChecking = {});
  let trigger = () => {};
  let chosen = null; // the sentence whose evidence is shown
  checking.attach = (given) => { trigger = given; };

  const show = (mode) => {
    document.body.classList.toggle("checking", mode === "check");
    document.querySelectorAll("#modes button").forEach((button) =>
      button.setAttribute("aria-pressed", String(button.dataset.mode === mode)));
  };
  const ofAddress = () => show(location.hash === "#check" ? "check" : "ask");
  checking.ready = ofAddress;
  addEventListener("hashchange", ofAddress);

  const light = () => document.querySelectorAll("#checked .said").forEach((said) =>
    said.classList.toggle("chosen", said.dataset.sentence === chosen));
  checking.shown = () => {
    light();
    if (matchMedia("(max-width: 899px)").matches) document.querySelector("#evidence")?.scrollIntoView({ block: "start" });
    document.querySelector("#evidence .said-of")?.focus({ preventScroll: true });
  };

  document.addEventListener("click", (event) => {
    const mode = event.target.closest?.("button[data-action=mode]");
    if (mode) {
      const page = location.pathname + location.search; // "#check" alone would be taken from the base, without ?lang=
      history.replaceState(null, "", mode.dataset.mode === "check" ? `${page}#check` : page);
      show(mode.dataset.mode);
    }
    const said = event.target.closest?.("#checked .said");
    if (!said || String(getSelection())) return; // whoever marks words wants to copy them
    chosen = said.dataset.sentence;
    trigger("select", { sentence: Number(chosen) });
  });
})();
