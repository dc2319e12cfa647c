// Draws the diagrams, and again where the reader changes between light and dark.
const diagrams = [...document.querySelectorAll("pre.mermaid")];
const texts = diagrams.map((diagram) => diagram.textContent);
const system = matchMedia("(prefers-color-scheme: dark)");

const isDark = () => {
  const chosen = document.body.dataset.theme;
  return chosen === "dark" || (chosen !== "light" && system.matches);
};

let drawn;
const draw = async () => {
  if (drawn === isDark()) return;
  drawn = isDark();
  mermaid.initialize({ startOnLoad: false, theme: drawn ? "dark" : "neutral", fontFamily: "sans-serif" });
  diagrams.forEach((diagram, number) => {
    diagram.removeAttribute("data-processed");
    diagram.textContent = texts[number];
  });
  await mermaid.run({ nodes: diagrams });
};

if (diagrams.length) {
  draw();
  system.addEventListener("change", draw);
  new MutationObserver(draw).observe(document.body, { attributeFilter: ["data-theme"] });
}
