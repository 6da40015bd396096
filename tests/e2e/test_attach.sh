#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What can be in the way of attaching: each obstacle gives one clear line and exit 2, or a state in
# `vpcgate status`; never a NIC that is half filtered.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pair.sh"

config() { pair_config internal "$@" >"$VG_TMP/vpcgate.yaml"; }
start() { vg_daemon_start gated "$VG_TMP/vpcgate.yaml"; }

# A fresh bpffs folder and log for each scene. Whatever the last one attached goes first.
scenes=0
scene()
{
	vg_daemon_stop
	vg_cli detach >/dev/null 2>&1 || true
	VG_DAEMON_PREFIX=()
	VG_BPFFS=$VG_BPFFS_MOUNT/scene$((++scenes))
	: >"$VG_TMP/daemon.log"
	printf '\n%s\n' "$*"
}

# nic NAME [OPTIONS...]: a new NIC of the gated host; the options go to `ip link add`.
nic()
{
	vg_in gated ip link add name "$1" "${@:2}"
	vg_in gated ip link set "$1" up
}
veth() { nic "$1" type veth peer name "$1p" "${@:2}" && vg_in gated ip link set "$1p" up; }

interface() { pair_status ".interfaces[] | select(.name == \"$1\") | .$2"; }
interface_is() { [[ $(interface "$1" "$2") == "$3" ]]; }

nothing_attached()
{
	[[ $(pair_xdp_id "$1") == null ]] || { echo "there is an XDP program on $1"; return 1; }
	[[ ! -e $VG_BPFFS/links/$1 ]] || { echo "there is a pinned link"; return 1; }
}

# refused NIC PATTERN: the daemon ends with 2 and one line that matches; nothing is attached.
refused()
{
	start || true
	vg_expect "exit status" 2 "$VG_DAEMON_STATUS"
	vg_expect "lines of error" 1 "$(grep -c '^error: ' "$VG_TMP/daemon.log" || true)"
	vg_check "the line says why" grep -qE "^error: .*$2" "$VG_TMP/daemon.log"
	vg_check "nothing is attached" nothing_attached "$1"
	[[ $VG_DAEMON_STATUS = 2 ]] || cat "$VG_TMP/daemon.log"
}

# falls_back NIC PATTERN: generic mode, with the reason in status.
falls_back()
{
	vg_check "the daemon starts" start
	vg_expect "state" attached "$(interface "$1" state)"
	vg_expect "mode" generic "$(interface "$1" mode)"
	vg_check "the reason is in status" grep -qE "$2" <<<"$(interface "$1" reason)"
	vg_expect "an XDP program in generic mode (2) is on the NIC" 2 \
		"$(vg_in gated ip -json -details link show dev "$1" | jq '.[0].xdp.mode')"
}

# in_the_way NIC TEXT COMMAND: the one obstacle of `vpcgate status`, in both of its forms.
in_the_way()
{
	local obstacles

	obstacles=$(interface "$1" 'obstacles | tojson')
	[[ $(jq length <<<"$obstacles") == 1 ]] || { echo "$obstacles"; return 1; }
	[[ $(jq -r '.[0].text' <<<"$obstacles") == *$2* ]] || { echo "$obstacles"; return 1; }
	[[ $(jq -r '.[0].command' <<<"$obstacles") == "$3" ]] || { echo "$obstacles"; return 1; }
	vg_cli status >"$VG_TMP/screen"
	grep -q "^in the way of native mode on $1:$" "$VG_TMP/screen" || { cat "$VG_TMP/screen"; return 1; }
	[[ $3 == null ]] || grep -q "^ *$3$" "$VG_TMP/screen" || { cat "$VG_TMP/screen"; return 1; }
}
nothing_in_the_way() { [[ $(interface "$1" 'obstacles | length') == 0 ]]; }

foreign_attach()
{
	vg_in gated bpftool prog load "$VG_BUILD/tests/e2e/other.bpf.o" "$VG_BPFFS_MOUNT/other"
	vg_in gated bpftool net attach "$1" pinned "$VG_BPFFS_MOUNT/other" dev busy0
	foreign=$(pair_xdp_id busy0)
}

foreign_detach()
{
	vg_in gated bpftool net detach "$1" dev busy0
	rm "$VG_BPFFS_MOUNT/other"
}

