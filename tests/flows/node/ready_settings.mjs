// What a test pasted into the file that it names, with this environment: the person with the browser is asked.
import { randomUUID } from "node:crypto";
import { pathToFileURL } from "node:url";
import { done, person, setup } from "./story.mjs";

const file = pathToFileURL(setup.file);
file.search = randomUUID(); // the file may have had another text
process.env = setup.environment;
const { begin, finish } = await import(file);
const { url, kept } = await begin();
const tokens = await finish(await person({ open: url }), kept);
done({ scope: tokens.scope, claims: tokens.claims?.() ?? null });
