#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The recorder of replies at the egress of a NIC: beside the classifiers of others, which nothing here
# touches; kept over the daemon's death, put back when it is removed, gone with the filter and under
# `replies: off`. Then the flows that it records, as they are seen.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pair.sh"

config() { pair_config internal "$@" >"$VG_TMP/vpcgate.yaml"; }
start() { vg_daemon_start gated "$VG_TMP/vpcgate.yaml"; }

# Without a daemon the CLI has to be on the NIC's side.
alone() { vg_in gated "$VPCGATE" --bpffs "$VG_BPFFS" --socket "$VG_SOCKET" "$@"; }

# A fresh bpffs folder and log for each scene. Whatever the last one attached goes first.
scenes=0
scene()
{
	vg_daemon_stop
	alone detach >/dev/null 2>&1 || true
	VG_BPFFS=$VG_BPFFS_MOUNT/scene$((++scenes))
	: >"$VG_TMP/daemon.log"
	printf '\n%s\n' "$*"
}

# filters HOOK [NIC]: a line for each classifier: priority, handle, program, id.
filters()
{
	vg_in gated tc -json filter show dev "${2:-ens4}" "$1" |
		jq -r '.[] | select(.options.prog) |
			"\(.pref) \(.options.handle) \(.options.prog.name) \(.options.prog.id)"'
}
ours() { filters egress "${1:-ens4}" | grep vpcgate_egress || true; }
others() { filters egress | grep -v vpcgate_egress; filters ingress; }
recorded() { [[ $(ours "${1:-ens4}" | wc -l) = 1 ]]; }
unrecorded() { [[ ! $(ours "${1:-ens4}") ]]; }
is_ours() { [[ $(ours) == "$1" ]]; }

interface() { pair_status ".interfaces[] | select(.name == \"$1\") | .$2"; }
interface_is() { [[ $(interface "$1" "$2") == "$3" ]]; }
hinted() { pair_status '.hints[]' | grep -qE "$1"; }

# add_other HOOK PRIORITY HANDLE
add_other()
{
	vg_in gated tc filter add dev ens4 "$1" prio "$2" handle "$3" \
		bpf da obj "$VG_BUILD/tests/e2e/other_tc.bpf.o" sec tc
}

vg_setup recorder
pair_build
vg_in gated ip link add name veth0 type veth peer name veth0p
vg_in gated ip link set veth0 up

scene "beside others, of which one has its place"
vg_in gated tc qdisc add dev ens4 clsact
add_other egress 1 0x7667
add_other egress 7 1
add_other ingress 1 0x7667
before=$(others)
vg_expect "classifiers of others" 3 "$(wc -l <<<"$before")"
config <<<"replies: track"
vg_check "the daemon starts" start
filter=$(ours)
vg_check "the recorder has a place of its own" grep -qE '^1 0x7668 vpcgate_egress [0-9]+$' <<<"$filter"
vg_expect "status" true "$(interface ens4 recorder)"
vg_expect "the others stay" "$before" "$(others)"
vg_check "a reload" pair_reload
vg_expect "it stays" "$filter" "$(ours)"
vg_expect "the others stay" "$before" "$(others)"

vg_daemon_stop KILL
vg_expect "kill -9: it stays" "$filter" "$(ours)"
vg_expect "status without a daemon" true "$(alone status --json | jq '.interfaces[0].recorder')"
vg_check "restart" start
vg_expect "restart: it is adopted" "$filter" "$(ours)"
vg_check "restart: the log says so" grep -q 'ens4: replies are still recorded' "$VG_TMP/daemon.log"
vg_expect "the others stay" "$before" "$(others)"

vg_in gated tc filter del dev ens4 egress prio 1 handle 0x7668 bpf
vg_check "removed: it is put back" vg_wait 5 is_ours "$filter"
vg_check "removed: the log says so" \
	grep -q 'warning: ens4: somebody removed the recorder' "$VG_TMP/daemon.log"
vg_check "removed: status" vg_wait 5 interface_is ens4 recorder true

config <<<"replies: off"
vg_check "a reload with replies: off" pair_reload
vg_check "it is off" unrecorded
vg_expect "status" false "$(interface ens4 recorder)"
vg_expect "status: flows" null "$(pair_status .flows)"
vg_expect "the XDP program stays" attached "$(interface ens4 state)"
vg_expect "the others stay" "$before" "$(others)"
config <<<"replies: track"
vg_check "a reload with replies: track" pair_reload
vg_expect "it is back" "$filter" "$(ours)"

vg_check "detach" vg_cli detach ens4
vg_check "it is off" unrecorded
vg_expect "status" false "$(interface ens4 recorder)"
vg_expect "the XDP program" null "$(pair_xdp_id ens4)"
vg_expect "the others stay" "$before" "$(others)"
vg_check "a reload" pair_reload
vg_check "it is back" recorded
vg_daemon_stop KILL
vg_check "detach without a daemon" alone detach
vg_check "it is off" unrecorded
vg_expect "the others stay" "$before" "$(others)"

scene "the qdisc is taken away with all that is on it"
config <<<"replies: track"
vg_check "the daemon starts" start
vg_in gated tc qdisc del dev ens4 clsact
vg_check "the recorder is put back" vg_wait 5 recorded
vg_check "a NIC out of the config" eval 'config veth0 <<<"replies: track"; pair_reload'
vg_check "its recorder goes" unrecorded
vg_check "the other NIC's comes" recorded veth0