scene_busy()
{
	scene "another XDP program is on the NIC, in mode $1"
	foreign_attach "$1"
	config busy0 </dev/null
	start || true
	vg_expect "exit status" 2 "$VG_DAEMON_STATUS"
	vg_check "the line names its id and name" \
		grep -qE "^error: .*busy0.*\b$foreign\b.*other_filter" "$VG_TMP/daemon.log"
	vg_expect "it is still there" "$foreign" "$(pair_xdp_id busy0)"
	vg_check "no link is pinned" test ! -e "$VG_BPFFS/links/busy0"
	foreign_detach "$1"
}

# A refusal by errno, from the preloaded library.
refuse_with() { VG_DAEMON_PREFIX=(env LD_PRELOAD="$VG_BUILD/tests/e2e/refuse_native.so" VG_REFUSE_ERRNO="$1" "${@:2}"); }

vg_setup attach
chmod 755 "$VG_TMP"
pair_build

veth busy0
scene_busy xdpdrv
scene_busy xdpgeneric

scene "of two NICs one has another XDP program"
veth first0
foreign_attach xdpdrv
config "first0, busy0" </dev/null
vg_check "the daemon starts: better one that is filtered than none" start
vg_expect "the first is filtered" attached "$(interface first0 state)"
vg_expect "the other is not" failed "$(interface busy0 state)"
vg_check "... for this reason" grep -qE "\b$foreign\b.*other_filter" <<<"$(interface busy0 reason)"
vg_check "the log says it as an error" grep -qE "^error: busy0.*\b$foreign\b.*other_filter" "$VG_TMP/daemon.log"
vg_expect "the other program is still there" "$foreign" "$(pair_xdp_id busy0)"
xdp=$(pair_xdp_id first0)
vg_daemon_stop
vg_check "and starts again" start
vg_expect "the first stays filtered" "$xdp" "$(pair_xdp_id first0)"
foreign_detach xdpdrv
vg_check "the other is filtered once that program is gone" vg_wait 10 interface_is busy0 state attached

scene "the kernel says EBUSY without a program to be seen"
refuse_with 16 VG_REFUSE_ALL=1
config busy0 </dev/null
refused busy0 busy0

scene "no native XDP in the driver: a bridge"
nic bridge0 type bridge
config bridge0 </dev/null
falls_back bridge0 "not supported.*driver"
vg_check "status names the driver" in_the_way bridge0 "bridge has no XDP" null
vg_expect "but no obstacle where generic mode is wanted" 0 "$(
	config "{name: bridge0, attach: generic}" </dev/null
	pair_reload
	interface bridge0 'obstacles | length')"
scene "no native XDP in the driver, and attach: native"
config bridge0 <<<"attach: native"
refused bridge0 "bridge0.*not supported"

scene "native refused by veth: the peer has more TX queues than the NIC has RX queues"
vg_in gated ip link add name queues0 numrxqueues 1 type veth peer name queues0p numtxqueues 4
vg_in gated ethtool -L queues0p tx 4
vg_in gated ip link set queues0 up
vg_in gated ip link set queues0p up
config queues0 </dev/null
falls_back queues0 "No space.*queues"
vg_check "status has the kernel's number" in_the_way queues0 "veth refuses it: No space" null
scene "the same, where the NIC may have more"
vg_in gated ip link add name queues1 numrxqueues 4 type veth peer name queues1p numtxqueues 4
vg_in gated ethtool -L queues1 rx 1
vg_in gated ethtool -L queues1p tx 4
vg_in gated ip link set queues1 up
vg_in gated ip link set queues1p up
config queues1 </dev/null
falls_back queues1 "No space.*queues"
vg_check "status has the command" in_the_way queues1 "veth needs as many RX queues" "ethtool -L queues1 rx 4 tx 1"
vg_check "vpcgate detach" vg_cli detach queues1
vg_check "the command" vg_in gated ethtool -L queues1 rx 4 tx 1
vg_check "a reload" pair_reload
vg_expect "mode" native "$(interface queues1 mode)"
vg_check "nothing is in the way any more" nothing_in_the_way queues1
scene "native refused by veth, and attach: native"
config queues0 <<<"attach: native"
refused queues0 "queues0"

