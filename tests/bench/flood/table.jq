# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Tables of bench-flood.json: $style is text or markdown.

def places($n): (. * pow(10; $n) | round / pow(10; $n) | tostring) as $text
  | if $n > 0 and ($text | contains(".") | not) then $text + "." + "0" * $n else $text end;
def spread: if . == null then "none" else "\(.median | round) (\(.low | round)–\(.high | round))" end;
def pad($n; $right): (" " * ($n - length) // "") as $space | if $right then $space + . else . + $space end;

def markdown: $style == "markdown";
# Cells of a line, the first of them left-aligned.
def line($first; $others): if markdown then "| " + join(" | ") + " |"
  else "  " + (.[0] | pad($first; false)) + ([.[1:][] | pad($others; true)] | join("")) end;
def figures: line(32; 19);
def bounds: line(70; 17);
def rule($columns): if markdown then "|---" + "|--:" * ($columns - 1) + "|" else empty end;

def verdict: (.value | if . == null then "not measured" else places(2) end) + ({"true": ": met", "false": ": not met"}[.met | tostring] // "");

"\(.machine.cpus) CPUs, \(.machine.cpu), Linux \(.machine.kernel), \(.machine.date); medians (quartiles) of \(.rounds) rounds",
(.scenarios[]
 | "", (if markdown then "**\(.name)**", "" else .name end),
   (["ns a frame", "paced", "flat out", "whole thread", "Mpps"] | figures), rule(5),
   (.rows[] | [.name, (.paced_ns | spread), (.flat_out_ns | spread), (.thread_ns | spread),
               (.mpps.median | places(1))] | figures),
   (.missing[] | if markdown then [.name, "missing: \(.missing)", "", "", ""] | figures
                 else "  \(.name): missing, \(.missing)" end)),
"", (["bound", "limit", "paced", "flat out"] | bounds), rule(4),
(.bounds[] | [.what, .limit // "", (.paced | verdict), (.flat_out | verdict)] | bounds)
