// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// node instances.mjs SCHEMA OUT: the Terraform example is formatted as `terraform fmt` does it
// (with the same formatter, compiled to WebAssembly), parses, and uses the variables that it
// declares; the cloud-init example is one by cloud-init's own SCHEMA. What neither Terraform nor
// cloud-init looks at goes to the folder OUT: configs of vpcgate, and scripts.
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { createRequire } from "node:module";
import { Ajv } from "ajv";
import { parse as parseYaml } from "yaml";

const require = createRequire(import.meta.url);
const { format } = require("@cdktf/hcl-tools");
const { parse } = require("@cdktf/hcl2json");

const TERRAFORM = "deploy/terraform";
const USER_DATA = "deploy/cloud-init/user-data.yaml";
const [schemaPath, out] = process.argv.slice(2);
const text = (path) => readFileSync(path, "utf8");
const bad = [];
const say = (condition, what) => condition && bad.push(what);
mkdirSync(out, { recursive: true });

async function judgeTerraform() {
  const names = readdirSync(TERRAFORM).filter((name) => name.endsWith(".tf"));
  const all = names.map((name) => text(join(TERRAFORM, name))).join("\n");
  const used = new Set([...all.matchAll(/\bvar\.(\w+)/g)].map(([, name]) => name));
  const declared = new Set();

  for (const name of names) {
    const code = text(join(TERRAFORM, name));
    say((await format(code)) !== code, `${name}: not formatted as terraform fmt does it`);
    try {
      const { variable = {} } = await parse(name, code);
      for (const one of Object.keys(variable)) declared.add(one);
    } catch (error) {
      bad.push(`${name}: ${error.message ?? error}`);
    }
  }
  for (const name of used) say(!declared.has(name), `var.${name} is not declared`);
  for (const name of declared) say(!used.has(name), `var.${name} is not used`);
  for (const [, type, name] of all.matchAll(/\b(google_\w+)\.(\w+)\./g))
    say(!all.includes(`resource "${type}" "${name}"`), `there is no ${type}.${name}`);
  return all;
}

// As templatefile() fills it in. Its values come from main.tf.
function judgeTemplate(all) {
  const values = { enforcement: "monitor", port: "8080" };
  const call = all.match(/templatefile\([^]*?\}\)/)[0];
  const template = text(join(TERRAFORM, "vpcgate.yaml.tftpl"));
  const config = template.replaceAll(/\$\{(\w+)\}/g, (_, name) => {
    say(!(name in values) || !new RegExp(`^ +${name} += `, "m").test(call), `no value for ${name}`);
    return values[name];
  });
  writeFileSync(join(out, "terraform.yaml"), config);
}

function judgeUserData() {
  const code = text(USER_DATA);
  const schema = JSON.parse(text(schemaPath));
  const data = parseYaml(code);
  delete schema.$schema; // an older draft than Ajv's, but with nothing that has changed since
  const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });
  const validate = ajv.compile(schema);

  // The schema allows keys that it doesn't know.
  const known = Object.values(schema.$defs).flatMap((one) => Object.keys(one.properties ?? {}));
  for (const key of Object.keys(data)) say(!known.includes(key), `cloud-init has no ${key}`);
  say(!code.startsWith("#cloud-config\n"), `${USER_DATA} doesn't begin with #cloud-config`);
  if (!validate(data))
    for (const { instancePath, message } of validate.errors) bad.push(`${instancePath} ${message}`);
  for (const { path, content } of data.write_files) {
    if (path === "/etc/vpcgate/vpcgate.yaml") writeFileSync(join(out, "cloud-init.yaml"), content);
    if (content.startsWith("#!")) writeFileSync(join(out, `${basename(path)}.sh`), content);
  }
}

judgeTemplate(await judgeTerraform());
judgeUserData();
for (const what of bad) console.log(what);
process.exit(bad.length > 0 ? 1 : 0);
