// oauth4webapi, https://github.com/panva/oauth4webapi: every request, and every answer read as strictly as the RFCs allow.
import * as oauth from "oauth4webapi";
import { done, person, setup } from "./story.mjs";

const client = { client_id: setup.client_id };
const authentication = setup.client_secret ? oauth.ClientSecretPost(setup.client_secret) : oauth.None();
const options = { [oauth.allowInsecureRequests]: true }; // plain http, on loopback
const { resource, scope, server } = await discover();

// All that this client is told is the API's address: a refusal names its metadata (RFC 9728), that the server (RFC 8414).
async function discover() {
  let challenge;
  try {
    await oauth.protectedResourceRequest("none", "GET", new URL(setup.api), undefined, null, options);
  } catch (error) {
    challenge = error.cause[0].parameters;
  }
  const found = await fetch(challenge.resource_metadata);
  const resource = await oauth.processResourceDiscoveryResponse(new URL(setup.issuer), found);
  const issuer = new URL(resource.authorization_servers[0]);
  const response = await oauth.discoveryRequest(issuer, { ...options, algorithm: "oauth2" });
  return { resource, scope: challenge.scope, server: await oauth.processDiscoveryResponse(issuer, response) };
}

async function get(tokens) {
  const url = new URL(setup.api);
  const response = await oauth.protectedResourceRequest(tokens.access_token, "GET", url, undefined, null, options);
  return response.json();
}

async function introspect(token) {
  const response = await oauth.introspectionRequest(server, client, authentication, token, options);
  return oauth.processIntrospectionResponse(server, client, response);
}

async function revoke(token) {
  await oauth.processRevocationResponse(await oauth.revocationRequest(server, client, authentication, token, options));
}

async function authorize(more = {}, address = (asked) => asked) {
  const verifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();
  const url = new URL(server.authorization_endpoint);
  url.search = await address(new URLSearchParams({
    response_type: "code",
    client_id: client.client_id,
    redirect_uri: setup.redirect_uri,
    scope,
    resource: resource.resource,
    state,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    ...more,
  }));
  const back = new URL(await person({ open: url.href }));
  return { back, state, verifier };
}

// What the browser brings of a request that this client has pushed (RFC 9126).
async function push(asked) {
  const response = await oauth.pushedAuthorizationRequest(server, client, authentication, asked, options);
  const { request_uri } = await oauth.processPushedAuthorizationResponse(server, client, response);
  return new URLSearchParams({ client_id: client.client_id, request_uri });
}

async function redeem(parameters, verifier) {
  const response = await oauth.authorizationCodeGrantRequest(
    server, client, authentication, parameters, setup.redirect_uri, verifier, options,
  );
  return oauth.processAuthorizationCodeResponse(server, client, response);
}

const stories = {
  async code() {
    const { back, state, verifier } = await authorize();
    const tokens = await redeem(oauth.validateAuthResponse(server, client, back, state), verifier);
    const me = await get(tokens);
    const response = await oauth.refreshTokenGrantRequest(
      server, client, authentication, tokens.refresh_token, options,
    );
    const refreshed = await oauth.processRefreshTokenResponse(server, client, response);
    const active = await introspect(refreshed.access_token);
    await revoke(refreshed.refresh_token);
    const after = await introspect(refreshed.access_token);
    return { tokens, me, refreshed, active, after, resource, scope };
  },

  async authorization_details() { // RFC 9396: asked for in the browser, fewer of them at a refresh
    const wanted = JSON.stringify(setup.authorization_details);
    const { back, state, verifier } = await authorize({ authorization_details: wanted });
    const tokens = await redeem(oauth.validateAuthResponse(server, client, back, state), verifier);
    const additionalParameters = { authorization_details: JSON.stringify(setup.authorization_details.slice(0, 1)) };
    const response = await oauth.refreshTokenGrantRequest(
      server, client, authentication, tokens.refresh_token, { ...options, additionalParameters },
    );
    const refreshed = await oauth.processRefreshTokenResponse(server, client, response);
    const active = await introspect(refreshed.access_token);
    return { tokens, refreshed, active, types: server.authorization_details_types_supported };
  },

  async pushed() {
    const { back, state, verifier } = await authorize({ response_mode: "jwt" }, push);
    const answer = await oauth.validateJwtAuthResponse(server, client, back, state, options);
    const tokens = await redeem(answer, verifier);
    return { tokens, me: await get(tokens), beside: [...back.searchParams.keys()] };
  },

  async another_issuer() {
    const { back, state } = await authorize();
    back.searchParams.set("iss", "http://127.0.0.1:1");
    try {
      oauth.validateAuthResponse(server, client, back, state);
    } catch (error) {
      return { refused: error.message };
    }
    return {};
  },

  async refused() {
    const { back, state } = await authorize();
    try {
      oauth.validateAuthResponse(server, client, back, state);
    } catch (error) {
      return { error: error.error, description: error.error_description };
    }
    return {};
  },

  async wrong_verifier() {
    const { back, state } = await authorize();
    try {
      await redeem(oauth.validateAuthResponse(server, client, back, state), oauth.generateRandomCodeVerifier());
    } catch (error) {
      return { error: error.error, status: error.status };
    }
    return {};
  },

  async device() {
    const started = await oauth.deviceAuthorizationRequest(
      server, client, authentication, new URLSearchParams({ scope: "weather:read" }), options,
    );
    const answer = await oauth.processDeviceAuthorizationResponse(server, client, started);
    const ask = async () => {
      const response = await oauth.deviceCodeGrantRequest(
        server, client, authentication, answer.device_code, options,
      );
      return oauth.processDeviceCodeResponse(server, client, response);
    };
    let pending;
    try {
      await ask();
    } catch (error) {
      pending = error.error;
    }
    await person({ type: answer.user_code });
    const tokens = await ask();
    return { answer, pending, tokens, me: await get(tokens) };
  },

  async client_credentials() {
    const parameters = new URLSearchParams({ scope: "weather:read" });
    const response = await oauth.clientCredentialsGrantRequest(server, client, authentication, parameters, options);
    const tokens = await oauth.processClientCredentialsResponse(server, client, response);
    const active = await introspect(tokens.access_token);
    await revoke(tokens.access_token);
    const after = await introspect(tokens.access_token);
    return { tokens, active, after };
  },
};

done(await stories[setup.story]());
