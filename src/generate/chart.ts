import { basename, join } from "node:path";
import { defaultValues, openFlags, valuesSchema, type ChartDefaults, type RoleDefaults } from "./chart-values.ts";
import { readKustomization, readManifests, yamlOf, type Manifest } from "./manifests.ts";
import { environmentName } from "../config.ts";

const ownNamespace = "tekton-integrations";
const roles = ["webhook", "controller"] as const;
type Role = (typeof roles)[number];

/** Text of Helm's templates in the place of values and of members, to be put in when the rest is YAML. */
function createInserts() {
  const texts: string[] = [];
  const note = (text: string): string => `HELM_${texts.push(text) - 1}_`;
  return {
    /** In the place of a scalar, or within one. */
    value: (expression: string): string => note(`{{ ${expression} }}`),
    /** Members of a mapping, or none: lines of a template. */
    members: (...lines: readonly string[]): Record<string, null> => ({ [note(lines.join("\n"))]: null }),
    /** Items of a list, or none. */
    items: (...lines: readonly string[]): string => note(lines.join("\n")),
    fill: (yaml: string): string =>
      yaml
        .replace(/^( *)(?:- )?HELM_(\d+)_(?:: null)?$/gm, (_, indent: string, index: string) => (texts[Number(index)] ?? "").split("\n").map((line) => `${indent}${line}`).join("\n"))
        .replace(/HELM_(\d+)_/g, (_, index: string) => texts[Number(index)] ?? ""),
  };
}

type Inserts = ReturnType<typeof createInserts>;

/** The namespace of the release in the place of the one in the manifests, wherever it stands. */
function inReleaseNamespace(value: unknown, namespace: string, key = ""): unknown {
  if (typeof value === "string") {
    if (value === ownNamespace) return key === "namespace" ? namespace : value;
    return value
      .replaceAll(`system:serviceaccount:${ownNamespace}:`, `system:serviceaccount:${namespace}:`)
      .replaceAll(`${ownNamespace}-webhook.${ownNamespace}`, `${ownNamespace}-webhook.${namespace}`);
  }
  if (Array.isArray(value)) return (value as unknown[]).map((item) => inReleaseNamespace(item, namespace));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, inReleaseNamespace(member, namespace, name)]));
}

interface Container {
  readonly image: string;
  readonly args: readonly string[];
  readonly resources: unknown;
}

interface Deployment extends Manifest {
  readonly spec: {
    readonly replicas: number;
    readonly template: { readonly metadata: object; readonly spec: { readonly containers: readonly [Container]; readonly affinity: unknown } };
  };
}

const withValue = (path: string, key: string): string[] => [`{{- with .Values.${path}.${key} }}`, `${key}:`, "  {{- toYaml . | nindent 8 }}", "{{- end }}"];

/** Each open flag as a variable of the environment, where it is set. */
const environment = openFlags.flatMap(({ name, type, ...flag }) => [
  `{{- with index .Values.flags "${name}" }}`,
  `- name: ${environmentName(name)}`,
  `  value: {{ ${"repeatable" in flag ? 'join "," .' : type === "boolean" ? "toString ." : "."} | quote }}`,
  "{{- end }}",
]);

const helpers = ['{{- define "tekton-integrations.flags" }}', ...environment, "{{- end }}", ""].join("\n");

function deployment({ spec, ...object }: Deployment, role: Role, { value, members, items }: Inserts): unknown {
  const { template, replicas: _, ...rest } = spec;
  const { containers: [container], affinity: __, ...pod } = template.spec;
  const { image: ___, args, resources: ____, ...more } = container;
  const roleArgs = role === "controller" ? [...args, items('{{- if eq .Values.certificates "cert-manager" }}', "- --certificates=cert-manager", "{{- end }}")] : args;
  return {
    ...object,
    spec: {
      replicas: value(`.Values.${role}.replicas`),
      ...rest,
      template: {
        metadata: { ...template.metadata, ...members(...withValue(role, "podAnnotations").map((line) => line.replace("podAnnotations:", "annotations:"))) },
        spec: {
          ...pod,
          ...members("{{- with .Values.image.pullSecrets }}", "imagePullSecrets:", "  {{- range . }}", "  - name: {{ . }}", "  {{- end }}", "{{- end }}"),
          ...members(`{{- with .Values.${role}.priorityClassName }}`, "priorityClassName: {{ . }}", "{{- end }}"),
          ...members(...withValue(role, "nodeSelector")),
          ...members(...withValue(role, "tolerations")),
          ...members(...withValue(role, "affinity")),
          containers: [
            {
              ...more,
              image: `${value(".Values.image.repository")}:${value(".Values.image.tag | default .Chart.AppVersion")}`,
              ...members("{{- with .Values.image.pullPolicy }}", "imagePullPolicy: {{ . }}", "{{- end }}"),
              args: roleArgs,
              ...members('{{- with include "tekton-integrations.flags" . | trim }}', "env:", "  {{- . | nindent 12 }}", "{{- end }}"),
              resources: value(`toYaml .Values.${role}.resources | nindent 12`),
            },
          ],
        },
      },
    },
  };
}

