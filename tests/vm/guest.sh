#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# In the guest: its verifier takes the programs with all kinds of policy, and the filter works on
# virtio NICs, of which one takes native XDP, on each of its queues, and one, like Compute Engine's,
# refuses it. All three NICs are on one wire. Emulated, jq takes half a second to start and a datagram
# some milliseconds: what is polled is read without the one, and the others are few.
# shellcheck source=../e2e/lib.sh
. "$(dirname "$0")/../e2e/lib.sh"
# shellcheck source=../e2e/pair.sh
. "$(dirname "$0")/../e2e/pair.sh"

legacy4=10.128.0.3
# Of these senders the last letter says where they send to: native or legacy NIC.
good=(good4n good6n good4l)
bad=(bad4n bad6n bad4l)

# take_nic MAC NS NAME: moves one of the machine's NICs.
take_nic()
{
	local name

	name=$(ip -json link show | jq -r ".[] | select(.address == \"$1\") | .ifname")
	ip link set dev "$name" netns "$VG_ID-$2"
	vg_in "$2" ip link set dev "$name" name "$3"
	vg_in "$2" ip link set dev "$3" up
}

# In place of the one of lib.sh, for pair_build.
vg_veth()
{
	take_nic 52:54:00:00:00:01 "$1" "$2"
	take_nic 52:54:00:00:00:02 "$3" "$4"
}

legacy_build()
{
	take_nic 52:54:00:00:00:03 gated ens5
	vg_in gated ip addr add "$legacy4/32" dev ens5
	vg_in client ip route add "$legacy4/32" dev eth0
	vg_in client ip neigh replace "$legacy4" lladdr 52:54:00:00:00:03 nud permanent dev eth0
}

# As many further NICs as can be filtered together with the two.
more_nics()
{
	local i

	for i in {1..14}; do
		vg_in gated ip link add name "more$i" type veth peer name "peer$i"
	done
}

# Both policies admit the good senders and neither admits the bad one.
policy_plain() { pair_config internal "ens4, ens5" </dev/null; }
policy_services()
{
	pair_config internal-and-cloud-load-balancing "ens4, ens5, more*" <<-END
	services:
	  - {name: echo, protocol: udp, port: 9000, ingress: internal, also-admit: [health-check]}
	  - {name: open, protocol: tcp, port: 443, ingress: all}
	  - {name: any-tcp, protocol: tcp, ingress: internal}
	  - {name: to4, to: [198.51.100.7, 203.0.113.0/24], ingress: all}
	  - {name: to6, to: ["2001:db8:7::/48"], protocol: tcp, port: 80, ingress: all}
	END
}

# Denied datagrams from as many ports, of which the host's side sends each to a queue.
many_ports()
{
	vg_in client ip route replace "$gated4/32" dev eth0 src "$bad4"
	vg_in client bash -c "for ((i = 0; i < 40; i++)); do echo >/dev/udp/$gated4/9000; done"
}

# Has this queue's own program run dropped anything? Before Linux 6.10 rx_queue_0_, since then rx0_.
dropped_on_queue()
{
	local drops

	drops=$(vg_in gated ethtool -S ens4 | sed -nE "s/^ *rx(_queue_)?$1_xdp_drops: //p")
	[[ $drops -gt 0 ]]
}

# Before Linux 6.3 the driver has no XDP for frames that take more than one page.
policy_tuned() { pair_config internal "{name: ens4, attach: native, tune: yes}, ens5" </dev/null; }
mtu() { [[ $(vg_in gated ip link show dev ens4) =~ mtu\ ([0-9]+) ]] && echo "${BASH_REMATCH[1]}"; }
tuned_mtu() { [[ $(printf '%s\n' 6.3 "$(uname -r)" | sort -V | head -n 1) == 6.3 ]] && echo 5000 || echo 3506; }

generation() { [[ $(vg_cli status) =~ generation\ ([0-9]+) ]] && echo "${BASH_REMATCH[1]}"; }
generation_is() { [[ $(generation) = "$1" ]]; }
reload()
{
	local before

	"$1" >"$config"
	before=$(generation)
	kill -HUP "$VG_DAEMON_PID"
	vg_wait 30 generation_is $((before + 1))
}

traffic_start()
{
	pair_traffic good4n client send good4n "$good4" "$gated4" 9000 80
	pair_traffic good6n client send good6n "$good6" "$gated6" 9000 80
	pair_traffic good4l client send good4l "$good4" "$legacy4" 9000 80
	pair_traffic bad4n client send bad4n "$bad4" "$gated4" 9000 80
	pair_traffic bad6n client send bad6n "$bad6" "$gated6" 9000 80
	pair_traffic bad4l client send bad4l "$bad4" "$legacy4" 9000 80
}

