// Copy buttons beside readonly fields; without JavaScript there are none, and the fields' texts can be selected.
const status = document.getElementById("copied");

for (const button of document.querySelectorAll("button[data-copies]")) {
  const field = document.getElementById(button.dataset.copies);
  const word = button.firstElementChild;
  const usual = word.textContent;
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(field.value);
    } catch { // on plain http, or where the browser doesn't allow it
      field.select();
      if (!document.execCommand("copy")) return;
    }
    button.focus();
    word.textContent = status.dataset.said;
    status.textContent = "";
    setTimeout(() => { status.textContent = `${status.dataset.said}: ${field.labels[0].textContent}`; }, 50);
    setTimeout(() => { word.textContent = usual; }, 3000);
  });
}
