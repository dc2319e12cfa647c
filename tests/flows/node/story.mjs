// What the scripts here share: the setup that the test hands over, and a way to ask the person with the browser.
import { createInterface } from "node:readline";

export const setup = JSON.parse(process.argv[2]);

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/** Ask the test to play the person's part: `{open: url}` or `{type: userCode}`. Returns where the browser ends up. */
export async function person(request) {
  console.log(JSON.stringify(request));
  return JSON.parse((await lines.next()).value);
}

/** The story's end: what the test then looks at. */
export function done(result) {
  console.log(JSON.stringify({ done: result }));
  process.exit(0);
}
