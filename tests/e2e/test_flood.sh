#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# A million packets from random sources against a full table of flows: none is lost, none appears,
# none is touched, and the conversations go on.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pair.sh"

max_flows=2048
packets=${VG_FLOOD:-1000000}
service=5300
talks=(tcp4 tcp6 udp4 udp6)

counted() { vg_cli counters --json | jq "[.counters[] | select(.verdict == \"drop\" and .reason == \"unlisted\") | .packets] | add // 0"; }
received() { jq "${2:-.received}" "$VG_TMP/$1.state"; }
received_is_above() { [[ $(received "$1") -gt $2 ]]; }

# open_flows FROM TO FIRST N: datagrams from N local ports, each of which is answered.
open_flows()
{
	vg_in gated python3 -c 'import socket, sys
source, to, first, n = sys.argv[1:]
for port in range(int(first), int(first) + int(n)):
    with socket.socket(socket.AF_INET6 if ":" in to else socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(10)
        sock.bind((source, port))
        sock.connect((to, 5300))
        sock.send(b"0")
        sock.recv(16)' "$@"
}
talk() { pair_start "$1" gated python3 "$pair_dir/talk.py" "${@:2}" "$service" "$VG_TMP/$1.state"; }
begin()
{
	local name

	for name in "${talks[@]}"; do
		vg_wait 20 received_is_above "$name" 20 || { echo "$name hasn't begun"; return 1; }
	done
}

# Every flow; those of the talks without what their own packets change.
flow_list()
{
	local talking

	talking=$(for name in "${talks[@]}"; do received "$name" .local; done | jq -sc .)
	vg_cli flows --json | jq -c --argjson talking "$talking" 'sort_by(.protocol, .local, .local_port) | .[] |
		[.protocol, .local, .local_port, .remote, .remote_port, .state] +
		if .local_port | IN($talking[]) then [] else [.packets, .bytes] end'
}
# The shortest time that a flow which nobody uses was left alone.
idle_s() { vg_cli flows --json | jq '[.[] | select(.local_port < 30000).idle_s] | min'; }

flood()
{
	local before deadline=$((SECONDS + 50 * VG_SLOW))

	before=$(counted)
	until (($(counted) - before >= packets)); do
		((SECONDS < deadline)) || { echo "only $(($(counted) - before)) were counted"; return 1; }
		vg_in client "$VG_BUILD/tests/e2e/flood" eth0 "$gated_mac" "$bad4" "$gated4" "$bad6" "$gated6" 200000
	done
	flooded=$(($(counted) - before))
}

vg_setup flood
pair_build
gated_mac=$(pair_mac gated ens4)
pair_start echo client python3 "$pair_dir/talk.py" serve "$service"
pair_config internal >"$VG_TMP/vpcgate.yaml" <<<"replies: {max-flows: $max_flows}"
vg_check "the client echoes" vg_wait 20 pair_serves client "$service"
vg_check "the daemon starts" vg_daemon_start gated "$VG_TMP/vpcgate.yaml"

# Half as many more than there is room for; local ports of the talks are above 32767.
vg_in gated sysctl -qw net.ipv4.ip_local_port_range="32768 60999"
vg_check "flows in IPv4" vg_wait 20 open_flows "$gated4" "$bad4" 20000 $((max_flows * 3 / 2))
vg_check "flows in IPv6" vg_wait 20 open_flows "$gated6" "$bad6" 20000 $((max_flows * 3 / 2))
talk tcp4 tcp "$gated4" "$bad4"
talk tcp6 tcp "$gated6" "$bad6"
talk udp4 udp "$gated4" "$bad4"
talk udp6 udp "$gated6" "$bad6"
vg_check "conversations begin" begin
vg_check "the table is full: some were evicted" test "$(pair_status .flows.evicted)" -gt 100
flow_list >"$VG_TMP/before"
opened=$(pair_status .flows.opened)
idle=$(idle_s)
for name in "${talks[@]}"; do
	cp "$VG_TMP/$name.state" "$VG_TMP/$name.before"
done
start=$EPOCHREALTIME

vg_check "a flood of at least $packets packets is counted as unlisted" flood
seconds=$(awk "BEGIN { print $EPOCHREALTIME - $start }")
flow_list >"$VG_TMP/after"
printf '     %d packets in %.1f s against %d flows\n' "$flooded" "$seconds" "$(wc -l <"$VG_TMP/before")"
vg_check "there are flows" test "$(wc -l <"$VG_TMP/before")" -gt "$max_flows"
vg_check "no flow is lost, none appears, none has another count" diff "$VG_TMP/before" "$VG_TMP/after"
vg_expect "flows opened meanwhile" "$opened" "$(pair_status .flows.opened)"
vg_check "none that nobody uses was refreshed" test "$(idle_s)" -ge $((idle + ${seconds%.*} - 1))
for name in "${talks[@]}"; do
	vg_check "$name went on meanwhile" test "$(received "$name")" -gt $(($(jq .received "$VG_TMP/$name.before") + 100 / VG_SLOW))
	vg_check "$name ends" pair_stop "$name"
	printf '     %s: %s\n' "$name" "$(jq -c . "$VG_TMP/$name.state")"
	vg_expect "$name: wrong numbers, errors" "0 null" "$(received "$name" '"\(.wrong) \(.error)"' | jq -r .)"
done
vg_done