# received FLOW, and more than N of it.
received() { [[ $(<"$VG_TMP/received") =~ \"$1\":\ \{\"received\":\ ([0-9]+) ]] && echo "${BASH_REMATCH[1]}"; }
received_above() { [[ $(received "$1") -gt $2 ]]; }

# dropped NIC: as unlisted. And more than N.
dropped()
{
	[[ $(vg_cli drops --interface "$1") =~ drop\ +unlisted[^0-9]+([0-9,]+) ]] &&
		echo "${BASH_REMATCH[1]//,/}"
}
dropped_above() { [[ $(dropped "$1") -gt $2 ]]; }

# flows_go_on WHEN: on both NICs admitted datagrams still arrive and denied ones are still dropped.
flows_go_on()
{
	local flow nic

	for flow in "${good[@]}"; do
		vg_check "$1: $flow arrives" vg_wait 20 received_above "$flow" $(($(received "$flow") + 3))
	done
	for nic in ens4 ens5; do
		vg_check "$1: denied ones are dropped on $nic" \
			vg_wait 20 dropped_above "$nic" $(($(dropped "$nic") + 3))
	done
}

# attached_as WHEN: native on the one NIC, generic on the other, by the same program as ever.
attached_as()
{
	is_attached "$1: ens4 is filtered natively" ens4 "attached native: xdp $entry_id"
	is_attached "$1: ens5 is filtered generically" ens5 "attached generic: xdpgeneric $entry_id"
}

# is_attached TITLE NIC HOW, and all that was said where it isn't.
is_attached()
{
	local now

	now=$(attachment "$2")
	[[ $now = "$3" ]] || { vg_cli status; vg_in gated ip link show dev "$2"; } || true
	vg_expect "$1" "$3" "$now"
}

# What `vpcgate status` says of a NIC, and what the kernel says.
attachment()
{
	[[ $(vg_cli status) =~ $1\ +([a-z]+)\ +([a-z]+) ]] && echo -n "${BASH_REMATCH[*]:1}: "
	[[ $(vg_in gated ip link show dev "$1") =~ (xdp[a-z]*)\ .*prog/xdp\ id\ ([0-9]+) ]] &&
		echo "${BASH_REMATCH[*]:1}"
}

vg_setup guest
echo "Linux $(uname -r)"
pair_build
legacy_build
more_nics
config=$VG_TMP/vpcgate.yaml

pair_traffic receive gated receive 9000 "$VG_TMP/received"
pair_traffic unfiltered client send unfiltered "$bad4" "$gated4" 9000 80
pair_traffic unfiltered_l client send unfiltered_l "$bad4" "$legacy4" 9000 80
vg_check "without the filter a denied sender reaches the first NIC" \
	vg_wait 30 received_above unfiltered 5
vg_check "and the second" vg_wait 30 received_above unfiltered_l 5
pair_stop unfiltered
pair_stop unfiltered_l

policy_plain >"$config"
vg_check "the daemon starts" vg_daemon_start gated "$config"
vg_cli status | cat
entry_id=$(pair_xdp_id ens4)
attached_as "start"
vg_check "start: status says why ens5 is not filtered natively" \
	grep -q "ens5 .*native XDP was refused: Invalid argument" <<<"$(vg_cli status)"
traffic_start
flows_go_on "start"

for policy in policy_services policy_plain policy_services; do
	vg_check "reload: $policy is in force" reload $policy
done
vg_expect "reload: 16 NICs are filtered" 16 "$(vg_cli status | grep -c ' attached ')"
attached_as "reload"
flows_go_on "reload"

vg_daemon_stop KILL
vg_expect "kill -9: ends by it" 137 "$VG_DAEMON_STATUS"
flows_go_on "kill -9"
vg_check "restart" vg_daemon_start gated "$config"
attached_as "restart"
vg_expect "restart: the links are adopted" "true true" \
	"$(pair_status '.interfaces | map(select(.name | test("ens")) | .adopted) | join(" ")')"
flows_go_on "restart"

for flow in "${good[@]}" "${bad[@]}"; do
	vg_check "$flow ends" pair_stop "$flow"
done
for flow in "${good[@]}"; do
	sent=$(pair_result "$flow" .sent)
	vg_wait 20 received_above "$flow" $((sent - 1)) || true
	vg_expect "$flow: all $sent datagrams arrived once" \
		"{\"received\":$sent,\"repeated\":0,\"lost\":0}" "$(jq -c ".udp.$flow" "$VG_TMP/received")"
done
for flow in "${bad[@]}"; do
	vg_expect "$flow: of $(pair_result "$flow" .sent) datagrams none arrived" null \
		"$(jq -c ".udp.$flow" "$VG_TMP/received")"
done
vg_expect "each denied one was counted on ens4" \
	"$(($(pair_result bad4n .sent) + $(pair_result bad6n .sent)))" "$(dropped ens4)"
vg_expect "each denied one was counted on ens5" "$(pair_result bad4l .sent)" "$(dropped ens5)"

many_ports
for queue in 0 1; do
	vg_check "queue $queue of ens4 drops" vg_wait 20 dropped_on_queue "$queue"
done

vg_check "detach" vg_cli detach
vg_expect "nothing is attached" "null null" "$(pair_xdp_id ens4) $(pair_xdp_id ens5)"

vg_in gated ip link set dev ens4 mtu 5000
vg_check "tune: a reload with it" reload policy_tuned
vg_expect "tune: ens4 is filtered natively" "attached native: xdp $entry_id" "$(attachment ens4)"
vg_expect "tune: the MTU is what the driver takes" "$(tuned_mtu)" "$(mtu)"
vg_daemon_stop KILL
vg_check "tune: restart after kill -9" vg_daemon_start gated "$config"
vg_expect "tune: the MTU then" "$(tuned_mtu)" "$(mtu)"
vg_check "tune: detach" vg_cli detach
vg_expect "tune: the MTU is as before" 5000 "$(mtu)"
vg_done
