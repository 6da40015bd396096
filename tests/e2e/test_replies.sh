#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The host's own conversations with an internet host in no set work, over a path whose MTU both ends
# have to find out; and whatever that host sends unasked is dropped before, during and after them.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pair.sh"
. "$(dirname "$0")/internet.sh"

size=$((10000000 / VG_SLOW))
service=5300

config() { pair_config internal >"$VG_TMP/vpcgate.yaml"; }
# With the internet host admitted, replies are not needed for it; errors come from the router.
config_admitting()
{
	cat >"$VG_TMP/vpcgate.yaml" <<-END
	interfaces: [ens4]
	ingress: internal
	sources: {vpc: [10.128.0.0/20, "fd20:1:2::/48", 203.0.113.0/24, "2001:db8:bad::/48"]}
	END
	cat >>"$VG_TMP/vpcgate.yaml"
}

counted() { vg_cli counters --json | jq "[.counters[] | select(.verdict == \"$1\" and .reason == \"$2\") | .packets] | add // 0"; }
counted_is() { [[ $(counted "$1" "$2") == "$3" ]]; }
# Numbers of all flows that jq's condition holds for.
flows() { vg_cli flows --json | jq "[.[] | select($1)]"; }
flow_count() { flows "$1" | jq length; }
flow_count_is() { [[ $(flow_count "$1") == "$2" ]]; }
# A TCP flow is gone 120 s after its FIN, which a slow machine may need for the rest: what each had is kept.
looks=0
look_at_flows()
{
	((++looks))
	flows true >"$VG_TMP/flows.$looks"
}
replies_seen()
{
	look_at_flows
	jq -s '[add | group_by([.protocol_number, .local, .local_port, .remote, .remote_port])[]
		| map(.packets) | max] | add' "$VG_TMP"/flows.*
}

# for_both FUNCTION ARG...: with "IPv4" or "IPv6" and the addresses of the internet and gated host.
for_both()
{
	"$1" IPv4 "$internet4" "$gated4" "${@:2}"
	"$1" IPv6 "$internet6" "$gated6" "${@:2}"
}
url() { [[ $1 == *:* ]] && echo "http://[$1]" || echo "http://$1"; }

# ---- what nobody has asked for ----

# The flows that are open to the service, or ports that nobody uses.
flow_json()
{
	local tcp=40001 udp=40002

	if [[ ${1:-} ]]; then
		tcp=$(jq .local "$VG_TMP/tcp-$1.state")
		udp=$(jq .local "$VG_TMP/udp-$1.state")
	fi
	printf '{"port": %d, "tcp": %d, "udp": %d}' "$service" "$tcp" "$udp"
}

# Every kind of probe in both families; prints how many were sent.
probe_both()
{
	local sent4 sent6

	sent4=$(vg_in internet python3 "$pair_dir/probe.py" send "$internet4" "$gated4" "$(flow_json ${1:+IPv4})")
	sent6=$(vg_in internet python3 "$pair_dir/probe.py" send "$internet6" "$gated6" "$(flow_json ${1:+IPv6})")
	echo $((sent4 + sent6))
}

# unasked PHASE [open]: every probe of both families is counted as unlisted.
unasked()
{
	local before total

	before=$(counted drop unlisted)
	total=$(probe_both "${2:-}")
	vg_wait 5 counted_is drop unlisted $((before + total)) || true
	vg_expect "$1: $total unasked packets are counted as unlisted" $((before + total)) "$(counted drop unlisted)"
}

# What has been delivered of them, such as {"udp-listening":2}.
delivered() { jq -c 'del(.[""])' "$VG_TMP/watched"; }
delivered_sum() { delivered | jq 'add // 0'; }
delivered_is() { [[ $(delivered_sum) == "$1" ]]; }

# ---- what the host asks for ----

