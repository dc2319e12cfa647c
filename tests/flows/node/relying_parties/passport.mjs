// passport-openidconnect: no PKCE, the endpoints by hand, and a nonce only where it is asked for.
import express from "express";
import session from "express-session";
import passport from "passport";
import OpenIDConnectStrategy from "passport-openidconnect";

export default async function ({ issuer, client_id, client_secret, url }) {
  const strategy = new OpenIDConnectStrategy(
    {
      issuer,
      authorizationURL: `${issuer}/oauth/authorize`,
      tokenURL: `${issuer}/oauth/token`,
      userInfoURL: `${issuer}/oauth/userinfo`,
      clientID: client_id,
      clientSecret: client_secret,
      callbackURL: `${url}/callback`,
      scope: "profile email",
      nonce: true,
      skipUserProfile: false,
    },
    (issuedBy, profile, done) => done(null, { issuedBy, profile }),
  );
  passport.use(strategy);
  const app = express();
  app.use(session({ secret: "a secret of the app's own", resave: false, saveUninitialized: false }));
  app.get("/login", passport.authenticate("openidconnect"));
  app.get("/callback", passport.authenticate("openidconnect", { session: false }), (request, response) => {
    response.json(request.user);
  });
  return app;
}
