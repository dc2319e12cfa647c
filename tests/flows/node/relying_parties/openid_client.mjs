// openid-client, which checks each ID token's signature too, and how long ago its user signed in.
import express from "express";
import * as client from "openid-client";

export default async function ({ issuer, client_id, client_secret, url }) {
  const authentication = client.ClientSecretBasic(client_secret);
  const config = await client.discovery(new URL(issuer), client_id, undefined, authentication, {
    execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks], // plain http, on loopback
  });
  const app = express();
  let checks;

  app.get("/login", async (request, response) => {
    checks = {
      pkceCodeVerifier: client.randomPKCECodeVerifier(),
      expectedState: client.randomState(),
      expectedNonce: client.randomNonce(),
      maxAge: 3600,
      idTokenExpected: true,
    };
    const to = client.buildAuthorizationUrl(config, {
      redirect_uri: `${url}/callback`,
      scope: "openid profile email offline_access",
      state: checks.expectedState,
      nonce: checks.expectedNonce,
      max_age: checks.maxAge,
      code_challenge: await client.calculatePKCECodeChallenge(checks.pkceCodeVerifier),
      code_challenge_method: "S256",
    });
    response.redirect(to.href);
  });

  app.get("/callback", async (request, response) => {
    const tokens = await client.authorizationCodeGrant(config, new URL(request.originalUrl, url), checks);
    const claims = tokens.claims();
    const userinfo = await client.fetchUserInfo(config, tokens.access_token, claims.sub);
    const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token);
    response.json({ claims, userinfo, refreshed: refreshed.claims() });
  });
  return app;
}
