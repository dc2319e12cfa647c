// What a test pasted into first.mjs, in the folder that it names: the person with the browser is asked, as in story.mjs.
import { pathToFileURL } from "node:url";
import { done, person, setup } from "./story.mjs";

const { begin, finish } = await import(pathToFileURL(setup.file));
const { url, kept } = await begin();
const tokens = await finish(await person({ open: url }), kept);
done({ scope: tokens.scope, claims: tokens.claims?.() ?? null });
