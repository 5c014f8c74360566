// Writes src/api/schema.d.ts from openapi.json: the shapes that go over the wire, which is what the
// dashboard types its requests with. Operations are left out; their words stay in openapi.json.

import { readFile, writeFile } from "node:fs/promises";
import openapi, { astToString } from "openapi-typescript";

const HEAD = "// The shapes of API v1, written by `npm run types` from openapi.json; not to be changed by hand.\n\n";
const root = new URL("../", import.meta.url);

const document = JSON.parse(await readFile(new URL("openapi.json", root), "utf8"));
const { components } = document;
// A page is one type with a parameter in src/api/types.ts; the document has to spell out each of them.
const schemas = Object.fromEntries(Object.entries(components.schemas).filter(([name]) => !name.startsWith("Page_")));
const shapes = { ...document, paths: {}, components: { schemas: withoutWords(schemas) } };
await writeFile(new URL("src/api/schema.d.ts", root), HEAD + astToString(await openapi(shapes)));

/** The same shapes without their descriptions, which the document and the Rust code hold. */
function withoutWords(value) {
  if (Array.isArray(value)) return value.map(withoutWords);
  if (value === null || typeof value !== "object") return value;
  const kept = Object.entries(value).filter(([key, each]) => !(["description", "format", "minimum"].includes(key) && typeof each !== "object"));
  return Object.fromEntries(kept.map(([key, each]) => [key, withoutWords(each)]));
}
