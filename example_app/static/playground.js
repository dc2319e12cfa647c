// What is nicer with a script. Everything works without it.
"use strict";

// A button to copy what is meant for a terminal.
for (const code of document.querySelectorAll("[data-copy]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(code.textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(code);
      button.textContent = "Selected: press Ctrl+C";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
  code.parentElement.before(button);
}

// In the implicit flow the token is in the address alone. It goes into the field, and out of the address and the history.
const field = document.querySelector("[data-address]");
if (field !== null && location.hash.length > 1) {
  field.value = location.href;
  history.replaceState(null, "", location.pathname);
}

// A second press while the first is on its way does nothing.
for (const form of document.querySelectorAll("form")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) {
      event.preventDefault();
    }
    form.dataset.sent = "yes";
  });
}
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form")) {
    delete form.dataset.sent;
  }
});
