#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What the host has opened goes on through everything that happens to the filter: its attachment,
# reloads, a daemon that is killed, a table of another size. What came from outside before the filter,
# or under monitor, ends where the filter is enforced.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pair.sh"
. "$(dirname "$0")/internet.sh"

reloads=${VG_RELOADS:-100}
service=5300
inbound=9000
outgoing=(tcp4 tcp6 udp4 udp6)

config() { pair_config internal >"$VG_TMP/vpcgate.yaml"; }
reload() { config && pair_reload; }

# talk NAME NS PROTOCOL FROM TO PORT
talk()
{
	rm -f "$VG_TMP/$1.state"
	pair_start "$1" "$2" python3 "$pair_dir/talk.py" "${@:3}" "$VG_TMP/$1.state"
}
received() { jq "${2:-.received}" "$VG_TMP/$1.state"; }
received_is_above() { [[ $(received "$1") -gt $2 ]]; }
sent_is_above() { [[ $(received "$1" .sent) -gt $2 ]]; }

start_outgoing()
{
	talk tcp4 gated tcp "$gated4" "$internet4" "$service"
	talk tcp6 gated tcp "$gated6" "$internet6" "$service"
	talk udp4 gated udp "$gated4" "$internet4" "$service"
	talk udp6 gated udp "$gated6" "$internet6" "$service"
}
serving() { pair_serves internet "$service" && pair_serves gated "$inbound"; }

# start_incoming WHEN PROTOCOL...
start_incoming()
{
	local protocol

	for protocol in "${@:2}"; do
		talk "${protocol}4-$1" internet "$protocol" "$internet4" "$gated4" "$inbound"
		talk "${protocol}6-$1" internet "$protocol" "$internet6" "$gated6" "$inbound"
	done
}

# All of these conversations have 50 more echoes: a quarter of a second, at the least.
go_on()
{
	local name
	local -A now=()

	for name; do
		now[$name]=$(received "$name")
	done
	for name; do
		vg_wait 10 received_is_above "$name" $((now[$name] + 50)) ||
			{ echo "$name has stopped"; return 1; }
	done
}
begin()
{
	local name

	for name; do
		vg_wait 20 received_is_above "$name" 20 || { echo "$name hasn't begun"; return 1; }
	done
}
check_go_on() { vg_check "$1: ${*:2} go on" go_on "${@:2}"; }

# stopped NAME...: none has any more echoes while 100 datagrams are sent, which takes half a second.
stopped()
{
	local name
	local -A now=()

	for name; do
		now[$name]=$(received "$name")
	done
	vg_wait 10 sent_is_above udp4 $(($(received udp4 .sent) + 100)) || return 1
	for name; do
		[[ $(received "$name") == "${now[$name]}" ]] || { echo "$name goes on"; return 1; }
	done
}
# What was on its way at the switch may still arrive.
check_stopped() { vg_check "$1: ${*:2} have ended" vg_wait 10 stopped "${@:2}"; }

# "[PROTOCOL LOCAL PORT PORT, ...]" of all flows that this host has not closed.
flow_tuples()
{
	vg_cli flows --json | jq -c '[.[] | select(.state == "open") | "\(.protocol) \(.local) \(.local_port) \(.remote_port)"] | sort'
}
# What that should be: the outgoing conversations, and nothing else.
expected_tuples()
{
	local name

	for name in "${outgoing[@]}"; do
		if [[ $name = *4 ]]; then
			echo "${name%[46]} $gated4 $(received "$name" .local) $service"
		else
			echo "${name%[46]} $gated6 $(received "$name" .local) $service"
		fi
	done | jq -cRn '[inputs] | sort'
}

egress_filters() { vg_in gated tc filter show dev ens4 egress; }
recorder_is_there() { egress_filters | grep -q vpcgate; }

reload_often()
{
	local i

	for ((i = 1; i <= reloads; i++)); do
		reload <<<"replies: {tcp: ${i}h}" || return 1
	done
}

