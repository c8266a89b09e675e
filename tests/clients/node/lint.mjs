// Redocly's linter on /openapi.json: no error and no example that is not as its schema has it.
import { execFile } from "node:child_process";
import { rm, writeFile } from "node:fs/promises";
import { BASE_URL, env, expect } from "./checks.mjs";

// Neither probe has an answer that blames its caller.
const KNOWN = ["healthz", "readyz"].map((path) => `warn operation-4xx-response #/paths/~1${path}/get/responses`);
const DOCUMENT = "openapi.json";

function linted() {
  const told = { ...env, REDOCLY_TELEMETRY: "off", REDOCLY_SUPPRESS_UPDATE_NOTICE: "true" };
  return new Promise((resolve, reject) => {
    const words = ["node_modules/@redocly/cli/bin/cli.js", "lint", DOCUMENT, "--format=json"];
    execFile(process.execPath, words, { env: told, maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      if (!stdout) return reject(error ?? new Error(stderr));
      const found = JSON.parse(stdout).problems;
      resolve(found.map((one) => `${one.severity} ${one.ruleId} ${one.location[0].pointer}`).sort());
    });
  });
}

await expect("the document is without fault", KNOWN.join("; "), async () => {
  const answer = await fetch(new URL("/openapi.json", BASE_URL));
  await writeFile(DOCUMENT, await answer.text());
  try {
    return (await linted()).join("; ");
  } finally {
    await rm(DOCUMENT);
  }
});
