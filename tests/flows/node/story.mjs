// What the scripts here share: the setup that the test hands over, and a way to ask the person with the browser.
import { createInterface } from "node:readline";

/** Of the script that runs. */
export let setup;

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/** The name of the next script, whose setup this is from now on; none when the input has ended. */
export async function begun() {
  const line = await lines.next();
  if (line.done) return undefined;
  const told = JSON.parse(line.value);
  setup = told.setup;
  return told.script;
}

export function say(what) {
  console.log(JSON.stringify(what));
}

/** Ask the test to play the person's part: `{open: url}` or `{type: userCode}`. Returns where the browser ends up. */
export async function person(request) {
  say(request);
  return JSON.parse((await lines.next()).value);
}

/** The story's end: what the test then looks at. */
export function done(result) {
  say({ done: result });
}
