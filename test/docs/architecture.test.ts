import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { describe, it } from "node:test";
import { codeBlocks, pages } from "./pages.ts";

const page = pages().find(({ path }) => path === "docs/architecture.md");
assert.ok(page !== undefined);
const charts = codeBlocks(page, "mermaid");

const node = /(\w+)(?:\["([^"]*)"\]|\(\["([^"]*)"\]\))?/y;
const arrow = / -->(?:\|(?:"[^"]*"|[^|"]*)\|)? /y;

interface Chart {
  /** Labels of boxes, by their names. */
  readonly boxes: ReadonlyMap<string, string>;
  /** Names of rounded nodes: people and systems outside. */
  readonly outside: ReadonlySet<string>;
  readonly edges: readonly (readonly [from: string, to: string])[];
}

/** The part of Mermaid's flowcharts that the page uses; throws for any other. */
function read(text: string): Chart {
  const [header = "", ...lines] = text.trimEnd().split("\n");
  assert.match(header, /^flowchart (?:LR|TD)$/);
  const boxes = new Map<string, string>();
  const outside = new Set<string>();
  const edges: [string, string][] = [];
  for (const line of lines) {
    let [at, from] = [line.length - line.trimStart().length, ""];
    while (at < line.length) {
      node.lastIndex = at;
      const [all = "", name = "", box, rounded] = node.exec(line) ?? [];
      assert.notEqual(name, "", `a node is expected at ${at}: ${line}`);
      if (box !== undefined) boxes.set(name, box);
      if (rounded !== undefined) outside.add(name);
      if (from !== "") edges.push([from, name]);
      from = name;
      at += all.length;
      if (at === line.length) break;
      arrow.lastIndex = at;
      const [between] = arrow.exec(line) ?? [];
      assert.ok(between !== undefined, `an arrow is expected at ${at}: ${line}`);
      at += between.length;
    }
  }
  return { boxes, outside, edges };
}

const moduleOf = (label: string): string => label.split("<br/>")[0] ?? "";

const isModule = (name: string): boolean => ["webhook", "controller"].some((folder) => existsSync(`src/${folder}/${name}.ts`));

/** Boxes that are no module of ours. */
const described = new Set(["API server", "a run changes", "pairs that were begun", "one tour for each namespace"]);

describe("the charts of docs/architecture.md", () => {
  it("are flowcharts in which every node is drawn and connected", () => {
    assert.equal(charts.length, 3);
    for (const chart of charts.map(read)) {
      const named = new Set(chart.edges.flat());
      assert.deepEqual([...chart.boxes.keys(), ...chart.outside].filter((name) => !named.has(name)), []);
      assert.deepEqual([...named].filter((name) => !chart.boxes.has(name) && !chart.outside.has(name) && !isModule(name)), []);
    }
  });

  it("name modules that there are", () => {
    const names = charts.map(read).flatMap(({ boxes }) => [...boxes.values()].map(moduleOf));
    assert.ok(names.filter(isModule).length >= 15);
    assert.deepEqual(names.filter((name) => !isModule(name) && !described.has(name)), []);
  });
});
