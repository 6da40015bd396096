# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Medians, quartiles and bounds, from $rounds (a figure of each row and round) and $missing.

# Each once, as they come.
def in_order: reduce .[] as $item ([]; if index([$item]) then . else . + [$item] end);

def quantile($part): sort | .[(length * $part | floor)];
def summary: map(values) | if length == 0 then null
  else {median: quantile(0.5), low: quantile(0.25), high: quantile(0.75)} end;

# Of a row, one figure by round; null where that round has none.
def figures($scenario; $name; $figure):
  [$rounds[] | select(.scenario == $scenario and .name == $name) | .figures[$figure]];

# How many times $b's figure $a's is: the median of what it is round by round.
def ratio($scenario; $a; $b; $figure):
  [figures($scenario; $a; $figure), figures($scenario; $b; $figure)] | transpose
  | map(select(all(. != null)) | .[0] / .[1]) | if length == 0 then null else quantile(0.5) end;

# The same of what both take over a third.
def net_ratio($scenario; $a; $b; $floor; $figure):
  [figures($scenario; $a; $figure), figures($scenario; $b; $figure), figures($scenario; $floor; $figure)]
  | transpose | map(select(all(. != null)) | (.[0] - .[2]) / (.[1] - .[2]))
  | if length == 0 then null else quantile(0.5) end;

def verdict(met): {value: ., met: (if . == null then null else met end)};
def bound($what; $limit; of; met):
  {what: $what, limit: $limit,
   paced: (("paced_ns" | of) | verdict(met)), flat_out: (("flat_out_ns" | of) | verdict(met))};

"vpcgate, replies: off" as $ours
| "read the source and drop" as $floor
| "LPM reference" as $lpm
| ([$rounds[].scenario] | in_order) as $scenarios
| {
    machine: {cpu: $cpu, cpus: ($cpus | tonumber), kernel: $kernel, date: (now | strftime("%Y-%m-%d"))},
    rounds: ([$rounds[].round] | max + 1),
    scenarios: [$scenarios[] as $s | {
      name: $s,
      rows: ([$rounds[] | select(.scenario == $s) | .name] | in_order
             | map({name: .,
                    paced_ns: (figures($s; .; "paced_ns") | summary),
                    flat_out_ns: (figures($s; .; "flat_out_ns") | summary),
                    thread_ns: (figures($s; .; "thread_ns") | summary),
                    mpps: (figures($s; .; "mpps") | summary),
                    paced_polls: (figures($s; .; "paced_polls") | summary),
                    flat_out_polls: (figures($s; .; "flat_out_polls") | summary)})),
      missing: [$missing[] | select(.scenario == $s) | {name, missing}],
    }],
    bounds: [
      ($scenarios[] | select(startswith("20 ")) as $s
       | bound("\($s): vpcgate / the floor"; "at most 1.2"; ratio($s; $ours; $floor; .); . <= 1.2),
         bound("\($s): vpcgate / LPM reference"; "below 1"; ratio($s; $ours; $lpm; .); . < 1),
         bound("\($s): vpcgate / xdp-filter"; "below 1"; ratio($s; $ours; "xdp-filter"; .); . < 1),
         bound("\($s): nftables / vpcgate"; "at least 3";
               ratio($s; "nftables, netdev ingress"; $ours; .); . >= 3)),
      ($scenarios[] | select(startswith("100,000 ")) as $s
       | bound("\($s): LPM reference / vpcgate"; "at least 2"; ratio($s; $lpm; $ours; .); . >= 2),
         bound("\($s): the same, both over the floor"; null;
               net_ratio($s; $lpm; $ours; $floor; .); null))
    ]
  }
