// Vercel's AI SDK by the provider that is named: it reads base64 alone, and `@ai-sdk/openai` asks for
// none of a gpt-image model. Each of them, edits, and what becomes of an error.
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateImage } from "ai";
import { BASE_URL, KEY, MODELS, PNG, env, expect, pixels } from "./checks.mjs";

globalThis.AI_SDK_LOG_WARNINGS = false;
const MAKERS = {
  "@ai-sdk/openai": (apiKey) => createOpenAI({ baseURL: BASE_URL, apiKey }),
  "@ai-sdk/openai-compatible": (apiKey) => createOpenAICompatible({ name: "pictor", baseURL: BASE_URL, apiKey }),
};
const provider = MAKERS[process.argv[2]];
const KEYS = {
  "gpt-image-1": KEY,
  "gpt-image-2": KEY,
  "gpt-image-2-pro": KEY,
  "gpt-image-2-auto": KEY,
  "gpt-image-2-origin": env.PICTOR_CLIENT_BASE64_KEY,
};

async function made(apiKey, model, fields) {
  const { image } = await generateImage({ model: provider(apiKey).imageModel(model), maxRetries: 0, ...fields });
  return pixels(Buffer.from(image.uint8Array));
}

for (const [model, key] of Object.entries(KEYS)) {
  const size = MODELS[model];
  await expect(model, size === "auto" ? "1024x1024" : size, () => made(key, model, { prompt: "a kite", size }));
}
const picture = { text: "a kite above it", images: [PNG] };
await expect("edit one image", "1024x768", () => made(KEY, "gpt-image-2", { prompt: picture, size: "1024x768" }));
await expect("edit several, with a mask", "1024x768", () =>
  made(KEY, "gpt-image-2", { prompt: { ...picture, images: [PNG, PNG], mask: PNG }, size: "1024x768" }),
);
await expect("error 400 size", "400 AI_APICallError", async () => {
  try {
    return await made(KEY, "gpt-image-2", { prompt: "a kite", size: "77x77" });
  } catch (error) {
    return `${error.statusCode} ${error.name}`;
  }
});