/** YAML in which nothing looks like Helm's templates, as texts in CustomResourceDefinitions may. */
const textOf = (value: unknown): string => yamlOf(value).replace(/\{\{/g, '{{ "{{" }}');

/** Bound in the whole cluster; or, where namespaces are named, by RoleBindings in these alone. */
function bindings(object: Manifest, list: string, inserts: Inserts): string {
  const roleBinding = { ...object, kind: "RoleBinding", metadata: { ...object.metadata, namespace: inserts.value(".") } };
  return [`{{- if ${list} }}`, `{{- range ${list} }}`, "---", textOf(inNamespace(roleBinding, inserts, "$")).trimEnd(), "{{- end }}", "{{- else }}", "---", textOf(inNamespace(object, inserts)).trimEnd(), "{{- end }}", ""].join("\n");
}

const inNamespace = (object: unknown, inserts: Inserts, root = ""): unknown => inReleaseNamespace(object, inserts.value(`${root}.Release.Namespace`));

/** Bindings of the controller that a user may want in some namespaces only. */
const narrowed: Readonly<Record<string, string>> = {
  "tekton-integrations-controller": '(index .Values.flags "watch-namespace")',
  "tekton-integrations-controller-secrets": "(.Values.secretNamespaces | default (index .Values.flags \"watch-namespace\"))",
};

function template(object: Manifest, inserts: Inserts): string {
  const { kind, metadata } = object;
  const list = narrowed[metadata.name];
  if (kind === "ClusterRoleBinding" && list !== undefined) return bindings(object, list, inserts);
  const role = roles.find((name) => kind === "Deployment" && metadata.name === `${ownNamespace}-${name}`);
  if (role !== undefined) return `---\n${textOf(inNamespace(deployment(object as Deployment, role, inserts), inserts))}`;
  const annotated = (lines: readonly string[]): Manifest => ({ ...object, metadata: { ...metadata, ...inserts.members(...lines) } });
  if (kind === "CustomResourceDefinition") return `---\n${textOf(annotated(["{{- if .Values.crds.keep }}", "annotations:", "  helm.sh/resource-policy: keep", "{{- end }}"]))}`;
  if (/^(?:Mutating|Validating)WebhookConfiguration$/.test(kind)) {
    const injected = ['{{- if eq .Values.certificates "cert-manager" }}', "annotations:", `  cert-manager.io/inject-ca-from: {{ .Release.Namespace }}/${ownNamespace}-webhook`, "{{- end }}"];
    return `---\n${textOf(inNamespace(annotated(injected), inserts))}`;
  }
  return `---\n${textOf(inNamespace(object, inserts))}`;
}

function templateFile(objects: readonly Manifest[], condition?: string): string {
  const inserts = createInserts();
  const text = inserts.fill(objects.map((object) => template(object, inserts)).join(""));
  const body = condition === undefined ? text : `{{- if ${condition} }}\n${text}{{- end }}\n`;
  return `{{- /* Generated by \`npm run gen\` from deploy/base and certs/cert-manager. Do not edit. */}}\n${body}`;
}

const roleDefaults = ({ spec: { replicas, template: { spec: { containers: [{ resources }], affinity } } } }: Deployment): RoleDefaults => ({ replicas, resources, affinity });

/** The Helm chart: path below `deploy/chart`, and content. `root`: the project's. */
export function chartFiles(root: string, version: string): ReadonlyMap<string, string> {
  const base = readKustomization(join(root, "deploy/base"));
  const deploymentOf = (name: Role): Deployment => {
    const found = [...base.values()].flat().find(({ kind, metadata }) => kind === "Deployment" && metadata.name === `${ownNamespace}-${name}`);
    if (found === undefined) throw new Error(`deploy/base has no Deployment of the ${name}`);
    return found as Deployment;
  };
  const [repository = ""] = deploymentOf("controller").spec.template.spec.containers[0].image.split(":");
  const defaults: ChartDefaults = { repository, webhook: roleDefaults(deploymentOf("webhook")), controller: roleDefaults(deploymentOf("controller")) };
  const files = new Map<string, string>();
  files.set("Chart.yaml", yamlOf({ apiVersion: "v2", name: ownNamespace, description: "Tells external services how Tekton runs went.", type: "application", version, appVersion: version, kubeVersion: ">= 1.30.0-0" }));
  files.set("values.yaml", `# Generated by \`npm run gen\`. What each value means is in values.schema.json and docs/install.md.\n${yamlOf(defaultValues(defaults))}`);
  files.set("values.schema.json", `${JSON.stringify(valuesSchema(defaults), null, 2)}\n`);
  for (const [file, objects] of base) {
    // Helm makes the namespace where it is asked to.
    if (basename(file) !== "namespace.yaml") files.set(`templates/${basename(file)}`, templateFile(objects));
  }
  files.set("templates/_flags.tpl", helpers);
  files.set("templates/cert-manager.yaml", templateFile(readManifests(join(root, "certs/cert-manager/certificate.yaml")), 'eq .Values.certificates "cert-manager"'));
  return files;
}