vg_setup survival
internet_build
pair_start echo internet python3 "$pair_dir/talk.py" serve "$service"
pair_start inbound gated python3 "$pair_dir/talk.py" serve "$inbound"
vg_check "both servers serve" vg_wait 20 serving
start_outgoing
start_incoming before tcp udp
vg_check "conversations begin before there is a filter" begin "${outgoing[@]}" {tcp,udp}{4,6}-before

config </dev/null
vg_check "attach, enforced" vg_daemon_start gated "$VG_TMP/vpcgate.yaml"
check_go_on "attached" "${outgoing[@]}"
check_stopped "attached" {tcp,udp}{4,6}-before
vg_expect "attached: the flows" "$(expected_tuples)" "$(flow_tuples)"
vg_check "attached: a recorder at egress" recorder_is_there

vg_check "$reloads reloads, each in force" reload_often
check_go_on "reloaded" "${outgoing[@]}"
vg_expect "reloaded: none failed" 0 "$(pair_status .reloads.failed)"

vg_daemon_stop KILL
vg_expect "kill -9: ends by it" 137 "$VG_DAEMON_STATUS"
check_go_on "kill -9" "${outgoing[@]}"
check_stopped "kill -9" {tcp,udp}{4,6}-before
vg_check "restart" vg_daemon_start gated "$VG_TMP/vpcgate.yaml"
check_go_on "restarted" "${outgoing[@]}"

vg_check "another max-flows" reload <<<"replies: {max-flows: 4096}"
check_go_on "a table of another size" "${outgoing[@]}"
vg_expect "a table of another size: the flows" "$(expected_tuples)" "$(flow_tuples)"
for name in "${outgoing[@]}"; do
	vg_check "a table of another size: replies of $name are counted on" \
		test "$(vg_cli flows --json | jq ".[] | select(.local_port == $(received "$name" .local)).packets")" -gt 200
done

# While its other end is admitted a connection has no flow; it needs one when that changes.
vg_check "the internet host is admitted" \
	reload <<<"  internet: [$internet4, \"$internet6\"]"$'\nalso-admit: [internet]'
talk tcp4-admitted gated tcp "$gated4" "$internet4" "$service"
talk tcp6-admitted gated tcp "$gated6" "$internet6" "$service"
vg_check "admitted: more is opened" begin tcp{4,6}-admitted
vg_expect "admitted: the flows" "$(expected_tuples)" "$(flow_tuples)"
vg_check "the internet host is admitted no more" reload </dev/null
check_go_on "admitted no more" "${outgoing[@]}" tcp{4,6}-admitted
check_stopped "admitted no more" udp{4,6}-before
for name in tcp{4,6}-admitted; do
	vg_check "$name ends" pair_stop "$name"
done

vg_check "monitor" reload <<<"enforcement: monitor"
check_go_on "monitor" "${outgoing[@]}"
start_incoming monitored tcp udp
vg_check "monitor: more comes from outside" begin {tcp,udp}{4,6}-monitored
check_go_on "monitor: what is refused" {tcp,udp}{4,6}-monitored
vg_expect "monitor: the flows" "$(expected_tuples)" "$(flow_tuples)"
vg_check "enforce" reload </dev/null
check_go_on "enforced" "${outgoing[@]}"
check_stopped "enforced" {tcp,udp}{4,6}-before {tcp,udp}{4,6}-monitored
vg_expect "enforced: the flows" "$(expected_tuples)" "$(flow_tuples)"

for name in "${outgoing[@]}"; do
	printf '     %s: %s\n' "$name" "$(jq -c . "$VG_TMP/$name.state")"
	vg_expect "$name: wrong numbers, errors" "0 null" "$(received "$name" '"\(.wrong) \(.error)"' | jq -r .)"
done

# One may be on its way. The wire has a queue of its own, so that a few may be lost on a slow machine.
for name in udp4 udp6; do
	vg_check "$name: hardly any was lost" test "$(received "$name" '.sent - .received')" -le 20
done

# It shows that the checks above can fail, too.
vg_check "replies: off" reload <<<"replies: off"
check_stopped "replies: off" "${outgoing[@]}"
vg_expect "replies: off: recorders at egress" "" "$(egress_filters)"
vg_check "replies: track" reload </dev/null
check_go_on "tracked again" "${outgoing[@]}"
vg_done
