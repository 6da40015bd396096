#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# One policy of a million prefixes takes the place of another, again and again, under full traffic: no
# packet is misjudged, and neither the daemon's time nor its memory goes past the bounds. Times are CPU
# time of the daemon's main thread, as it measures them itself, and the least of some reloads without
# traffic: all that the machine does besides adds to it, even to CPU time.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pair.sh"

reloads=${VG_RELOADS:-10} # under traffic, after as many without
prefixes=1000000
live_us=$((1500000 * VG_SLOW)) publish_us=$((500000 * VG_SLOW)) # bounds: config to live, and of that compile and load
resident_kb=400000 table_bytes=64000000
live='.parse_us + .compile_us + .load_us' publish='.compile_us + .load_us'

# An address that only the long lists admit, the one by a /24, the other by a /15.
listed4=198.18.0.10
good=(good4 good6 listed4)
denied=(bad4 bad6)

# list NAME SEED PREFIX: all but one of a config's IPv4 prefixes.
list()
{
	{
		"$VG_BUILD/tests/e2e/prefixes" "$2" $((prefixes - 2)) "$bad4" "$listed4"
		echo "$3"
	} >"$VG_TMP/$1.txt"
}

# config NAME
config()
{
	cat <<-END
	interfaces: [ens4, ens5]
	ingress: internal
	sources:
	  vpc: [10.128.0.0/20, "fd20:1:2::/48", "file:$1.txt"]
	END
}

# Of one NIC the senders count their datagrams, the other is flooded.
build()
{
	local mac

	pair_build
	vg_veth gated ens5 client eth1
	mac=$(pair_mac client eth0)
	vg_in client ip addr add "$listed4" dev eth0
	vg_in gated ip neigh replace "$listed4" lladdr "$mac" nud permanent dev ens4
}

traffic_start()
{
	pair_traffic receive gated receive 9000 "$VG_TMP/received"
	vg_wait 30 test -e "$VG_TMP/received"
	pair_traffic good4 client send good4 "$good4" "$gated4" 9000 500
	pair_traffic good6 client send good6 "$good6" "$gated6" 9000 500
	pair_traffic listed4 client send listed4 "$listed4" "$gated4" 9000 500
	pair_traffic bad4 client send bad4 "$bad4" "$gated4" 9000 500
	pair_traffic bad6 client send bad6 "$bad6" "$gated6" 9000 500
	pair_start flood client "$VG_BUILD/tests/e2e/flood" eth1 "$(pair_mac gated ens5)" \
		"$bad4" "$gated4" "$bad6" "$gated6" 100000000000
}

# What the stack behind the filter has received, without IPv6's multicast, which the hosts send by
# themselves.
stack_received()
{
	local four=/proc/self/net/snmp six=/proc/self/net/snmp6

	# shellcheck disable=SC2016 # awk's own
	vg_in gated awk '/^Ip: [0-9]/ { print $4 }' $four
	# shellcheck disable=SC2016
	vg_in gated awk '/^Ip6InReceives/ { n += $2 } /^Ip6InMcastPkts/ { n -= $2 } END { print n }' $six
}

drops_on() { vg_cli drops --interface "$1" --json | jq '[.counters[].packets] | add // 0'; }
# CPU time of the daemon's main thread, in microseconds.
cpu_us() { echo $(($(cut -d' ' -f1 "/proc/$VG_DAEMON_PID/task/$VG_DAEMON_PID/schedstat") / 1000)); }

# reload_alternately RESULT: what each reload took goes there.
reload_alternately()
{
	local i before

	for ((i = 1; i <= reloads; i++)); do
		if ((i % 2)); then config b; else config a; fi >"$VG_TMP/vpcgate.yaml"
		before=$(cpu_us)
		pair_reload || return 1
		pair_status ".policy | {prefixes4, table_bytes, all: ($(cpu_us) - $before)} + .publish" \
			>>"$VG_TMP/$1"
	done
}

