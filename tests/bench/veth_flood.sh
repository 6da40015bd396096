#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Floods one end of a veth pair for each of: bare XDP_DROP, a program that reads the source, vpcgate,
# the LPM reference, and what else filters packets; prints what a dropped frame costs in CPU time and
# writes $VG_BUILD/bench-flood.json. --markdown prints the tables of the last run instead. Lives in
# network and mount namespaces of its own, which end with it.
set -eu -o pipefail

here=$(realpath "$(dirname "$0")")
build=$(realpath "${VG_BUILD:-$here/../../build}")
json=$build/bench-flood.json
flood=$build/tests/bench/flood/flood
rounds=${VG_FLOOD_ROUNDS:-15}

die() { printf 'veth_flood.sh: %s\n' "$*" >&2; exit 2; }

if [[ ${1-} = --markdown ]]; then
	exec jq -r --arg style markdown -f "$here/flood/table.jq" "$json"
fi
((EUID == 0)) || die "needs root"
(($(nproc) >= 2)) || die "needs two CPUs: one sends, one receives"
if [[ ! ${VG_FLOOD_INSIDE-} ]]; then
	exec env VG_FLOOD_INSIDE=1 unshare --net --mount "$0" "$@"
fi

# ---- surroundings ----

daemons=()
cleanup()
{
	((${#daemons[@]} == 0)) || kill "${daemons[@]}" 2>/dev/null || true
	wait
	rm -rf --one-file-system "$tmp"
}

tmp=$(mktemp -d -t vpcgate-flood.XXXXXX)
trap cleanup EXIT
trap 'exit 1' INT TERM HUP PIPE
mount -t sysfs sysfs /sys
mount -t bpf bpf /sys/fs/bpf
mount -t tmpfs tmpfs /run # lock files of xdp-filter and iptables
# The receiver's CPU is left to the receiver.
taskset -pc 0 $$ >/dev/null
sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0 \
	net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
ip address add 192.0.2.1/32 dev lo
ip link set lo up

# A pair whose one end receives by a NAPI thread that has the second CPU for itself. GRO turns NAPI on
# where no XDP program does, and is on for all, so that all have the same. Sets device and thread.
devices=0
make_device()
{
	device=f$$n$((++devices)) # no other thread of this machine is called like that
	ip link add "$device" address 02:00:00:00:00:01 type veth peer name "${device}s"
	ip link set "${device}s" up
	ip link set "$device" up
	ethtool -K "$device" gro on
	echo 1 >"/sys/class/net/$device/threaded"
	thread=$(pgrep "^napi/$device-")
	taskset -pc 1 "$thread" >/dev/null
	chrt --fifo -p 1 "$thread"
}

# ---- candidates: each puts itself on a device, with a file of prefixes to admit ----

need() { command -v "$1" >/dev/null || { echo "not installed (Debian package $2)"; return 1; }; }

put_drop() { "$flood" attach drop "$1" "$2"; }
put_read() { "$flood" attach read "$1" "$2"; }
put_lpm() { "$flood" attach lpm "$1" "$2"; }

put_vpcgate()
{
	local device=$1 prefixes=$2 replies=$3 base=$tmp/$1

	printf '%s\n' "interfaces: [$device]" 'attach: native' 'ingress: internal' \
		"replies: $replies" 'exporter: off' 'sources:' "  vpc: [\"file:$prefixes\"]" \
		>"$base.yaml"
	setpriv --pdeathsig KILL "$build/vpcgated" --config "$base.yaml" \
		--bpffs "/sys/fs/bpf/$device" --socket "$base.sock" &
	daemons+=($!)
	until ip link show "$device" | grep -q ' xdp '; do
		kill -0 $! || return
		sleep 0.1
	done
}

put_vpcgate_off() { put_vpcgate "$@" off; }
put_vpcgate_track() { put_vpcgate "$@" track; }

# It knows addresses and no prefixes: one of them stands for all.
put_xdp_filter()
{
	need xdp-filter xdp-tools &&
		xdp-filter load --mode native --policy deny --features ipv4 "$1" &&
		xdp-filter ip --mode src "$(admitted "$2")"
}

put_nftables()
{
	need nft nftables && nft -f - <<-END
		table netdev $1 {
			set admitted {
				type ipv4_addr
				flags interval
				auto-merge
				elements = { $(paste -sd, "$2") }
			}
			chain ingress {
				type filter hook ingress device $1 priority 0; policy drop
				ip saddr @admitted accept
			}
		}
	END
}

put_iptables()
{
	need iptables iptables && need ipset ipset &&
		{ echo "create $1 hash:net"; sed "s/^/add $1 /" "$2"; } | ipset restore &&
		iptables -t raw -A PREROUTING -i "$1" -m set ! --match-set "$1" src -j DROP
}

not_packaged() { echo "no Debian package"; return 1; }
# Their prefilters come only with their agents, and look sources up in an LPM trie, as the reference does.
not_alone() { echo "not to be had without its agent; looks up a BPF LPM trie, as the reference"; return 1; }

# ---- what is to be timed ----

admitted() { head -n 1 "$1" | cut -d / -f 1; }

# Of a scenario: candidates, and sets of sources with what to call them.
row_scenario=() row_name=() row_device=() row_thread=() row_sources=() missing=()

# candidate NAME FUNCTION PREFIXES [SCENARIO SOURCES]...: puts it on a device of its own, checks that
# it drops and passes what it should, and remembers it for each of the scenarios.
candidate()
{
	local name=$1 put=$2 prefixes=$3 log=$tmp/log reason

	shift 3
	make_device
	if ! "$put" "$device" "$prefixes" >"$log" 2>&1; then
		reason=$(tail -n 1 "$log")
		printf '  %-34s missing: %s\n' "$name" "$reason"
		while (($# > 0)); do
			missing+=("$(jq -cn --arg scenario "$1" --arg name "$name" \
				--arg missing "$reason" '$ARGS.named')")
			shift 2
		done
		return
	fi
	if [[ $put != put_drop && $put != put_read ]]; then
		admitted "$prefixes" >"$tmp/admitted"
		"$flood" admitted "$device" "$tmp/admitted"
	fi
	while (($# > 0)); do
		"$flood" refused "$device" "$2"
		row_scenario+=("$1") row_name+=("$name") row_device+=("$device")
		row_thread+=("$thread") row_sources+=("$2")
		shift 2
	done
	printf '  %-34s drops and passes what it should\n' "$name"
}

few=$tmp/few.prefixes many=$tmp/many.prefixes
printf '%s\n' 10.128.0.0/20 10.132.0.0/20 10.138.0.0/20 10.140.0.0/20 10.142.0.0/20 10.146.0.0/20 \
	10.148.0.0/20 10.150.0.0/20 10.152.0.0/20 10.154.0.0/20 10.24.0.0/14 172.16.5.0/24 \
	192.168.77.0/28 100.68.128.0/18 10.10.0.0/16 35.191.0.0/16 130.211.0.0/22 35.235.240.0/20 \
	198.51.100.0/24 203.0.113.0/24 >"$few"
"$flood" prefixes 100000 >"$many"
"$flood" outside "$few" 100000 >"$tmp/few.sources"
"$flood" outside "$many" 100000 >"$tmp/many.sources"
head -n 1 "$tmp/few.sources" >"$tmp/one.source"

on_few=("$few" "20 prefixes, 100,000 random sources" "$tmp/few.sources"
	"20 prefixes, one source" "$tmp/one.source")
on_many=("$many" "100,000 prefixes, 100,000 random sources" "$tmp/many.sources")

echo "20 prefixes"
candidate "bare XDP_DROP" put_drop "${on_few[@]}"
candidate "read the source and drop" put_read "${on_few[@]}"
candidate "vpcgate, replies: off" put_vpcgate_off "${on_few[@]}"
candidate "vpcgate, replies: track" put_vpcgate_track "${on_few[@]}"
candidate "LPM reference" put_lpm "${on_few[@]}"
candidate "xdp-filter" put_xdp_filter "${on_few[@]}"
candidate "nftables, netdev ingress" put_nftables "${on_few[@]}"
candidate "iptables raw, ipset hash:net" put_iptables "${on_few[@]}"
candidate "bpfilter" not_packaged "${on_few[@]}"
candidate "Calico's and Cilium's prefilters" not_alone "${on_few[@]}"
echo "100,000 prefixes"
candidate "bare XDP_DROP" put_drop "${on_many[@]}"
candidate "read the source and drop" put_read "${on_many[@]}"
candidate "vpcgate, replies: off" put_vpcgate_off "${on_many[@]}"
candidate "LPM reference" put_lpm "${on_many[@]}"
candidate "nftables, netdev ingress" put_nftables "${on_many[@]}"

# ---- rounds: all rows in turn ----

echo "$rounds rounds of ${#row_name[@]} rows, half a second each"
for ((round = 0; round < rounds; round++)); do
	for row in "${!row_name[@]}"; do
		figures=$("$flood" round "${row_device[row]}" "${row_thread[row]}" \
			"${row_sources[row]}")
		printf '{"scenario": "%s", "name": "%s", "round": %d, "figures": %s}\n' \
			"${row_scenario[row]}" "${row_name[row]}" "$round" "$figures"
	done
done >"$tmp/rounds.jsonl"

printf '%s\n' "${missing[@]}" >"$tmp/missing.jsonl"
jq -n --arg cpu "$(sed -n 's/^model name\t: //p' /proc/cpuinfo | head -n 1)" --arg kernel "$(uname -r)" \
	--arg cpus "$(nproc --all)" --slurpfile rounds "$tmp/rounds.jsonl" \
	--slurpfile missing "$tmp/missing.jsonl" -f "$here/flood/summary.jq" >"$json"
jq -r --arg style text -f "$here/flood/table.jq" "$json"
echo "written: $json"
