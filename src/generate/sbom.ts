import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");

interface LockedPackage {
  readonly version: string;
  readonly license?: string;
  readonly integrity?: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
}

interface Component {
  readonly type: "library";
  readonly "bom-ref": string;
  readonly name: string;
  readonly version: string;
  readonly scope: "required" | "optional";
  readonly purl: string;
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
  readonly licenses?: readonly { readonly expression: string }[];
}

/** As in https://github.com/package-url/purl-spec. */
const purl = (name: string, version: string): string => `pkg:npm/${name.replace("@", "%40")}@${version}`;

function component(path: string, { version, license, integrity, optional = false }: LockedPackage): Component {
  const name = path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);
  const [algorithm, digest] = integrity?.split("-", 2) ?? [];
  return {
    type: "library",
    "bom-ref": `${name}@${version}`,
    name,
    version,
    scope: optional ? "optional" : "required",
    purl: purl(name, version),
    ...(algorithm === "sha512" && digest !== undefined && { hashes: [{ alg: "SHA-512", content: Buffer.from(digest, "base64").toString("hex") }] }),
    ...(license !== undefined && { licenses: [{ expression: license }] }),
  };
}

/**
 * What the image is made of beside Node.js, in CycloneDX 1.6: every package of the lock that is not for development alone. (`npm
 * sbom --omit dev` leaves out what development needs too.)
 */
function sbom(): unknown {
  const { version, packages } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as { version: string; packages: Record<string, LockedPackage> };
  const shipped = Object.entries(packages).filter(([path, { dev = false }]) => path !== "" && !dev);
  const components = new Map(shipped.map(([path, locked]) => component(path, locked)).map((each) => [each["bom-ref"], each]));
  const name = "tekton-integrations";
  return {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: { component: { type: "application", "bom-ref": name, name, version, purl: purl(name, version), licenses: [{ expression: "Apache-2.0" }] } },
    components: [...components.values()],
  };
}

/** `npm run release:sbom [FILE]`. Default: `release/sbom.cdx.json`. */
function main([file = join(root, "release/sbom.cdx.json")]: readonly string[]): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(sbom(), undefined, 2)}\n`);
  console.log(file);
}

main(process.argv.slice(2));