# least RESULT WHAT, median RESULT WHAT: of all reloads there.
least() { jq -s "map($2) | min" "$VG_TMP/$1"; }
median() { jq -s "map($2) | sort | .[length / 2 | floor]" "$VG_TMP/$1"; }
print_times()
{
	printf '     %s: config to live %d ms, compile and load %d ms, all that the daemon did %d ms (medians of CPU time)\n' \
		"$1" $(($(median "$1" "$live") / 1000)) $(($(median "$1" "$publish") / 1000)) \
		$(($(median "$1" .all) / 1000))
}
above() { [[ $(drops_on "$1") -gt $2 ]]; }

vg_setup scale
list a 1 198.18.0.0/24
list b 2 198.18.0.0/15
build
config a >"$VG_TMP/vpcgate.yaml"
vg_check "the daemon starts" vg_daemon_start gated "$VG_TMP/vpcgate.yaml"
vg_check "$reloads reloads without traffic" reload_alternately quiet
mapfile -t before < <(stack_received)
traffic_start
for flow in "${good[@]}"; do
	vg_check "datagrams of $flow arrive" vg_wait 30 pair_received "$flow" 100
done
flooded=$(drops_on ens5)
vg_check "$reloads reloads under traffic" reload_alternately flooded
vg_check "the other NIC was flooded meanwhile" above ens5 $((flooded + 100000))
flooded=$(($(drops_on ens5) - flooded))
vg_expect "none failed" 0 "$(pair_status .reloads.failed)"

for flow in "${good[@]}" "${denied[@]}" flood; do
	vg_check "$flow ends" pair_stop "$flow"
done
sent4=0 sent6=0
for flow in "${good[@]}"; do
	sent=$(pair_result "$flow" .sent)
	vg_wait 30 pair_received "$flow" "$sent" || true
	vg_expect "$flow: all $sent datagrams arrived once" "{\"received\":$sent,\"repeated\":0,\"lost\":0}" \
		"$(jq -c ".udp.$flow" "$VG_TMP/received")"
	if [[ $flow = *4 ]]; then ((sent4 += sent)); else ((sent6 += sent)); fi
done
for flow in "${denied[@]}"; do
	sent=$(pair_result "$flow" .sent)
	vg_check "$flow: many were sent" test "$sent" -gt $((1000 / VG_SLOW))
	vg_expect "$flow: of $sent datagrams none arrived" null "$(jq -c ".udp.$flow" "$VG_TMP/received")"
done
mapfile -t after < <(stack_received)
vg_expect "no other packet came through, of $flooded of the flood" "$sent4 $sent6" \
	"$((after[0] - before[0])) $((after[1] - before[1]))"

print_times quiet
print_times flooded
peak_kb=$(awk '/VmHWM/ { print $2 }' "/proc/$VG_DAEMON_PID/status")
printf '     peak memory %d MB, tables %d kB\n' $((peak_kb / 1000)) $(($(least quiet .table_bytes) / 1000))
vg_check "a million prefixes" test "$(least quiet .prefixes4)" -ge "$prefixes"
vg_check "config to live" test "$(least quiet "$live")" -lt "$live_us"
vg_check "all that the daemon did for a reload" test "$(least quiet .all)" -lt "$live_us"
vg_check "of that compile and load" test "$(least quiet "$publish")" -lt "$publish_us"
vg_check "tables" test "$(median quiet .table_bytes)" -le "$table_bytes"
vg_check "peak memory" test "$peak_kb" -le "$resident_kb"

generation=$(pair_status .policy.generation)
echo "limits: {table-memory: 1MiB}" >>"$VG_TMP/vpcgate.yaml"
kill -HUP "$VG_DAEMON_PID"
vg_check "tables past the limit are refused" vg_wait 10 pair_failed_reloads_are 1
vg_check "with place and figure" grep -qE \
	"^$VG_TMP/vpcgate.yaml:5:24: the tables would take [0-9]+MiB, and \`table-memory\` allows 1MiB: write " \
	<<<"$(pair_status .reloads.last_error)"
vg_expect "the policy in force stays" "$generation" "$(pair_status .policy.generation)"
vg_done
