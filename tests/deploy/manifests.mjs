// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// node manifests.mjs VPCGATE FOLDER FILE...: judges manifests as kustomize has rendered them, each
// by the schema of its kind: with the validators of kubernetes-models (required fields, types,
// formats), and through its types with the TypeScript compiler, which knows what the validators
// pass: fields that don't exist. Then by what we hold a pod to, and its config by `vpcgate
// validate`. FOLDER takes what is written for that.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import ts from "typescript";
import { parseAllDocuments } from "yaml";

const CAPABILITIES = ["BPF", "NET_ADMIN", "PERFMON"];
const HOST_PATHS = ["/sys/fs/bpf", "/var/lib/vpcgate"];

// Where kubernetes-models has a kind: "apps/v1" DaemonSet, "v1" Namespace.
function moduleOf({ apiVersion, kind }) {
  const name = apiVersion.startsWith("monitoring.coreos.com/")
    ? "@kubernetes-models/prometheus-operator"
    : "kubernetes-models";
  return `${name}/${apiVersion}/${kind}`;
}

async function judgeBySchema(object) {
  const { [object.kind]: Model } = await import(moduleOf(object));
  try {
    new Model(object).validate();
    return [];
  } catch (error) {
    return [`${error.message}`];
  }
}

// `objects` become literals of a program, each line of which says where it came from.
function judgeByType(folder, name, objects) {
  const path = join(folder, `${name}.mts`);
  const program = objects
    .map((object, i) => `import type { I${object.kind} as T${i} } from "${moduleOf(object)}";
export const object${i}: T${i} = ${JSON.stringify(object, null, 2)};\n`)
    .join("");
  writeFileSync(path, program);
  const options = {
    noEmit: true,
    strict: true,
    skipLibCheck: true,
    types: [],
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
  };
  return ts.getPreEmitDiagnostics(ts.createProgram([path], options)).map((diagnostic) => {
    const { line } = diagnostic.file.getLineAndCharacterOfPosition(diagnostic.start);
    const text = ts.flattenDiagnosticMessageText(diagnostic.messageText, "\n  ");
    return `${program.split("\n")[line].trim()}: ${text}`;
  });
}

// What no schema asks for.
function judgePod(pod) {
  const bad = [];
  const say = (condition, text) => condition && bad.push(text);
  say(pod.automountServiceAccountToken !== false, "the pod gets a token");
  say(pod.securityContext?.seccompProfile?.type !== "RuntimeDefault", "no seccomp profile");
  for (const { name, hostPath } of pod.volumes ?? [])
    say(hostPath && !HOST_PATHS.includes(hostPath.path), `${name} is the host's ${hostPath?.path}`);
  for (const container of [...(pod.initContainers ?? []), ...pod.containers]) {
    const context = container.securityContext ?? {};
    const added = context.capabilities?.add ?? [];
    say(context.privileged, `${container.name} is privileged`);
    say(context.allowPrivilegeEscalation !== false, `${container.name} may get privileges`);
    say(!context.readOnlyRootFilesystem, `${container.name} may write to its root`);
    say(`${context.capabilities?.drop}` !== "ALL", `${container.name} keeps capabilities`);
    say(added.some((name) => !CAPABILITIES.includes(name)), `${container.name} adds ${added}`);
    say(!container.resources?.limits?.memory, `${container.name} has no limit of memory`);
    for (const mount of container.volumeMounts ?? [])
      say(!pod.volumes.some(({ name }) => name === mount.name), `there is no volume ${mount.name}`);
  }
  return bad;
}

function judgeConfig(vpcgate, folder, { data }) {
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(data)) writeFileSync(join(folder, name), text);
  try {
    execFileSync(vpcgate, ["validate", join(folder, "vpcgate.yaml")], { stdio: "pipe" });
    return [];
  } catch (error) {
    return [`${error.stdout}${error.stderr}`.trim()];
  }
}

const [vpcgate, folder, ...files] = process.argv.slice(2);
let failed = false;
mkdirSync(folder, { recursive: true });
for (const file of files) {
  const name = basename(file, ".yaml");
  const objects = parseAllDocuments(readFileSync(file, "utf8")).map((document) => document.toJS());
  const bad = judgeByType(folder, name, objects);
  for (const object of objects) {
    bad.push(...(await judgeBySchema(object)));
    if (object.kind === "DaemonSet") bad.push(...judgePod(object.spec.template.spec));
    if (object.kind === "ConfigMap") bad.push(...judgeConfig(vpcgate, join(folder, name), object));
  }
  for (const text of bad) console.log(`${name}: ${text}`);
  console.log(`${name}: ${objects.length} objects, ${bad.length} mistakes`);
  failed ||= bad.length > 0 || objects.length < 5;
}
process.exit(failed ? 1 : 0);
