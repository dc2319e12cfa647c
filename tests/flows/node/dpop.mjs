// Tokens that are bound to a key (RFC 9449), by openid-client and oauth4webapi, and a view that is asked with npm's dpop too.
import * as dpop from "dpop";
import * as oauth from "oauth4webapi";
import * as client from "openid-client";
import { done, person, setup } from "./story.mjs";

const insecure = { [oauth.allowInsecureRequests]: true }; // plain http, on loopback
const verifier = oauth.generateRandomCodeVerifier();
const state = oauth.generateRandomState();
const keys = await oauth.generateKeyPair(setup.algorithm, { extractable: true });
const asked = {
  response_type: "code",
  redirect_uri: setup.redirect_uri,
  scope: "weather:read",
  state,
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
  code_challenge_method: "S256",
};
const api = new URL(setup.api);

async function by_openid_client() {
  const authentication = setup.client_secret ? client.ClientSecretBasic(setup.client_secret) : client.None();
  const config = await client.discovery(new URL(setup.issuer), setup.client_id, undefined, authentication, {
    algorithm: "oauth2",
    execute: [client.allowInsecureRequests],
  });
  const DPoP = client.getDPoPHandle(config, keys);
  const url = setup.pushed
    ? await client.buildAuthorizationUrlWithPAR(config, asked, { DPoP })
    : client.buildAuthorizationUrl(config, { ...asked, dpop_jkt: await DPoP.calculateThumbprint() });
  const back = new URL(await person({ open: url.href }));
  const checks = { pkceCodeVerifier: verifier, expectedState: state };
  const tokens = await client.authorizationCodeGrant(config, back, checks, undefined, { DPoP });
  const fresh = await client.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP });
  const me = await client.fetchProtectedResource(config, fresh.access_token, api, "GET", undefined, undefined, { DPoP });
  return { tokens, fresh, me: await me.json() };
}

// oauth4webapi keeps the nonce that an answer brings; who calls it tries once more.
async function twice(request) {
  try {
    return await request();
  } catch (error) {
    if (!oauth.isDPoPNonceError(error)) throw error;
    return request();
  }
}

async function by_oauth4webapi() {
  const issuer = new URL(setup.issuer);
  const found = await oauth.discoveryRequest(issuer, { ...insecure, algorithm: "oauth2" });
  const server = await oauth.processDiscoveryResponse(issuer, found);
  const registered = { client_id: setup.client_id };
  const authentication = setup.client_secret ? oauth.ClientSecretPost(setup.client_secret) : oauth.None();
  const DPoP = oauth.DPoP(registered, keys);
  const options = { ...insecure, DPoP };
  const url = new URL(server.authorization_endpoint);
  if (setup.pushed) {
    const pushed = await twice(async () => {
      const answer = await oauth.pushedAuthorizationRequest(server, registered, authentication, asked, options);
      return oauth.processPushedAuthorizationResponse(server, registered, answer);
    });
    url.search = new URLSearchParams({ client_id: setup.client_id, request_uri: pushed.request_uri });
  } else {
    const dpop_jkt = await DPoP.calculateThumbprint();
    url.search = new URLSearchParams({ ...asked, client_id: setup.client_id, dpop_jkt });
  }
  const back = new URL(await person({ open: url.href }));
  const parameters = oauth.validateAuthResponse(server, registered, back, state);
  const tokens = await twice(async () => {
    const answer = await oauth.authorizationCodeGrantRequest(
      server, registered, authentication, parameters, setup.redirect_uri, verifier, options,
    );
    return oauth.processAuthorizationCodeResponse(server, registered, answer);
  });
  const fresh = await twice(async () => {
    const answer = await oauth.refreshTokenGrantRequest(server, registered, authentication, tokens.refresh_token, options);
    return oauth.processRefreshTokenResponse(server, registered, answer);
  });
  const me = await twice(() => oauth.protectedResourceRequest(fresh.access_token, "GET", api, undefined, undefined, options));
  return { tokens, fresh, me: await me.json() };
}

// npm's dpop makes the proofs alone: here one with a query, which counts for nothing.
async function by_dpop(token) {
  const ask = async (nonce) => {
    const proof = await dpop.generateProof(keys, `${setup.api}?a=b`, "GET", nonce, token);
    return fetch(`${setup.api}?a=b`, { headers: { Authorization: `DPoP ${token}`, DPoP: proof } });
  };
  const first = await ask();
  const answer = first.status === 401 ? await ask(first.headers.get("DPoP-Nonce")) : first;
  return answer.json();
}

const { tokens, fresh, me } = await (setup.library === "openid_client" ? by_openid_client() : by_oauth4webapi());
const stolen = await fetch(setup.api, { headers: { Authorization: `Bearer ${fresh.access_token}` } });
done({ tokens, fresh, me, me_by_dpop: await by_dpop(fresh.access_token), stolen: stolen.status });
