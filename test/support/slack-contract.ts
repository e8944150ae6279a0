import { join } from "node:path";
import ts from "typescript";
import type { SlackCall } from "./slack-double.ts";

const root = join(import.meta.dirname, "../..");

/** The types that Slack's own SDK gives arguments and answers. */
const typesOf: Readonly<Record<string, readonly [string, string]>> = {
  "auth.test": ["AuthTestArguments", "AuthTestResponse"],
  "chat.postMessage": ["ChatPostMessageArguments", "ChatPostMessageResponse"],
  "chat.update": ["ChatUpdateArguments", "ChatUpdateResponse"],
};

function sourceOf(calls: readonly SlackCall[]): string {
  const names = [...new Set(Object.values(typesOf).flat())];
  const lines = calls.map(({ method, arguments: args, answer }, index) => {
    const [request = "never", response = "never"] = typesOf[method] ?? [];
    // The SDK's blocks are one of many kinds; a block that is none of them would pass as the bare `Block`.
    return [
      `export const request${index}: Known<${request}> = ${JSON.stringify(args)};`,
      `export const answer${index}: ${response} = ${JSON.stringify(answer)};`,
    ].join("\n");
  });
  return [
    `import type { ${names.join(", ")} } from "@slack/web-api";`,
    "import type { KnownBlock, MessageAttachment } from \"@slack/types\";",
    "type Attachment = Omit<MessageAttachment, \"blocks\"> & { blocks?: KnownBlock[] };",
    "type Known<A> = A & { blocks?: KnownBlock[]; attachments?: Attachment[] };",
    ...lines,
    "",
  ].join("\n");
}

/** Where calls and answers disagree with the types of Slack's SDK, which are generated from its documentation and real answers. */
export function slackTypeErrors(calls: readonly SlackCall[]): string[] {
  const file = join(root, "test/support/slack-calls.generated.ts");
  const source = sourceOf(calls);
  const options: ts.CompilerOptions = {
    strict: true, noEmit: true, module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext, target: ts.ScriptTarget.ES2023, types: ["node"], skipLibCheck: true,
  };
  const host = ts.createCompilerHost(options);
  const program = ts.createProgram([file], options, {
    ...host,
    fileExists: (name) => name === file || host.fileExists(name),
    readFile: (name) => (name === file ? source : host.readFile(name)),
    getSourceFile: (name, ...rest) => (name === file ? ts.createSourceFile(file, source, ts.ScriptTarget.ES2023) : host.getSourceFile(name, ...rest)),
  });
  return ts.getPreEmitDiagnostics(program).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, " "));
}
