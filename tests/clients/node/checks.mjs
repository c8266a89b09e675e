// What every client of Node is told and how it reports: one JSON object a line, as checks.py does.
export const env = process.env;
export const BASE_URL = env.PICTOR_CLIENT_BASE_URL;
export const KEY = env.PICTOR_CLIENT_KEY;
export const MODELS = {
  "dall-e-2": "256x256",
  "dall-e-3": "1792x1024",
  "gpt-image-1": "1536x1024",
  "gpt-image-2": "1920x1080",
  "gpt-image-2-pro": "2048x1152",
  "gpt-image-2-auto": "auto",
  "gpt-image-2-origin": "1344x1024",
};
// A square png of one pixel, half transparent: an image, and its own mask.
export const PNG = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);

export async function expect(check, what, seen) {
  let found;
  try {
    found = await seen();
  } catch (error) {
    found = `${error.constructor.name}: ${error.message}`;
  }
  const ok = found === what;
  const detail = ok ? "" : `${found} is not ${what}`.slice(0, 300);
  console.log(JSON.stringify({ check, ok, detail }));
}

export function pixels(bytes) {
  const png = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  if (!bytes.subarray(0, 8).equals(png)) return "no PNG";
  return `${bytes.readUInt32BE(16)}x${bytes.readUInt32BE(20)}`;
}
