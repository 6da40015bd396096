#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The filter outlives the daemon, and reloads are whole: under traffic that never stops the daemon
# is killed, started again and reloaded 200 times; then it exits and starts with a bad config.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pair.sh"

reloads=${VG_RELOADS:-200}
good=(good4 good6)
denied=(bad4 bad6)

# Both admit the good sender and neither admits the bad one.
policy_a() { pair_config internal </dev/null; }
policy_b()
{
	pair_config internal-and-cloud-load-balancing <<-END
	services:
	  - {name: echo, protocol: udp, port: 9000, ingress: internal, also-admit: [health-check]}
	  - {name: other, protocol: tcp, port: 9001, ingress: all}
	END
}

traffic_start()
{
	pair_traffic receive gated receive 9000 "$VG_TMP/received"
	vg_wait 10 test -e "$VG_TMP/received"
	pair_traffic good4 client send good4 "$good4" "$gated4" 9000 1000
	pair_traffic good6 client send good6 "$good6" "$gated6" 9000 500
	pair_traffic bad4 client send bad4 "$bad4" "$gated4" 9000 500
	pair_traffic bad6 client send bad6 "$bad6" "$gated6" 9000 500
	pair_traffic good_connect client connect "$good4" "$gated4" 9000 50
	VG_PATIENCE=0.5 pair_traffic bad_connect client connect "$bad4" "$gated4" 9000 50
	pair_traffic good_stream client stream "$good6" "$gated6" 9000 200
	pair_start counters gated "$VPCGATE" --bpffs "$VG_BPFFS" --socket "$VG_SOCKET" \
		counters --json --watch 0.1
}

# More datagrams of this flow arrive than had until now.
still_received()
{
	local now

	now=$(jq ".udp.$1.received // 0" "$VG_TMP/received")
	vg_wait 30 pair_received "$1" $((now + 100))
}

drops_now() { vg_cli drops --json | jq '[.counters[].packets] | add // 0'; }
drops_above() { [[ $(drops_now) -gt $1 ]]; }
still_dropped()
{
	local now

	now=$(drops_now)
	vg_wait 5 drops_above $((now + 100))
}

# The bad sender's connections time out while the good one's succeed.
filter_is_in_force()
{
	vg_in client curl -sf --interface "$good4" --max-time $((3 * VG_SLOW)) -o "$VG_TMP/body" "http://$gated4:8080/" &&
		! vg_in client curl -s --interface "$bad4" --max-time 1 "http://$gated4:8080/"
}

reload_alternately()
{
	local i

	for ((i = 1; i <= reloads; i++)); do
		if ((i % 2)); then policy_b; else policy_a; fi >"$config"
		pair_reload || return 1
		pair_xdp_id >>"$VG_TMP/ids"
	done
}

