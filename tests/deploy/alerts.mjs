// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// node alerts.mjs RULES TEST...: each alert says how bad it is and what to do, and promtool's TESTs
// ask for it both when it is silent and when it fires.
import { readFileSync } from "node:fs";
import { parse } from "yaml";

const [rules, ...tests] = process.argv.slice(2);
const read = (path) => parse(readFileSync(path, "utf8"));
const asked = tests.flatMap((path) => read(path).tests).flatMap((test) => test.promql_expr_test);
const alerts = read(rules).groups.flatMap((group) => group.rules);
const bad = [];
const say = (condition, text) => condition && bad.push(text);

for (const { alert, labels, annotations } of alerts) {
  const cases = asked.filter(
    ({ expr }) => expr === `ALERTS{alertname="${alert}", alertstate="firing"}`,
  );
  const fires = cases.filter(({ exp_samples }) => exp_samples?.length);
  say(fires.length === 0, `${alert}: no test in which it fires`);
  say(fires.length === cases.length, `${alert}: no test in which it is silent`);
  say(!["critical", "warning", "info"].includes(labels?.severity), `${alert}: no severity`);
  for (const name of ["summary", "description", "runbook"])
    say(!annotations?.[name]?.trim(), `${alert}: no ${name}`);
}
for (const text of bad) console.log(text);
console.log(`${alerts.length} alerts, ${asked.length} tests, ${bad.length} mistakes`);
process.exit(bad.length > 0 || alerts.length === 0 ? 1 : 0);
