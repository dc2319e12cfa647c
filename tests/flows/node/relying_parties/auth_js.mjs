// Auth.js, which is what NextAuth became: it reads the profile from the ID token alone.
import { ExpressAuth, getSession } from "@auth/express";
import express from "express";

export default async function ({ issuer, client_id, client_secret }) {
  const app = express();
  const config = {
    providers: [{ id: "gateway", name: "Our site", type: "oidc", issuer, clientId: client_id, clientSecret: client_secret }],
    secret: "a secret of the app's own",
    trustHost: true,
  };
  app.use(/^\/auth\/(.*)/, ExpressAuth(config));
  app.get("/", async (request, response) => response.json(await getSession(request, config)));
  return app;
}
