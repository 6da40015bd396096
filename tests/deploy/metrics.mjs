// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// node metrics.mjs README SOURCE RULES DASHBOARD OUT: every metric, label and label value that the
// alert rules and the dashboard ask for is one that the daemon exports. README.md's tables are what
// they are held to; that the daemon exports just those is what SOURCE (metrics.c) is read for here,
// and what an end-to-end test looks at in its answers. The expressions go to OUT as rules, for
// promtool.
import { readFileSync, writeFileSync } from "node:fs";
import { parser } from "@prometheus-io/lezer-promql";
import { parse, stringify } from "yaml";

const [readme, source, rules, dashboard, out] = process.argv.slice(2);
const text = (path) => readFileSync(path, "utf8");
const bad = [];
const say = (condition, what) => condition && bad.push(what);
const words = (match, pattern) => [...match.matchAll(pattern)].map((found) => found[1]);

// Labels of each metric, and the values of a label where README.md lists them.
const metrics = new Map([["up", ["job", "instance"]]]);
const values = new Map();
for (const [, names, labels] of text(readme).matchAll(/^\| (`vpcgate_.*?) \|(.*)\|$/gm)) {
  for (const name of words(names, /`(\w+)`/g))
    metrics.set(name, ["job", "instance", ...words(labels, /`(\w+)`/g)]);
  for (const [, label, list] of labels.matchAll(/`(\w+)` \(([^)]*)\)/g))
    values.set(label, list.split(/[,;]/).map((value) => value.trim().split(" ")[0]));
}
const verdicts = text(readme).match(/^\| name \| verdict \| when \|$[^]*?\n\n/m)?.[0] ?? "";
values.set("reason", words(verdicts, /^\| `([\w-]+)`/gm));
values.set("family", ["ipv4", "ipv6"]);
const labels = new Set([...metrics.values()].flat());

const exported = new Set(words(text(source), /"(vpcgate_\w+)"/g));
for (const name of metrics.keys())
  say(name !== "up" && !exported.has(name), `${name}: in README.md, but not in ${source}`);
for (const name of exported) say(!metrics.has(name), `${name}: in ${source}, but not in README.md`);

function judgeMatcher(where, metric, label, operator, value) {
  if (!metrics.get(metric)?.includes(label)) bad.push(`${where}: ${metric} has no label ${label}`);
  if (!values.has(label) || value.includes("$")) return;
  for (const one of operator === "=~" ? value.split("|") : [value])
    say(!values.get(label).includes(one), `${where}: ${label} is never "${one}"`);
}

// Grafana's own variables get a value, so that others than Grafana can read it.
function plain(expression) {
  return expression.replaceAll(/\$__(rate_)?interval|\$__range/g, "5m");
}

function judge(where, expression) {
  const code = plain(expression);
  let metric = "";
  parser.parse(code).iterate({
    enter(node) {
      const here = code.slice(node.from, node.to);
      say(node.type.isError, `${where}: not PromQL near '${code.slice(node.from).slice(0, 20)}'`);
      if (node.name === "VectorSelector") {
        metric = here.match(/^\w+/)?.[0] ?? "";
        say(!metrics.has(metric), `${where}: there is no metric '${metric}'`);
      }
      const matcher = here.match(/^(\w+)\s*(=~|!~|!=|=)\s*"(.*)"$/);
      if (matcher && node.name.endsWith("Matcher"))
        judgeMatcher(where, metric, ...matcher.slice(1));
      if (node.name === "GroupingLabels")
        for (const label of words(here, /(\w+)/g))
          say(!labels.has(label), `${where}: no metric has a label ${label}`);
    },
  });
}

const expressions = [];
for (const { alert, expr } of parse(text(rules)).groups.flatMap((group) => group.rules))
  expressions.push([alert, expr]);

const board = JSON.parse(text(dashboard));
const variables = board.templating.list.map(({ name }) => name);
for (const panel of board.panels)
  for (const { expr } of panel.targets ?? []) expressions.push([`"${panel.title}"`, expr]);
for (const { name, expr } of board.annotations.list)
  expressions.push([`annotation "${name}"`, expr]);
for (const { name, definition } of board.templating.list) {
  const [, expr, label] = definition?.match(/^label_values\((.*), (\w+)\)$/) ?? [];
  if (expr) expressions.push([`variable ${name}`, expr]);
  say(label && !labels.has(label), `variable ${name}: no metric has a label ${label}`);
}

for (const [where, expr] of expressions) {
  judge(where, expr);
  for (const name of words(expr, /\$(?!__)(\w+)/g))
    say(!variables.includes(name), `${where}: the dashboard has no variable $${name}`);
}

// What Grafana would mend or hide without a word.
const ids = board.panels.map(({ id }) => id);
say(new Set(ids).size !== ids.length, "two panels have the same id");
say(!(board.schemaVersion >= 38), "the schema is older than Grafana 10's");
const cells = new Set();
for (const { title, type, datasource, gridPos } of board.panels) {
  say(type !== "row" && datasource?.uid !== "${datasource}", `"${title}" has another data source`);
  for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++)
    for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
      say(x > 23 || cells.has(`${x},${y}`), `"${title}" lies over another panel or the edge`);
      cells.add(`${x},${y}`);
    }
}
for (const name of metrics.keys())
  say(!expressions.some(([, expr]) => expr.includes(name)), `${name}: neither shown nor alerted`);

const asRules = expressions.map(([, expr], i) => ({ record: `check:${i}`, expr: plain(expr) }));
writeFileSync(out, stringify({ groups: [{ name: "check", rules: asRules }] }));
for (const what of new Set(bad)) console.log(what);
console.log(`${metrics.size} metrics, ${expressions.length} expressions, ${bad.length} mistakes`);
process.exit(bad.length > 0 || metrics.size < 10 || values.get("reason").length < 5 ? 1 : 0);