talk_received() { [[ $(jq ".received" "$VG_TMP/$1.state") -ge $2 ]]; }
talk_start()
{
	rm -f "$VG_TMP/tcp-$1.state" "$VG_TMP/udp-$1.state"
	pair_start "tcp-$1" gated python3 "$pair_dir/talk.py" tcp "$3" "$2" "$service" "$VG_TMP/tcp-$1.state"
	pair_start "udp-$1" gated python3 "$pair_dir/talk.py" udp "$3" "$2" "$service" "$VG_TMP/udp-$1.state"
}
talk_goes_on()
{
	local now

	now=$(jq .received "$VG_TMP/$4-$1.state")
	vg_wait 10 talk_received "$4-$1" $((now + 20))
}
check_talk()
{
	vg_check "$1: TCP goes both ways" vg_wait 20 talk_received "tcp-$1" 20
	vg_check "$1: UDP goes both ways" vg_wait 20 talk_received "udp-$1" 20
}
check_talk_goes_on()
{
	vg_check "$1: TCP goes on" talk_goes_on "$@" tcp
	vg_check "$1: UDP goes on" talk_goes_on "$@" udp
}
check_talk_end()
{
	local protocol

	for protocol in tcp udp; do
		vg_check "$1: $protocol ends" pair_stop "$protocol-$1"
		vg_expect "$1: $protocol: not one number lost or wrong" "0 0 null" \
			"$(jq -r '"\(.sent - .received) \(.wrong) \(.error)"' "$VG_TMP/$protocol-$1.state")"
		vg_expect "$1: $protocol: one flow, of that tuple" 1 "$(flow_of_talk "$@" "$protocol" | jq length)"
	done
	# A datagram is a packet, and so is every echo.
	vg_expect "$1: udp: the flow's replies are the echoes" "$(jq .received "$VG_TMP/udp-$1.state")" \
		"$(flow_of_talk "$@" udp | jq '.[0].packets')"
	vg_check "$1: tcp: the flow has replies" test "$(flow_of_talk "$@" tcp | jq '.[0].packets')" -gt 20
}
flow_of_talk()
{
	flows ".protocol == \"$4\" and .remote == \"$2\" and .remote_port == $service and
		.local == \"$3\" and .local_port == $(jq .local "$VG_TMP/$4-$1.state")"
}

check_short()
{
	local before replies

	vg_check "$1: curl" vg_in gated curl -sf --max-time $((5 * VG_SLOW)) -o "$VG_TMP/body" "$(url "$2")/"
	vg_expect "$1: curl: the server saw" "$3" "$(jq -r .client "$VG_TMP/body")"
	look_at_flows
	vg_expect "$1: dig" 192.0.2.53 "$(vg_in gated dig +short +time=5 +tries=1 "@$2" example.com)"
	vg_check "$1: ping" vg_in gated ping -n -c 3 -i 0.2 -W 5 "$2"
	replies=$(flows ".protocol_number == 1 or .protocol_number == 58" | jq "[.[] | select(.remote == \"$2\").packets] | add")
	vg_expect "$1: ping: replies of the flow" 3 "$replies"
	before=$(counted pass related)
	vg_expect "$1: traceroute, UDP" "$(hops "$1")" "$(trace "$2")"
	vg_check "$1: traceroute, UDP: errors counted as related" test "$(counted pass related)" -ge $((before + 3))
	before=$(counted pass related)
	vg_expect "$1: traceroute, ICMP" "$(hops "$1")" "$(trace "$2" -I)"
	vg_check "$1: traceroute, ICMP: errors counted as related" test "$(counted pass related)" -ge $((before + 2))
	check_protocol "$@" GRE 47
	check_protocol "$@" SCTP 132
}
trace() { vg_in gated traceroute -n -q 1 -w 5 -m 5 "${@:2}" "$1" | awk 'NR > 1 { printf "%s ", $2 }'; }
hops() { [[ $1 = IPv4 ]] && echo "$router4 $isp4 $internet4 " || echo "$router6 $isp6 $internet6 "; }

check_protocol()
{
	vg_expect "$1: $4: ten answers" 10 "$(vg_in gated python3 "$pair_dir/probe.py" ask "$3" "$2" "$5")"
	vg_expect "$1: $4: a flow with ten replies" 10 \
		"$(flows ".protocol_number == $5 and .remote == \"$2\" and .local == \"$3\"" | jq '[.[].packets] | add')"
}

# ---- the path's MTU ----

# Both ends have to find the path's MTU anew.
forget_mtu()
{
	local host

	for host in gated internet; do
		vg_in "$host" ip route flush cache
		vg_in "$host" ip -6 route flush cache
	done
}
upload() { vg_in gated curl -sf --max-time "$2" -T "$VG_TMP/file" "$(url "$1")/"; }
download() { vg_in gated curl -sf --max-time $((20 * VG_SLOW)) -o "$VG_TMP/body" "$(url "$1")/bytes/$size"; }
found_mtu() { vg_in gated ip -json route get "$1" | jq '.[0].metrics[0].mtu // 0'; }

