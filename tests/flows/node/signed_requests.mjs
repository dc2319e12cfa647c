// Signed requests (RFC 9101) by openid-client and oauth4webapi, which sign, and jose, which encrypts; each to the tokens.
import { CompactEncrypt, importJWK, importPKCS8 } from "jose";
import * as oauth from "oauth4webapi";
import * as client from "openid-client";
import { done, person, setup } from "./story.mjs";

const key = { key: await importPKCS8(setup.key, setup.algorithm), kid: "k1" };
const insecure = { [oauth.allowInsecureRequests]: true }; // plain http, on loopback
const verifier = oauth.generateRandomCodeVerifier();
const state = oauth.generateRandomState();
const asked = {
  response_type: "code",
  redirect_uri: setup.redirect_uri,
  scope: "weather:read",
  state,
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
  code_challenge_method: "S256",
};

async function by_openid_client() {
  const authentication = client.ClientSecretBasic(setup.client_secret);
  const config = await client.discovery(new URL(setup.issuer), setup.client_id, undefined, authentication, {
    algorithm: "oauth2",
    execute: [client.allowInsecureRequests],
  });
  let url = await client.buildAuthorizationUrlWithJAR(config, asked, key);
  if (setup.story === "pushed") {
    url = await client.buildAuthorizationUrlWithPAR(config, url.searchParams);
  } else if (setup.story === "encrypted") {
    url.searchParams.set("request", await encrypted(config.serverMetadata(), url.searchParams.get("request")));
  }
  const back = new URL(await person({ open: url.href }));
  return client.authorizationCodeGrant(config, back, { pkceCodeVerifier: verifier, expectedState: state });
}

async function by_oauth4webapi() {
  const issuer = new URL(setup.issuer);
  const found = await oauth.discoveryRequest(issuer, { ...insecure, algorithm: "oauth2" });
  const server = await oauth.processDiscoveryResponse(issuer, found);
  const registered = { client_id: setup.client_id };
  const authentication = oauth.ClientSecretPost(setup.client_secret);
  let request = await oauth.issueRequestObject(server, registered, asked, key);
  if (setup.story === "encrypted") {
    request = await encrypted(server, request);
  }
  const url = new URL(server.authorization_endpoint);
  if (setup.story === "pushed") {
    const answer = await oauth.pushedAuthorizationRequest(server, registered, authentication, { request }, insecure);
    const pushed = await oauth.processPushedAuthorizationResponse(server, registered, answer);
    url.search = new URLSearchParams({ client_id: setup.client_id, request_uri: pushed.request_uri });
  } else {
    url.search = new URLSearchParams({ client_id: setup.client_id, request });
  }
  const back = new URL(await person({ open: url.href }));
  const parameters = oauth.validateAuthResponse(server, registered, back, state);
  const response = await oauth.authorizationCodeGrantRequest(
    server, registered, authentication, parameters, setup.redirect_uri, verifier, insecure,
  );
  return oauth.processAuthorizationCodeResponse(server, registered, response);
}

// The key is found in the server's key set, by what the metadata say can be done.
async function encrypted(server, request) {
  const alg = setup.encryption;
  if (!server.request_object_encryption_alg_values_supported.includes(alg)) throw new Error("not offered");
  const [enc] = server.request_object_encryption_enc_values_supported;
  const { keys } = await (await fetch(server.jwks_uri)).json();
  const jwk = keys.find((each) => each.use === "enc" && each.alg === alg);
  return new CompactEncrypt(new TextEncoder().encode(request))
    .setProtectedHeader({ alg, enc, kid: jwk.kid, cty: "oauth-authz-req+jwt" })
    .encrypt(await importJWK(jwk, alg));
}

const tokens = await (setup.library === "openid_client" ? by_openid_client() : by_oauth4webapi());
const me = await fetch(setup.api, { headers: { Authorization: `Bearer ${tokens.access_token}` } });
done({ tokens, me: await me.json() });
