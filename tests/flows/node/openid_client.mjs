// openid-client, https://github.com/panva/openid-client, as its README shows it.
import * as client from "openid-client";
import { done, person, setup } from "./story.mjs";

const authentication = setup.client_secret ? client.ClientSecretBasic(setup.client_secret) : client.None();
const config = await client.discovery(new URL(setup.issuer), setup.client_id, undefined, authentication, {
  algorithm: "oauth2",
  execute: [client.allowInsecureRequests], // plain http, on loopback
});

async function get(tokens) {
  const response = await client.fetchProtectedResource(config, tokens.access_token, new URL(setup.api), "GET");
  return response.json();
}

const stories = {
  async code() {
    const pkceCodeVerifier = client.randomPKCECodeVerifier();
    const expectedState = client.randomState();
    const url = client.buildAuthorizationUrl(config, {
      redirect_uri: setup.redirect_uri,
      scope: "weather:read",
      state: expectedState,
      code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: "S256",
    });
    const back = new URL(await person({ open: url.href }));
    const tokens = await client.authorizationCodeGrant(config, back, { pkceCodeVerifier, expectedState });
    const me = await get(tokens);
    const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token);
    const active = await client.tokenIntrospection(config, refreshed.access_token);
    await client.tokenRevocation(config, refreshed.refresh_token);
    const after = await client.tokenIntrospection(config, refreshed.access_token);
    return { tokens, me, refreshed, active, after };
  },

  async pushed() {
    const pkceCodeVerifier = client.randomPKCECodeVerifier();
    const expectedState = client.randomState();
    client.useJwtResponseMode(config);
    const url = await client.buildAuthorizationUrlWithPAR(config, {
      redirect_uri: setup.redirect_uri,
      scope: "weather:read",
      state: expectedState,
      code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: "S256",
    });
    const back = new URL(await person({ open: url.href }));
    const tokens = await client.authorizationCodeGrant(config, back, { pkceCodeVerifier, expectedState });
    return { tokens, me: await get(tokens), beside: [...back.searchParams.keys()] };
  },

  async another_issuer() {
    const expectedState = client.randomState();
    const pkceCodeVerifier = client.randomPKCECodeVerifier();
    const url = client.buildAuthorizationUrl(config, {
      redirect_uri: setup.redirect_uri,
      state: expectedState,
      code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: "S256",
    });
    const back = new URL(await person({ open: url.href }));
    back.searchParams.set("iss", "http://127.0.0.1:1");
    try {
      await client.authorizationCodeGrant(config, back, { pkceCodeVerifier, expectedState });
    } catch (error) {
      return { refused: `${error.message} ${error.cause?.message ?? ""}` };
    }
    return {};
  },

  async refused() {
    const expectedState = client.randomState();
    const url = client.buildAuthorizationUrl(config, {
      redirect_uri: setup.redirect_uri,
      state: expectedState,
      code_challenge: await client.calculatePKCECodeChallenge(client.randomPKCECodeVerifier()),
      code_challenge_method: "S256",
    });
    const back = new URL(await person({ open: url.href }));
    try {
      await client.authorizationCodeGrant(config, back, { expectedState });
    } catch (error) {
      return { error: error.error, description: error.error_description };
    }
    return {};
  },

  async wrong_verifier() {
    const expectedState = client.randomState();
    const url = client.buildAuthorizationUrl(config, {
      redirect_uri: setup.redirect_uri,
      state: expectedState,
      code_challenge: await client.calculatePKCECodeChallenge(client.randomPKCECodeVerifier()),
      code_challenge_method: "S256",
    });
    const back = new URL(await person({ open: url.href }));
    const pkceCodeVerifier = client.randomPKCECodeVerifier();
    try {
      await client.authorizationCodeGrant(config, back, { pkceCodeVerifier, expectedState });
    } catch (error) {
      return { error: error.error, status: error.status };
    }
    return {};
  },

  async device() {
    const answer = await client.initiateDeviceAuthorization(config, { scope: "weather:read" });
    const polled = client.pollDeviceAuthorizationGrant(config, answer);
    await person({ type: answer.user_code });
    const tokens = await polled;
    return { answer, tokens, me: await get(tokens) };
  },

  async client_credentials() {
    const tokens = await client.clientCredentialsGrant(config, { scope: "weather:read" });
    const active = await client.tokenIntrospection(config, tokens.access_token);
    await client.tokenRevocation(config, tokens.access_token);
    const after = await client.tokenIntrospection(config, tokens.access_token);
    return { tokens, active, after };
  },
};

done(await stories[setup.story]());
