// The `openai` Node SDK: each model as url and base64, each error class, the list of models.
import { execFile } from "node:child_process";
import { readFile, rm, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import OpenAI, { toFile } from "openai";
import { BASE_URL, KEY, MODELS, PNG, env, expect, pixels } from "./checks.mjs";

const BAD = [
  ["no such key", "AuthenticationError", 401, "invalid_api_key", { apiKey: "sk-pictor-not-a-key" }],
  ["size", "BadRequestError", 400, "invalid_size", { size: "77x77" }],
  ["moderated", "BadRequestError", 400, "moderation_blocked", { prompt: "[sandbox: fail=moderation]" }],
  ["model not allowed", "PermissionDeniedError", 403, "insufficient_permissions", { apiKey: env.PICTOR_CLIENT_NARROW_KEY }],
  ["model", "NotFoundError", 404, "model_not_found", { model: "gpt-image-9" }],
  ["balance", "RateLimitError", 429, "insufficient_quota", { apiKey: env.PICTOR_CLIENT_POOR_KEY }],
  ["upstream failed", "InternalServerError", 502, "upstream_error", { prompt: "[sandbox: fail=500]" }],
  ["no channel", "InternalServerError", 503, "no_channel_available", { prompt: "[sandbox: fail=401]" }],
];

function generate({ apiKey = KEY, headers, ...fields }) {
  const client = new OpenAI({ baseURL: BASE_URL, apiKey });
  return client.images.generate(fields, { headers });
}

async function raised(work) {
  try {
    await work();
  } catch (error) {
    return `${error.constructor.name} ${error.status} ${error.code}${error.requestID ? "" : " without id"}`;
  }
  return "no error";
}

async function imageOf(answer, form) {
  const [item] = answer.data;
  if (form === "b64_json") return item.url ? "url too" : pixels(Buffer.from(item.b64_json, "base64"));
  if (item.b64_json) return "b64_json too";
  return pixels(Buffer.from(await (await fetch(item.url)).arrayBuffer()));
}

for (const [model, size] of Object.entries(MODELS)) {
  for (const form of ["url", "b64_json"]) {
    await expect(`${model} ${form}`, size === "auto" ? "1024x1024" : size, async () =>
      imageOf(await generate({ model, prompt: "a kite", size, response_format: form }), form),
    );
  }
}
for (const [name, kind, status, code, fields] of BAD) {
  const request = { model: "gpt-image-2", prompt: "a kite", size: "1024x1024", ...fields };
  await expect(`error ${status} ${name}`, `${kind} ${status} ${code}`, () => raised(() => generate(request)));
}
await expect("error 422 idempotency key", "UnprocessableEntityError 422 idempotency_key_reused", async () => {
  const headers = { "Idempotency-Key": "node-the-same" };
  await generate({ model: "dall-e-2", prompt: "one", headers });
  return raised(() => generate({ model: "dall-e-2", prompt: "two", headers }));
});
await expect("typed answer", "1024x1024 low png 196", async () => {
  const answer = await generate({ model: "gpt-image-2", prompt: "a kite", quality: "low" });
  return `${answer.size} ${answer.quality} ${answer.output_format} ${answer.usage.output_tokens}`;
});
const images = new OpenAI({ baseURL: BASE_URL, apiKey: KEY }).images;
const file = () => toFile(PNG, "a.png", { type: "image/png" });
const EDIT = { model: "gpt-image-2", prompt: "a kite", size: "1024x768" };
await expect("edit one image", "1024x768", async () =>
  imageOf(await images.edit({ ...EDIT, image: await file() }), "b64_json"),
);
await expect("edit several, with a mask", "1024x768", async () => {
  const sent = { image: [await file(), await file()], mask: await file() };
  return imageOf(await images.edit({ ...EDIT, ...sent, response_format: "b64_json" }), "b64_json");
});
await expect("edit, streamed", "image_edit.completed", async () => {
  const names = [];
  for await (const event of await images.edit({ ...EDIT, image: await file(), stream: true })) names.push(event.type);
  return names.join(",");
});
await expect("variation", "256x256", async () =>
  imageOf(await images.createVariation({ image: await file(), size: "256x256" }), "url"),
);
await expect("README's snippet", "1536x1024", async () => {
  const readme = await readFile("../../../README.md", "utf8");
  await writeFile("fox.mjs", /```js\n([^]*?)```/.exec(readme)[1]);
  const told = { ...env, OPENAI_BASE_URL: BASE_URL, OPENAI_API_KEY: KEY };
  const { stdout } = await promisify(execFile)(process.execPath, ["fox.mjs"], { env: told });
  await rm("fox.mjs");
  return imageOf({ data: [{ url: stdout.trim() }] }, "url");
});
await expect("models", Object.keys(MODELS).sort().join(","), async () => {
  const names = [];
  const client = new OpenAI({ baseURL: BASE_URL, apiKey: KEY });
  for await (const model of client.models.list()) names.push(model.id);
  return names.sort().join(",");
});
