// The settings of Auth.js that a test pasted, in its Express adapter. Prints where it listens; ends with the standard input.
import { pathToFileURL } from "node:url";
import { ExpressAuth, getSession } from "@auth/express";
import express from "express";

const { handlers: settings } = await import(pathToFileURL(process.argv[2]));
const config = { ...settings, secret: "a secret of the app's own", trustHost: true };
const app = express();
app.use(/^\/auth\/(.*)/, ExpressAuth(config));
app.get("/", async (request, response) => response.json(await getSession(request, config)));
const server = app.listen(Number(process.argv[3]), "127.0.0.1", () => console.log(true));
process.stdin.on("end", () => server.close(() => process.exit(0))).resume();
