// express-openid-connect, as its README shows it: an ID token by form_post, from the authorize endpoint itself, under /plain;
// a code, for an app that calls APIs, under /code; and an app that hears of sign-outs by the back channel, under /told.
import express from "express";
import openid from "express-openid-connect";

export default async function ({ issuer, client_id, client_secret, url }) {
  const app = express();
  const common = { issuerBaseURL: issuer, clientID: client_id, secret: "a secret of the app's own", authRequired: false };
  const kept = new Map();
  const store = {
    get: (key, done) => done(null, kept.get(key)),
    set: (key, value, done) => done(null, kept.set(key, value)),
    destroy: (key, done) => done(null, kept.delete(key)),
  };
  const use = (path, config) => {
    const session = { name: `session${path.slice(1)}` };
    app.use(path, openid.auth({ ...common, ...config, baseURL: url + path, session }));
    app.get(path, async (request, response) => {
      const asks = request.oidc.accessToken && !config.backchannelLogout; // a sign-out ends the token too
      const userinfo = asks ? await request.oidc.fetchUserInfo() : undefined;
      response.json({ claims: request.oidc.user, userinfo });
    });
  };
  use("/plain", {});
  use("/code", {
    clientSecret: client_secret,
    authorizationParams: { response_type: "code", scope: "openid profile email offline_access" },
    idpLogout: true,
  });
  use("/told", {
    clientSecret: client_secret,
    authorizationParams: { response_type: "code", scope: "openid email" },
    backchannelLogout: { store },
  });
  return app;
}
