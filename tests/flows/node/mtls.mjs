// A certificate as authentication, and a token bound to it (RFC 8705), by openid-client and oauth4webapi.
import { readFileSync } from "node:fs";
import https from "node:https";
import * as oauth from "oauth4webapi";
import * as client from "openid-client";
import { done, setup } from "./story.mjs";

const tls = { cert: readFileSync(setup.certificate), key: readFileSync(setup.key), ca: readFileSync(setup.ca) };

// Node's own fetch takes no certificate.
function with_certificate(url, options) {
  return new Promise((resolve, reject) => {
    const headers = Object.fromEntries(new Headers(options.headers));
    const sent = https.request(url, { method: options.method, headers, ...tls }, (answer) => {
      const parts = [];
      answer.on("data", (part) => parts.push(part));
      answer.on("end", () => resolve(new Response(Buffer.concat(parts), { status: answer.statusCode, headers: answer.headers })));
    });
    sent.on("error", reject);
    sent.end(options.body ? String(options.body) : undefined);
  });
}

const api = new URL(setup.api);
const metadata = { use_mtls_endpoint_aliases: true };

async function by_openid_client() {
  const options = { algorithm: "oauth2", [client.customFetch]: with_certificate };
  const config = await client.discovery(new URL(setup.issuer), setup.client_id, metadata, client.TlsClientAuth(), options);
  const tokens = await client.clientCredentialsGrant(config, { scope: "weather:read" });
  const me = await client.fetchProtectedResource(config, tokens.access_token, api, "GET");
  return { tokens, me: await me.json() };
}

async function by_oauth4webapi() {
  const issuer = new URL(setup.issuer);
  const options = { [oauth.customFetch]: with_certificate };
  const found = await oauth.discoveryRequest(issuer, { ...options, algorithm: "oauth2" });
  const server = await oauth.processDiscoveryResponse(issuer, found);
  const registered = { client_id: setup.client_id, ...metadata };
  const asked = { scope: "weather:read" };
  const answer = await oauth.clientCredentialsGrantRequest(server, registered, oauth.TlsClientAuth(), asked, options);
  const tokens = await oauth.processClientCredentialsResponse(server, registered, answer);
  const me = await oauth.protectedResourceRequest(tokens.access_token, "GET", api, undefined, undefined, options);
  return { tokens, me: await me.json() };
}

done(setup.library === "openid_client" ? await by_openid_client() : await by_oauth4webapi());
