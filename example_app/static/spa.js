// A public client in a browser: authorization code with PKCE (RFC 7636). The token lives in this variable and nowhere
// else, so a reload forgets it. Only what has to survive the way to the server and back is kept, for one tab and once.
"use strict";

let token = null;

const setup = document.getElementById("app").dataset;
const redirectUri = location.origin + location.pathname;
const issuer = setup.issuer;

function base64url(bytes) {
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function random() {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

function show(part, text) {
  for (const section of document.querySelectorAll("[data-part]")) {
    section.hidden = section.dataset.part !== part;
  }
  if (text !== undefined) {
    document.querySelector(`[data-part="${part}"] [data-text]`).textContent = text;
  }
}

async function signIn() {
  const verifier = random();
  const state = random();
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  sessionStorage.setItem("authorization", JSON.stringify({ verifier, state }));
  location.assign(setup.authorize + "?" + new URLSearchParams({
    response_type: "code",
    client_id: setup.clientId,
    redirect_uri: redirectUri,
    scope: "weather:read weather:write",
    state,
    code_challenge: base64url(new Uint8Array(digest)),
    code_challenge_method: "S256",
  }));
}

async function post(url, form) {
  const response = await fetch(url, { method: "POST", body: new URLSearchParams(form) });
  const answer = await response.json();
  if (!response.ok) {
    throw new Error(`${answer.error}: ${answer.error_description}`);
  }
  return answer;
}

async function get(url) {
  const response = await fetch(url, { headers: { Authorization: `Bearer ${token.access_token}` } });
  return { ok: response.ok, answer: await response.json() };
}

async function comeBack(answer) {
  const kept = JSON.parse(sessionStorage.getItem("authorization"));
  sessionStorage.removeItem("authorization");
  history.replaceState(null, "", redirectUri);  // the code goes out of the address and the history
  if (kept === null || answer.get("state") !== kept.state || answer.get("iss") !== issuer) {
    throw new Error("This answer doesn't belong to a request of this page.");
  }
  if (answer.has("error")) {
    throw new Error(`${answer.get("error")}: ${answer.get("error_description")}`);
  }
  token = await post(setup.token, {
    grant_type: "authorization_code",
    client_id: setup.clientId,
    redirect_uri: redirectUri,
    code: answer.get("code"),
    code_verifier: kept.verifier,
  });
  await refresh();
}

async function refresh() {
  const me = await get(setup.me);
  if (!me.ok) {
    throw new Error(`${me.answer.error}: ${me.answer.error_description}`);
  }
  const weather = await get(setup.weather);
  document.getElementById("sky").textContent =
    weather.ok ? `${weather.answer.sky}, ${weather.answer.temperature} °C` : `not for this token (${weather.answer.error})`;
  document.getElementById("scopes").textContent = token.scope || "none";
  document.getElementById("ends").textContent = new Date(Date.now() + token.expires_in * 1000).toLocaleTimeString();
  show("in", me.answer.name);
}

async function signOut() {
  await post(setup.revoke, { client_id: setup.clientId, token: token.access_token });
  token = null;
  show("out");
}

function guarded(action) {
  return async () => {
    try {
      await action();
    } catch (error) {
      show("problem", error.message);
    }
  };
}

for (const [action, run] of Object.entries({ "sign-in": signIn, "sign-out": signOut, again: refresh })) {
  for (const button of document.querySelectorAll(`[data-action="${action}"]`)) {
    button.addEventListener("click", guarded(run));
  }
}

const answer = new URLSearchParams(location.search);
if (answer.has("code") || answer.has("error")) {
  guarded(() => comeBack(answer))();
} else {
  show("out");
}