# How often a counter was lower in one sample than in the one before.
steps_back()
{
	jq -n '[inputs | [.counters[] | {([.interface, .verdict, .reason, .source] | tostring):
			[.packets, .bytes]}] | add // {}] as $s |
		[range(1; $s | length) as $i | $s[$i - 1] | to_entries[] |
		 select(.value[0] > ($s[$i][.key][0] // 0) or .value[1] > ($s[$i][.key][1] // 0))] |
		length' "$VG_TMP/counters.json"
}

vg_setup lifetime
pair_build
config=$VG_TMP/vpcgate.yaml
policy_a >"$config"
vg_check "the daemon starts" vg_daemon_start gated "$config"
xdp_id=$(pair_xdp_id)
vg_check "an XDP program is on the NIC" test "$xdp_id" -gt 0
traffic_start
vg_check "admitted IPv4 datagrams arrive" vg_wait 30 pair_received good4 200
vg_check "admitted IPv6 datagrams arrive" vg_wait 30 pair_received good6 100
vg_check "denied ones are counted as dropped" still_dropped

vg_daemon_stop KILL
vg_expect "kill -9: ends by it" 137 "$VG_DAEMON_STATUS"
vg_expect "kill -9: the XDP program stays" "$xdp_id" "$(pair_xdp_id)"
vg_check "kill -9: admitted datagrams still arrive" still_received good4
vg_check "kill -9: denied ones are still dropped" still_dropped
vg_check "restart" vg_daemon_start gated "$config"
vg_expect "restart: the XDP program stays" "$xdp_id" "$(pair_xdp_id)"
vg_expect "restart: the link is adopted" true "$(pair_status '.interfaces[0].adopted')"
vg_check "restart: admitted datagrams still arrive" still_received good4

vg_check "$reloads reloads, each in force" reload_alternately
vg_expect "reloads: the XDP program stays" "$xdp_id" "$(sort -u "$VG_TMP/ids")"
vg_expect "reloads: none failed" 0 "$(pair_status .reloads.failed)"
vg_check "reloads: admitted datagrams still arrive" still_received good4
vg_check "reloads: denied ones are still dropped" still_dropped

for flow in "${good[@]}" "${denied[@]}" good_connect bad_connect good_stream counters; do
	vg_check "$flow ends" pair_stop "$flow"
done
for flow in "${good[@]}"; do
	sent=$(pair_result "$flow" .sent)
	vg_wait 30 pair_received "$flow" "$sent" || true
	vg_expect "$flow: all $sent datagrams arrived once" "{\"received\":$sent,\"repeated\":0,\"lost\":0}" \
		"$(jq -c ".udp.$flow" "$VG_TMP/received")"
done
for flow in "${denied[@]}"; do
	sent=$(pair_result "$flow" .sent)
	vg_check "$flow: many were sent" test "$sent" -gt $((1000 / VG_SLOW))
	vg_expect "$flow: of $sent datagrams none arrived" null "$(jq -c ".udp.$flow" "$VG_TMP/received")"
done
denied_sent=$(($(pair_result bad4 .sent) + $(pair_result bad6 .sent)))
vg_check "every denied datagram was counted" test "$(drops_now)" -ge "$denied_sent"
vg_expect "connections from the denied address" "0 null" \
	"$(pair_result bad_connect .succeeded) $(jq ".tcp.\"$bad4\"" "$VG_TMP/received")"
vg_check "connections from the denied address were tried" test "$(pair_result bad_connect .failed)" -gt 3
vg_expect "connections from the admitted address that failed" 0 "$(pair_result good_connect .failed)"
vg_check "connections from the admitted address" test "$(pair_result good_connect .succeeded)" -gt $((100 / VG_SLOW))
vg_expect "the long connection: wrong lines" 0 "$(pair_result good_stream .wrong)"
# An emulated machine's answers come later than TCP waits for them.
if ((VG_SLOW == 1)); then
	vg_expect "their segments sent again, SYN included" 0 "$(pair_result good_connect .retransmits)"
	vg_expect "the long connection: segments sent again" 0 "$(pair_result good_stream .retransmits)"
fi
vg_check "the counters were sampled" test "$(jq -n '[inputs] | length' "$VG_TMP/counters.json")" -gt 50
vg_expect "samples in which a counter went backwards" 0 "$(steps_back)"

pair_start http gated python3 "$pair_dir/http_server.py" 8080
vg_check "the server listens" vg_wait 10 vg_in gated curl -sf -o "$VG_TMP/body" http://127.0.0.1:8080/
vg_daemon_stop TERM
vg_expect "SIGTERM: exit status" 0 "$VG_DAEMON_STATUS"
vg_expect "SIGTERM: the XDP program stays" "$xdp_id" "$(pair_xdp_id)"
vg_check "SIGTERM: the filter is in force" filter_is_in_force

echo "ingres: all" >"$VG_TMP/bad.yaml"
vg_daemon_start gated "$VG_TMP/bad.yaml" || true
vg_expect "a bad config at start: exit status" 2 "$VG_DAEMON_STATUS"
vg_check "a bad config at start: the log says where" grep -q "$VG_TMP/bad.yaml:1:1: " "$VG_TMP/daemon.log"
vg_expect "a bad config at start: the XDP program stays" "$xdp_id" "$(pair_xdp_id)"
vg_check "a bad config at start: the filter is in force" filter_is_in_force
vg_done