scene "the NIC goes away and comes back"
config veth0 <<<"replies: track"
vg_check "the daemon starts" start
vg_in gated ip link delete veth0
vg_check "absent" vg_wait 5 interface_is veth0 state absent
vg_in gated ip link add name veth0 type veth peer name veth0p
vg_check "attached" vg_wait 5 interface_is veth0 state attached
vg_check "recorded" recorded veth0

scene "an ingress qdisc in the place of clsact"
vg_in gated tc qdisc del dev ens4 clsact
vg_in gated tc qdisc add dev ens4 ingress
config <<<"replies: track"
start || true
vg_expect "exit status" 2 "$VG_DAEMON_STATUS"
vg_check "the line says why, and what would do" \
	grep -qE '^error: ens4 has an .ingress. qdisc.*replies: off' "$VG_TMP/daemon.log"
vg_expect "the XDP program" null "$(pair_xdp_id ens4)"
config <<<"replies: off"
vg_check "replies: off starts" start
xdp=$(pair_xdp_id ens4)
config <<<"replies: track"
vg_check "a reload with replies: track" pair_reload
vg_expect "the NIC stays filtered" "attached $xdp" "$(interface ens4 state) $(pair_xdp_id ens4)"
vg_expect "status" false "$(interface ens4 recorder)"
vg_check "a hint says why" hinted 'ens4 has no recorder of replies: .*ingress. qdisc'
vg_in gated tc qdisc del dev ens4 ingress
vg_check "it comes as soon as it can" vg_wait 5 interface_is ens4 recorder true

scene "another XDP program on the NIC"
vg_in gated bpftool prog load "$VG_BUILD/tests/e2e/other.bpf.o" "$VG_BPFFS_MOUNT/other"
vg_in gated bpftool net attach xdpgeneric pinned "$VG_BPFFS_MOUNT/other" dev ens4
start || true
vg_expect "exit status" 2 "$VG_DAEMON_STATUS"
vg_check "no recorder stays" unrecorded
vg_in gated bpftool net detach xdpgeneric dev ens4

scene "flows"
vg_check "the daemon starts" start
pair_start http client python3 "$pair_dir/http_server.py" 8080
vg_check "the server listens" vg_wait 10 vg_in client curl -sf -o "$VG_TMP/body" "http://$bad4:8080/"
vg_expect "no flow" "[]" "$(vg_cli flows --json)"
vg_expect "no flow: for people" "no flow is open" "$(vg_cli flows)"
vg_check "an address in no set answers" \
	vg_in gated curl -sf --max-time $((5 * VG_SLOW)) -o "$VG_TMP/body" --local-port 40000 "http://$bad4:8080/"
vg_check "so does its IPv6 address" \
	vg_in gated curl -sf --max-time $((5 * VG_SLOW)) -o "$VG_TMP/body" --local-port 40001 "http://[$bad6]:8080/"
flow() { vg_cli flows --json | jq -c ".[] | select(.local_port == $1) | $2"; }
vg_expect "the flow" "[\"tcp\",6,\"$gated4\",\"$bad4\",8080]" \
	"$(flow 40000 '[.protocol, .protocol_number, .local, .remote, .remote_port]')"
vg_expect "the flow over IPv6" "[\"$gated6\",\"$bad6\"]" "$(flow 40001 '[.local, .remote]')"
vg_expect "its state" '"closing"' "$(flow 40000 .state)"
vg_expect "its ages" "[true,true,true]" "$(flow 40000 \
	'[.age_s >= 0 and .age_s < 60, .idle_s <= .age_s, .expires_s > 0 and .expires_s <= 120]')"
vg_expect "its replies" "[true,true]" "$(flow 40000 '[.packets > 3, .bytes > 200]')"
vg_check "for people" grep -qE "^tcp +$gated4:40000 +$bad4:8080 +closing " <<<"$(vg_cli flows)"
vg_check "for people, IPv6" grep -qE "^tcp +\[$gated6\]:40001 +\[$bad6\]:8080 " <<<"$(vg_cli flows)"
vg_expect "status" "[2,262144,2,0,0,0]" \
	"$(vg_cli status --json | jq -c '.flows | [.open, .max, .opened, .expired, .evicted, .full]')"
vg_check "status for people" grep -qE '^flows +2 open, room for 262,144 ' <<<"$(vg_cli status)"
vg_expect "metrics" "2 2" "$(vg_in gated curl -sf "http://$(pair_status .exporter)/metrics" |
	awk '/^vpcgate_flows(_opened_total)? / { print $2 }' | xargs)"
vg_daemon_stop KILL
vg_expect "without a daemon" 2 "$(vg_cli flows --json | jq length)"
vg_check "restart" start
vg_expect "after a restart" 2 "$(vg_cli flows --json | jq length)"
for max in 4096 100000; do
	config <<<"replies: {max-flows: $max}"
	vg_check "a reload with max-flows: $max" pair_reload
	vg_expect "room" "$max" "$(pair_status .flows.max)"
	vg_expect "the flows move" "40000 40001" \
		"$(vg_cli flows --json | jq -r 'map(.local_port) | sort | join(" ")')"
	vg_expect "none is counted as lost" "[2,2,0,0]" \
		"$(pair_status '.flows | [.open, .opened, .expired, .evicted] | tojson')"
done
config <<<"replies: off"
vg_check "a reload with replies: off" pair_reload
vg_expect "replies: off" "[]" "$(vg_cli flows --json 2>/dev/null)"
vg_expect "replies: off, for people" "" "$(vg_cli flows 2>"$VG_TMP/said")"
vg_check "it says so" grep -q 'replies: off' "$VG_TMP/said"
vg_check "status for people" grep -q '^flows *not tracked' <<<"$(vg_cli status)"

scene "the end"
vg_done