check_upload()
{
	local before

	# An earlier connection that still tries may find the MTU as soon as it is forgotten.
	before=$(counted pass related)
	forget_mtu
	vg_expect "$1: upload of $size bytes$4" "$size $sum" "$(upload "$2" $((20 * VG_SLOW)) | jq -r '"\(.length) \(.sha256)"')"
	vg_expect "$1: the host has found the path's MTU" "$path_mtu" "$(found_mtu "$2")"
	vg_check "$1: by an error counted as related" test "$(counted pass related)" -gt "$before"
}
check_download()
{
	forget_mtu
	vg_check "$1: download of $size bytes" download "$2"
	vg_expect "$1: bytes that came" "$size" "$(stat -c %s "$VG_TMP/body")"
}
# hold_errors add|delete: the router can't send ICMP of its own towards the gated host.
hold_errors()
{
	vg_in router ip rule "$1" to "$gated4" ipproto 1 blackhole
	vg_in router ip -6 rule "$1" to "$gated6" ipproto 58 blackhole
}
check_hang()
{
	local status=0

	forget_mtu
	upload "$2" 3 >"$VG_TMP/body" || status=$?
	vg_expect "$1: without the router's errors the upload hangs (curl: 28)" 28 "$status"
}

# ---- after a flow's end ----

check_stop()
{
	vg_check "$1: TCP ends" pair_stop "tcp-$1"
	vg_check "$1: UDP ends" pair_stop "udp-$1"
}
check_expired()
{
	local before flow

	flow=$(flow_json "$1")
	vg_check "$1: the UDP flow ends with its lifetime" vg_wait 15 talk_flow_is_over "$@"
	before=$(counted drop unlisted)
	vg_in internet python3 "$pair_dir/probe.py" in-flow "$2" "$3" "$flow" >"$VG_TMP/sent"
	vg_check "$1: then its packets are unlisted again" vg_wait 5 counted_is drop unlisted $((before + 1))
}
talk_flow_is_over() { [[ $(flow_of_talk "$1" "$2" "$3" udp | jq length) == 0 ]]; }

vg_setup replies
internet_build
head -c "$size" /dev/urandom >"$VG_TMP/file"
sum=$(sha256sum <"$VG_TMP/file")
sum=${sum%% *}
pair_start http internet python3 "$pair_dir/http_server.py" 80
pair_start dns internet python3 "$pair_dir/dns_server.py" 53
pair_start echo internet python3 "$pair_dir/talk.py" serve "$service"
pair_start gre internet python3 "$pair_dir/probe.py" answer 47
pair_start sctp internet python3 "$pair_dir/probe.py" answer 132
pair_start listening gated python3 "$pair_dir/talk.py" serve 9000
pair_start watch gated python3 "$pair_dir/probe.py" watch ens4 "$VG_TMP/watched"
vg_check "the internet host serves" vg_wait 20 vg_in internet curl -sf -o "$VG_TMP/body" "http://$internet4/"
vg_check "it echoes" vg_wait 20 pair_serves internet "$service"
vg_check "the watch is on" vg_wait 20 test -e "$VG_TMP/watched"

# Flows stay for longer than this takes on a slow machine: their replies are summed up.
config <<<"replies: {udp: 1h, icmp: 1h}"
vg_check "the daemon starts" vg_daemon_start gated "$VG_TMP/vpcgate.yaml"
vg_expect "attached in native mode" native "$(pair_status '.interfaces[0].mode')"
unasked "before any flow"
vg_expect "before any flow: flows" 0 "$(flow_count true)"

for_both talk_start
for_both check_talk
unasked "during the flows" open
for_both check_talk_goes_on
for_both check_short
for_both check_upload ""
look_at_flows
for_both check_download
look_at_flows
unasked "beside other flows" open
for_both check_talk_goes_on
for_both check_talk_end
look_at_flows
unasked "after the flows" open
vg_expect "unasked packets that were delivered" "{}" "$(delivered)"
vg_check "the watch has seen others" test "$(jq '.[""]' "$VG_TMP/watched")" -gt 1000
vg_expect "replies counted, and those of all flows" "$(counted pass reply)" "$(replies_seen)"

config <<<"replies: {udp: 1s}"
vg_check "shorter lifetimes" pair_reload
for_both talk_start
for_both check_talk
for_both check_stop
for_both check_expired

config_admitting <<<"replies: off"
vg_check "replies: off, the internet host admitted" pair_reload
for_both check_upload " by an admitted connection"
config </dev/null
vg_check "the internet host in no set again" pair_reload
vg_check "the router's errors are held" hold_errors add
for_both check_hang
vg_check "and no longer" hold_errors delete
for_both check_upload ""

config <<<"enforcement: monitor"
vg_check "monitor" pair_reload
sent=$(probe_both open)
vg_check "monitor: all of $sent unasked packets are delivered" vg_wait 5 delivered_is "$sent"
vg_check "monitor: and counted" test "$(counted would-drop unlisted)" -ge "$sent"
vg_done
