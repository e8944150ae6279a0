/** Stands where a secret was. */
const mask = "[redacted]";

/** Values shorter than this would turn ordinary words into masks. */
const shortestSecret = 6;

/** Removes known secrets, and what looks like one, from text that is about to be shown. */
export interface Redactor {
  /** Remembers a secret's value (and each line of it), so that it is masked wherever it turns up. */
  readonly learn: (secret: string) => void;
  /** Forgets a secret that is no longer in use. */
  readonly forget: (secret: string) => void;
  /** The text with every known secret and every credential-like token masked. */
  readonly clean: (text: string) => string;
}

/** Forms of credentials that are masked even when their value was never learnt. */
const patterns: readonly RegExp[] = [
  /\b(?:gh[pousr]_|github_pat_|xox[abeprs]-|AKIA|ASIA)[A-Za-z0-9_-]{8,}/g,
  /\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*/g,
  /\b(?:bearer|basic|token)\s+[A-Za-z0-9._~+/=-]{8,}/gi,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g,
  /(\/\/[^/\s:@]{1,256}:)[^/\s@]{1,256}@/g,
];

const piecesOf = (secret: string): string[] =>
  [secret, ...secret.split(/\r?\n/)].map((piece) => piece.trim()).filter((piece) => piece.length >= shortestSecret);

/** A redactor with no secrets learnt yet. */
export function createRedactor(): Redactor {
  const uses = new Map<string, number>();
  /** The longest first: one secret may be the beginning of another. Undefined when it is to be made anew. */
  let ordered: readonly string[] | undefined;
  return {
    learn: (secret) => {
      ordered = undefined;
      for (const piece of piecesOf(secret)) uses.set(piece, (uses.get(piece) ?? 0) + 1);
    },
    forget: (secret) => {
      ordered = undefined;
      for (const piece of piecesOf(secret)) {
        const left = (uses.get(piece) ?? 0) - 1;
        if (left > 0) uses.set(piece, left);
        else uses.delete(piece);
      }
    },
    clean: (text) => {
      let result = text;
      ordered ??= [...uses.keys()].sort((a, b) => b.length - a.length);
      for (const piece of ordered) result = result.replaceAll(piece, mask);
      for (const pattern of patterns) result = result.replace(pattern, mask);
      return result;
    },
  };
}
