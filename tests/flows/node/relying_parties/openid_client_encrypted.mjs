// openid-client, whose ID tokens and userinfo are encrypted to a key that it publishes at /jwks.
import express from "express";
import * as jose from "jose";
import * as client from "openid-client";

export default async function ({ issuer, client_id, client_secret, url }) {
  const { publicKey, privateKey } = await jose.generateKeyPair("RSA-OAEP-256");
  const app = express();
  app.get("/jwks", async (request, response) => {
    response.json({ keys: [{ ...(await jose.exportJWK(publicKey)), kid: "mine", use: "enc" }] });
  });
  const metadata = { id_token_signed_response_alg: "ES256", userinfo_signed_response_alg: "PS256" };
  const config = await client.discovery(new URL(issuer), client_id, metadata, client.ClientSecretBasic(client_secret), {
    execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks], // plain http, on loopback
  });
  client.enableDecryptingResponses(config, ["A256GCM", "A128CBC-HS256"], { key: privateKey, kid: "mine" });
  let checks;

  app.get("/login", async (request, response) => {
    checks = {
      pkceCodeVerifier: client.randomPKCECodeVerifier(),
      expectedNonce: client.randomNonce(),
      idTokenExpected: true,
    };
    const to = client.buildAuthorizationUrl(config, {
      redirect_uri: `${url}/callback`,
      scope: "openid profile email",
      nonce: checks.expectedNonce,
      code_challenge: await client.calculatePKCECodeChallenge(checks.pkceCodeVerifier),
      code_challenge_method: "S256",
    });
    response.redirect(to.href);
  });
  app.get("/callback", async (request, response) => {
    const tokens = await client.authorizationCodeGrant(config, new URL(request.originalUrl, url), checks);
    const claims = tokens.claims();
    const userinfo = await client.fetchUserInfo(config, tokens.access_token, claims.sub);
    response.json({ claims, userinfo });
  });
  return app;
}
