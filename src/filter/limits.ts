/** Every bound of the filter language, in one place. docs/filters.md states those a user can meet. */
export const limits = {
  /** UTF-8 bytes of an expression. */
  sourceBytes: 4096,
  /** Nodes of the syntax tree, macros counted as what they stand for. */
  nodes: 1000,
  /** Depth of brackets in the text, and of the syntax tree. */
  depth: 100,
  /** Errors reported for one expression; the rest follow once these are mended. */
  diagnostics: 10,
  /** Code points of a source line that a caret message shows. */
  caretWidth: 100,
  /** UTF-16 units of a regular expression. */
  patternLength: 512,
  /** Instructions of a compiled regular expression. */
  patternProgram: 500,
  /** Instructions of all patterns written in one expression. */
  patternPrograms: 2000,
  /** UTF-16 units of a text that a function builds. */
  textLength: 65_536,
  /** UTF-16 units of a text that is converted into a number. */
  numberLength: 1024,
  /** Digits after the point that `format` writes. */
  formatPrecision: 100,
  /**
   * Steps of one evaluation, both at worst (told when it is compiled) and in fact. A step is about 50 ns, so that the worst
   * evaluation takes about 5 ms: one per operation, one per 64 characters searched, per 4 handled one by one, per 3 matched.
   */
  steps: 100_000,
  /** UTF-8 bytes of a template. */
  templateBytes: 8192,
  /** Parts of a template that are expressions. */
  templateParts: 32,
  /** Lists and maps in one another that a template writes out. */
  templateDepth: 8,
  /** Compiled programs kept per environment and wanted type. */
  programs: 2048,
} as const;
