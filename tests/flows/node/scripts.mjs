// Runs the scripts that the test names, one after another, each anew: a line of the input has its name and its setup.
import { inspect } from "node:util";
import { begun, say } from "./story.mjs";

for (let number = 0; ; number++) {
  const script = await begun();
  if (script === undefined) break;
  try {
    await import(`./${script}?${number}`);
  } catch (error) {
    say({ failed: inspect(error) });
  }
}
process.exit(0);
