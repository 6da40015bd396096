# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# A gated host and a client host on one wire, after lib.sh and vg_setup. The client sends from
# admitted (good) and denied (bad) addresses. Neighbours are fixed on both sides: what arrives is
# then what the test sends, and neighbour discovery from a denied address can't hold it back.
pair_dir=$(dirname "${BASH_SOURCE[0]}")
# shellcheck disable=SC2034 # for the tests
good4=10.128.0.10 good6=fd20:1:2::10 lb4=35.191.0.10
# shellcheck disable=SC2034
bad4=203.0.113.10 bad6=2001:db8:bad::10
gated4=10.128.0.2
gated6=fd20:1:2::2
declare -A pair_pids=()
# The tests leave nothing in the tree.
export PYTHONDONTWRITEBYTECODE=1

pair_mac() { vg_in "$1" ip -json link show dev "$2" | jq -r '.[0].address'; }

pair_build()
{
	local address gated_mac client_mac

	vg_netns gated
	vg_netns client
	vg_veth gated ens4 client eth0
	gated_mac=$(pair_mac gated ens4)
	client_mac=$(pair_mac client eth0)
	vg_in gated ip addr add "$gated4/32" dev ens4
	vg_in gated ip addr add "$gated6/128" dev ens4
	vg_in gated ip route add default dev ens4
	vg_in gated ip route add default via fe80::1 dev ens4
	vg_in gated ip neigh replace fe80::1 lladdr "$client_mac" nud permanent dev ens4
	for address in "$good4" "$lb4" "$bad4" "$good6" "$bad6"; do
		vg_in client ip addr add "$address" dev eth0
		vg_in gated ip neigh replace "$address" lladdr "$client_mac" nud permanent dev ens4
	done
	vg_in client ip route add "$gated4/32" dev eth0
	vg_in client ip route add "$gated6/128" dev eth0
	vg_in client ip neigh replace "$gated4" lladdr "$gated_mac" nud permanent dev eth0
	vg_in client ip neigh replace "$gated6" lladdr "$gated_mac" nud permanent dev eth0
}

# pair_config INGRESS [INTERFACE]: prints a config that admits the good addresses; what is read
# from standard input goes below it.
pair_config()
{
	cat <<-END
	interfaces: [${2:-ens4}]
	ingress: $1
	sources:
	  vpc: [10.128.0.0/20, "fd20:1:2::/48"]
	  shared-vpc: [10.10.0.0/16]
	END
	cat
}

# pair_start NAME NS CMD...: in the background; what it prints goes to $VG_TMP/NAME.json.
pair_start()
{
	local name=$1 namespace=$2

	shift 2
	nsenter --net="/run/netns/$VG_ID-$namespace" -- "$@" >"$VG_TMP/$name.json" \
		2>"$VG_TMP/$name.err" </dev/null &
	pair_pids[$name]=$!
	VG_PIDS+=($!)
}

# pair_stop NAME: asks it to end and waits for it; shows what it complained of.
pair_stop()
{
	kill -TERM "${pair_pids[$1]}"
	wait "${pair_pids[$1]}" || true
	cat "$VG_TMP/$1.err"
}

pair_traffic() { pair_start "$1" "$2" python3 "$pair_dir/traffic.py" "${@:3}"; }
pair_result() { jq -r "$2" "$VG_TMP/$1.json"; }
# Is a UDP server on this port? TCP servers of the same process listen no later.
pair_serves() { vg_in "$1" ss -Hlnu "sport = :$2" | grep -q .; }
# What is polled is read without jq, which takes half a second to start where the machine is emulated.
pair_received()
{
	[[ $(<"$VG_TMP/received") =~ \"$1\":\ \{\"received\":\ ([0-9]+) ]] && ((BASH_REMATCH[1] >= $2))
}

pair_status() { vg_cli status --json | jq -r "$1"; }
pair_generation_is() { [[ $(vg_cli status) =~ policy\ +generation\ $1, ]]; }
pair_failed_reloads_are() { [[ $(vg_cli status) =~ reloads.*,\ $1\ failed ]]; }
# Id of the XDP program on a NIC, or "null".
pair_xdp_id() { vg_in "${2:-gated}" ip -json -details link show dev "${1:-ens4}" | jq '.[0].xdp.prog.id'; }

# Makes the daemon read its config again and waits until the new policy is in force.
pair_reload()
{
	local generation

	generation=$(pair_status .policy.generation)
	kill -HUP "$VG_DAEMON_PID"
	vg_wait 10 pair_generation_is $((generation + 1))
}
