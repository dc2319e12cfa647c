// Redirect URIs while they are typed: asks the server, whose own sentences are shown. Without JavaScript it says so at the end.
(() => {
  const place = document.querySelector("[data-checks]");
  const field = place && document.getElementById(place.dataset.checks);
  const form = field && field.form;
  if (!form || !window.fetch) return;
  let timer = 0;
  let asked = 0;
  const check = async () => {
    const number = ++asked;
    const body = new URLSearchParams({ redirect_uris: field.value });
    body.set("form_token", form.elements.form_token.value);
    try {
      const answer = await fetch(form.dataset.check, { method: "POST", body, credentials: "same-origin" });
      const said = answer.ok ? await answer.json() : {};
      if (number !== asked) return;
      const problems = said.problems || [];
      place.textContent = problems.join("\n");
      field.setAttribute("aria-invalid", String(problems.length > 0));
    } catch {
      place.textContent = "";
    }
  };
  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(check, 400);
  });
})();
