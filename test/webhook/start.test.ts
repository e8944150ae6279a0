import assert from "node:assert/strict";
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { test } from "node:test";
import { goodNotification, goodProvider, review } from "./objects.ts";
import { begin } from "./server-harness.ts";

test("when the webhook listens the schemas are compiled: no object waits for it", async (t) => {
  const read: string[] = [];
  const { readFileSync } = fs;
  t.mock.method(fs, "readFileSync", (path: fs.PathOrFileDescriptor, options: never) => {
    if (path instanceof URL && path.pathname.includes("/schemas/")) read.push(path.pathname.replace(/.*\//, ""));
    return readFileSync(path, options);
  });
  syncBuiltinESMExports();
  t.after(syncBuiltinESMExports);
  const { post } = await begin(t);
  assert.deepEqual(read, ["provider.json", "notification.json"]);
  for (const object of [goodProvider, goodNotification]) assert.equal((await post("/validate", JSON.stringify(review(object)))).status, 200);
  assert.equal(read.length, 2);
});
