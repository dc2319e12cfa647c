// openid-client, which checks each ID token's signature too, and how long ago its user signed in: with a code, and under
// /hybrid with a code and an ID token at once, by form_post.
import express from "express";
import * as client from "openid-client";

export default async function ({ issuer, client_id, client_secret, url }) {
  const discover = () =>
    client.discovery(new URL(issuer), client_id, undefined, client.ClientSecretBasic(client_secret), {
      execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks], // plain http, on loopback
    });
  const app = express();
  app.use(express.text({ type: "application/x-www-form-urlencoded" }));
  const config = await discover();
  const hybrid = await discover();
  client.useCodeIdTokenResponseType(hybrid);
  let checks;

  const send = (config, redirect_uri, further) => async (request, response) => {
    checks = {
      pkceCodeVerifier: client.randomPKCECodeVerifier(),
      expectedState: client.randomState(),
      expectedNonce: client.randomNonce(),
      maxAge: 3600,
      idTokenExpected: true,
    };
    const to = client.buildAuthorizationUrl(config, {
      redirect_uri,
      scope: "openid profile email offline_access",
      state: checks.expectedState,
      nonce: checks.expectedNonce,
      max_age: checks.maxAge,
      code_challenge: await client.calculatePKCECodeChallenge(checks.pkceCodeVerifier),
      code_challenge_method: "S256",
      ...further,
    });
    response.redirect(to.href);
  };
  app.get("/login", send(config, `${url}/callback`));
  app.get("/hybrid/login", send(hybrid, `${url}/hybrid/callback`, { response_mode: "form_post" }));

  const show = async (config, answer, response) => {
    const tokens = await client.authorizationCodeGrant(config, answer, checks);
    const claims = tokens.claims();
    const userinfo = await client.fetchUserInfo(config, tokens.access_token, claims.sub);
    const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token);
    response.json({ claims, userinfo, refreshed: refreshed.claims() });
  };
  app.get("/callback", (request, response) => show(config, new URL(request.originalUrl, url), response));
  app.post("/hybrid/callback", (request, response) => {
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    const answer = new Request(url + request.originalUrl, { method: "POST", headers, body: request.body });
    return show(hybrid, answer, response);
  });
  return app;
}