veth refused0
for refusal in "12 Cannot allocate memory" "22 Invalid argument" "34 out of range" \
	"95 not supported"; do
	scene "native refused with errno $refusal"
	refuse_with "${refusal%% *}"
	config refused0 </dev/null
	falls_back refused0 "${refusal#* }"
	scene "the same with attach: native"
	refuse_with "${refusal%% *}"
	config refused0 <<<"attach: native"
	refused refused0 "refused0.*${refusal#* }"
done

scene "without CAP_SYS_RESOURCE, with 64 KiB of lockable memory"
VG_DAEMON_PREFIX=(prlimit --memlock=65536 setpriv --bounding-set=-sys_resource)
config ens4 </dev/null
vg_check "the daemon starts" start
vg_expect "CAP_SYS_RESOURCE" 0 \
	$((0x$(sed -n 's/^CapEff:\t//p' "/proc/$VG_DAEMON_PID/status") >> 24 & 1))
vg_expect "mode" native "$(interface ens4 mode)"

scene "with no more privilege than the unit gives"
capabilities=$(sed -n 's/^CapabilityBoundingSet=//p' "$pair_dir/../../deploy/systemd/vpcgated.service")
capabilities=${capabilities//CAP_/+}
capabilities=${capabilities// /,}
VG_DAEMON_PREFIX=(setpriv --bounding-set="-all,${capabilities,,}" --no-new-privs)
config ens4 </dev/null
vg_check "the daemon starts" start
vg_expect "its capabilities" 3 \
	"$(sed -n 's/^CapEff:\t//p' "/proc/$VG_DAEMON_PID/status" | python3 -c 'print(int(input(), 16).bit_count())')"
vg_expect "mode" native "$(interface ens4 mode)"
vg_check "reload" pair_reload
vg_check "detach" vg_cli detach ens4
vg_check "nothing is attached" nothing_attached ens4

scene "another name of the NIC"
vg_in gated ip link property add dev ens4 altname enp0s4
config enp0s4 </dev/null
vg_check "the daemon starts" start
vg_expect "state" absent "$(interface enp0s4 state)"
vg_expect "why" "it is another name of ens4: write ens4 in \`interfaces\`" "$(interface enp0s4 reason)"
vg_daemon_stop
config ens4 </dev/null
vg_check "the daemon starts" start
vg_daemon_stop
vg_check "detach without the daemon takes it, too" vg_in gated "$VPCGATE" --bpffs "$VG_BPFFS" --socket "$VG_SOCKET" detach enp0s4
vg_check "nothing is attached" nothing_attached ens4
vg_in gated ip link property del dev ens4 altname enp0s4

scene "more NICs than can be filtered"
for i in {1..18}; do
	nic "many$i" type bridge
done
in_state() { vg_cli status --json | jq "[.interfaces[] | select(.state == \"$1\")] | length"; }
in_state_are() { (($(in_state "$1") == $2)); }
config '"many*"' </dev/null
vg_check "the daemon starts" start
vg_expect "so many are filtered" "16 2" "$(in_state attached) $(in_state failed)"
vg_check "the others say why" grep -q "more than 16 NICs match .interfaces." <<<"$(pair_status '.hints[]')"
filtered=$(vg_cli status --json | jq -c '[.interfaces[] | select(.state == "attached") | .name]')
vg_check "a reload" pair_reload
vg_daemon_stop
vg_check "and starts again" start
vg_expect "the same ones stay filtered" "$filtered" "$(vg_cli status --json | jq -c '[.interfaces[] | select(.state == "attached") | .name]')"
vg_in gated ip link delete "$(jq -r '.[0]' <<<"$filtered")"
vg_in gated ip link delete "$(jq -r '.[1]' <<<"$filtered")"
vg_check "where two go, the others come" vg_wait 10 in_state_are attached 16
vg_expect "none is left over" 0 "$(in_state failed)"
vg_check "detach" vg_cli detach
for i in {1..18}; do
	vg_in gated ip link delete "many$i" 2>/dev/null || true
done

scene "no privilege"
VG_DAEMON_PREFIX=(setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all)
config ens4 </dev/null
refused ens4 "permi|Permi|privilege|root"
scene "root without capabilities"
VG_DAEMON_PREFIX=(setpriv --bounding-set=-all)
refused ens4 "permi|Permi|privilege|root"

scene "no bpffs"
VG_BPFFS=$VG_TMP/plain/vpcgate
mkdir "$VG_TMP/plain"
config ens4 </dev/null
refused ens4 "bpf"

scene "no BTF of the kernel"
# shellcheck disable=SC2016 # for the inner shell
VG_DAEMON_PREFIX=(unshare --mount sh -c 'mount -t tmpfs none /sys/kernel/btf && exec "$@"' sh)
config ens4 </dev/null
if start; then
	vg_expect "works without: mode" native "$(interface ens4 mode)"
else
	vg_expect "exit status" 2 "$VG_DAEMON_STATUS"
	vg_expect "lines of error" 1 "$(grep -c '^error: ' "$VG_TMP/daemon.log" || true)"
	vg_check "nothing is attached" nothing_attached ens4
fi

# Is that program on the NIC, by a pinned link?
pair_filtered()
{
	[[ -e $VG_BPFFS/links/ens4 && $(pair_xdp_id ens4) == "$1" ]]
}

scene "an unknown interface"
config nosuch0 </dev/null
vg_check "the daemon starts" start
vg_expect "state" absent "$(interface nosuch0 state)"

scene "MTU 9000"
vg_in gated ip link set ens4 mtu 9000
vg_in client ip link set eth0 mtu 9000
config ens4 </dev/null
vg_check "the daemon starts" start
vg_expect "state" attached "$(interface ens4 state)"
# Where the kernel has no multi-buffer XDP for the driver, status says what is in the way.
vg_check "native mode, or the reason" interface_is ens4 'mode == "native" or (.reason | length) > 0' true
pair_traffic receive gated receive 9000 "$VG_TMP/received"
vg_wait 10 test -e "$VG_TMP/received"
export VG_DATAGRAM=8000
pair_traffic good4 client send good4 "$good4" "$gated4" 9000 200
pair_traffic bad4 client send bad4 "$bad4" "$gated4" 9000 200
pair_traffic bad6 client send bad6 "$bad6" "$gated6" 9000 200
vg_check "admitted datagrams of 8,000 bytes arrive" vg_wait 10 pair_received good4 100
for flow in good4 bad4 bad6; do
	pair_stop "$flow"
done
vg_expect "denied ones don't" "null null" "$(jq -r '"\(.udp.bad4) \(.udp.bad6)"' "$VG_TMP/received")"
# 14 bytes of Ethernet, 20 or 40 of IP and 8 of UDP around them, in the one frame and the other.
vg_expect "they are counted with all their bytes" \
	"$(($(pair_result bad4 .sent) * 8042 + $(pair_result bad6 .sent) * 8062))" \
	"$(vg_cli drops --json | jq '[.counters[] | select(.reason == "unlisted") | .bytes] | add')"
pair_stop receive
vg_in gated ip link set ens4 mtu 1500
vg_in client ip link set eth0 mtu 1500

scene "an interface that goes away and comes back"
veth gone0
config gone0 </dev/null
vg_check "the daemon starts" start
vg_expect "state" attached "$(interface gone0 state)"
vg_in gated ip link delete gone0
vg_check "absent after it went away" vg_wait 5 interface_is gone0 state absent
veth gone0
vg_check "attached after it came back" vg_wait 5 interface_is gone0 state attached
vg_expect "mode" native "$(interface gone0 mode)"
vg_check "an XDP program is on it" test "$(pair_xdp_id gone0)" -gt 0

vg_check "detach takes the filter off" vg_cli detach gone0
vg_check "nothing is attached" nothing_attached gone0
vg_expect "state" detached "$(interface gone0 state)"

scene "the filter is taken away behind the daemon's back"
config ens4 </dev/null
vg_check "the daemon starts" start
xdp=$(pair_xdp_id ens4)
rm "$VG_BPFFS/links/ens4"
vg_check "a removed link is made again" vg_wait 5 pair_filtered "$xdp"
rm -r "$VG_BPFFS"
vg_check "removed pins are made again" vg_wait 5 pair_filtered "$xdp"
vg_check "so is the folder" vg_wait 5 vg_cli counters
vg_check "the log says so" grep -q 'somebody removed pins' "$VG_TMP/daemon.log"
vg_expect "detach past the running daemon: exit status" 2 \
	"$("$VPCGATE" --bpffs "$VG_BPFFS" --socket /nonexistent detach 2>"$VG_TMP/past" >&2; echo $?)"
vg_check "it names the reason" grep -q 'a running vpcgated holds' "$VG_TMP/past"
vg_expect "the XDP program" "$xdp" "$(pair_xdp_id ens4)"

scene "the end"
vg_done
