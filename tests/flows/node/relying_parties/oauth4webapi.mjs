// oauth4webapi, which reads every answer as strictly as the specifications allow.
import express from "express";
import * as oauth from "oauth4webapi";

export default async function ({ issuer, client_id, client_secret, url }) {
  const client = { client_id, require_auth_time: true };
  const authentication = oauth.ClientSecretPost(client_secret);
  const options = { [oauth.allowInsecureRequests]: true }; // plain http, on loopback
  const at = new URL(issuer);
  const server = await oauth.processDiscoveryResponse(at, await oauth.discoveryRequest(at, options));
  const redirectUri = `${url}/callback`;
  const app = express();
  let sent;

  app.get("/login", async (request, response) => {
    sent = { verifier: oauth.generateRandomCodeVerifier(), state: oauth.generateRandomState(), nonce: oauth.generateRandomNonce() };
    const to = new URL(server.authorization_endpoint);
    to.search = new URLSearchParams({
      response_type: "code",
      client_id,
      redirect_uri: redirectUri,
      scope: "openid profile email",
      state: sent.state,
      nonce: sent.nonce,
      max_age: "3600",
      code_challenge: await oauth.calculatePKCECodeChallenge(sent.verifier),
      code_challenge_method: "S256",
    });
    response.redirect(to.href);
  });

  app.get("/callback", async (request, response) => {
    const parameters = oauth.validateAuthResponse(server, client, new URL(request.originalUrl, url), sent.state);
    const answer = await oauth.authorizationCodeGrantRequest(
      server, client, authentication, parameters, redirectUri, sent.verifier, options,
    );
    const tokens = await oauth.processAuthorizationCodeResponse(server, client, answer, {
      expectedNonce: sent.nonce,
      maxAge: 3600,
      requireIdToken: true,
    });
    await oauth.validateApplicationLevelSignature(server, answer, options);
    const claims = oauth.getValidatedIdTokenClaims(tokens);
    const told = await oauth.userInfoRequest(server, client, tokens.access_token, options);
    const userinfo = await oauth.processUserInfoResponse(server, client, claims.sub, told);
    const again = await oauth.refreshTokenGrantRequest(server, client, authentication, tokens.refresh_token, options);
    const refreshed = await oauth.processRefreshTokenResponse(server, client, again);
    response.json({ claims, userinfo, refreshed: oauth.getValidatedIdTokenClaims(refreshed) });
  });
  return app;
}
