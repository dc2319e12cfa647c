// Web apps that sign their users in at a provider, each with another library of npm and on a port of its own. Prints their
// addresses, reads what each was registered as, and says when they are there. They end with the standard input.
import { createServer } from "node:http";
import { createInterface } from "node:readline";

const names = process.argv.slice(2);
const urls = {};
const apps = {};
for (const name of names) {
  const server = createServer((request, response) => apps[name](request, response));
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  urls[name] = `http://127.0.0.1:${server.address().port}`;
}
console.log(JSON.stringify(urls));

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const registered = JSON.parse((await lines.next()).value);
for (const name of names) {
  const { default: make } = await import(`./relying_parties/${name}.mjs`);
  apps[name] = await make({ ...registered[name], url: urls[name] });
}
console.log(JSON.stringify(true));
await lines.next();
process.exit(0);
