#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What this kernel has of all that vpcgate can use, found by using it, and that docs/kernels.md says
# the same of its series.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pair.sh"

table=$(realpath "$(dirname "$0")/../../docs/kernels.md")
series=$(uname -r | cut -d. -f1,2)
# The first NIC of a guest of tests/vm.
virtio_mac=52:54:00:00:00:01

config() { printf '%s\n' "interfaces: [{name: $1, attach: ${2:-auto}}]" "ingress: internal" "sources: {vpc: [10.128.0.0/20]}"; }

logged() { grep -qF "$1" "$VG_TMP/daemon.log"; }
lacks_nothing() { ! logged "this kernel has no"; }

# run COMMAND...: what it prints while the daemon runs, with the config that there is.
run()
{
	: >"$VG_TMP/daemon.log"
	vg_daemon_start gated "$VG_TMP/vpcgate.yaml" || { echo refused; return; }
	"$@"
	vg_cli detach >/dev/null
	vg_daemon_stop
}

# attached NIC [MODE]: the mode that it is filtered in; its state where it isn't.
attached()
{
	config "$@" >"$VG_TMP/vpcgate.yaml"
	run pair_status '.interfaces[0] | if .state == "attached" then .mode else .state end'
}

nic_with_mac() { ip -json link show | jq -r ".[] | select(.address == \"$1\") | .ifname"; }

on_virtio()
{
	local name

	name=$(nic_with_mac "$virtio_mac")
	[[ $name ]] || { echo -; return; }
	ip link set dev "$name" netns "$VG_ID-gated"
	vg_in gated ip link set dev "$name" up
	attached "$name"
	vg_in gated ip link set dev "$name" netns 1
}

# With frames longer than a buffer: only where XDP takes them in pieces.
on_jumbo()
{
	vg_in gated ip link set dev ens4 mtu 9000
	vg_in client ip link set dev eth0 mtu 9000
	attached ens4
}

call_is_open() { vg_in gated ss -Htn state established "dport = :9000" | grep -q .; }

# From where a conversation is known that was open before the filter was.
known_from()
{
	pair_traffic server client receive 9000 "$VG_TMP/received"
	vg_wait 10 pair_serves client 9000
	pair_traffic call gated stream "$gated4" "$bad4" 9000 20
	vg_wait 10 call_is_open
	attached ens4 >"$VG_TMP/mode"
	sed -n 's/.*already go on (known from \(.*\)).*/\1/p' "$VG_TMP/daemon.log"
	pair_stop call
	pair_stop server
}

# All of a policy's ways in one program.
fullest()
{
	config ens4 | cat - <(printf '%s\n' 'replies: track' 'services:' \
		'  - {name: port, protocol: tcp, port: 443, ingress: all}' \
		'  - {name: protocol, protocol: udp, ingress: internal}' \
		'  - {name: to, to: [198.51.100.7, "2001:db8::/32"], ingress: all}') >"$VG_TMP/vpcgate.yaml"
	run recorded
}
recorded() { vg_in gated tc filter show dev ens4 egress | grep -q vpcgate_egress && echo yes; }

vg_setup features
pair_build
virtio=$(on_virtio)
found="| $series | $(attached ens4) | $virtio | $(attached ens4 generic) | $(fullest) | $(known_from) | $(on_jumbo) |"
echo "$found"
told=$(grep "^| $series |" "$table") || told=
# Elsewhere than in a guest there may be no virtio_net to take.
[[ $virtio != - ]] || told=$(sed -E 's/^(\|[^|]*\|[^|]*\|)[^|]*/\1 - /' <<<"$told")
if [[ $told ]]; then
	vg_expect "docs/kernels.md says the same" "$told" "$found"
else
	echo "docs/kernels.md has no row of this series"
fi
# The last of it was with frames longer than a buffer.
case $found in
*" native |") vg_check "nothing is said to be lacking" lacks_nothing ;;
*) vg_check "what is lacking is said" logged "this kernel has no multi-buffer XDP (Linux 5.18)" ;;
esac
vg_done
