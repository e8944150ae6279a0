import { randomBytes } from "node:crypto";

/** So many characters of a secret in a row are a leak. */
const window = 12;

/** Secrets that must not turn up, and what finds them. */
export interface Markers {
  /** A new secret that occurs nowhere else; it looks different in clear, in base64 and in a URL. */
  readonly make: () => string;
  /** Takes a secret that exists already; of a key in PEM form what is between its first and its last line. Gives it back. */
  readonly keep: (secret: string) => string;
  /** Pieces of secrets in the text, in clear, base64, hex or URL-encoded, with what stands around them; none: the text is clean. */
  readonly find: (text: string) => string[];
}

/** A text as it may turn up inside of a longer one that was encoded as a whole. */
function formsOf(secret: string): string[] {
  const base64 = [0, 1, 2].flatMap((offset) => {
    const bytes = Buffer.concat([Buffer.alloc(offset), Buffer.from(secret)]);
    // The first and the last characters depend on what stands beside.
    const inner = [offset === 0 ? 0 : 4, Math.floor((bytes.length / 3) * 4) - 4] as const;
    return (["base64", "base64url"] as const).map((encoding) => bytes.toString(encoding).slice(...inner));
  });
  const hex = Buffer.from(secret).toString("hex");
  return [secret, encodeURIComponent(secret), new URLSearchParams({ x: secret }).toString().slice(2), JSON.stringify(secret).slice(1, -1), hex, hex.toUpperCase(), ...base64];
}

export function createMarkers(): Markers {
  const known = new Set<string>();
  const keep = (secret: string): string => {
    const lines = secret.split(/\r?\n/).filter((line) => !line.startsWith("-----") && line !== "");
    for (const form of [lines.join("\n"), ...lines].flatMap(formsOf)) {
      for (let at = 0; at + window <= form.length; at += 1) {
        const piece = form.slice(at, at + window);
        // A row of zeros is anybody's.
        if (new Set(piece).size > 3) known.add(piece);
      }
    }
    return secret;
  };
  return {
    make: () => keep(`m+${randomBytes(15).toString("hex")}/=k`),
    keep,
    find: (text) => {
      const found: string[] = [];
      for (let at = 0; at + window <= text.length; at += 1) {
        if (!known.has(text.slice(at, at + window))) continue;
        found.push(text.slice(Math.max(0, at - 80), at + 60).replaceAll("\n", "\\n"));
        at += 200;
      }
      return found;
    },
  };
}
