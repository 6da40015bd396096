#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# `tune: yes`: what keeps a driver from native mode is changed, remembered, and put back whatever happens
# in between. A veth whose peer sends on four queues needs as many to receive by.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pair.sh"

config() { pair_config internal "$@" >"$VG_TMP/vpcgate.yaml"; }
start() { vg_daemon_start gated "$VG_TMP/vpcgate.yaml"; }
# tuned INTERFACES: starts with a config that has them tuned.
tuned() { config "$1" <<<$'attach: native\ntune: yes\nexporter: {listen: 127.0.0.1:0}' && start; }
# Without the daemon, where its NICs are.
alone() { vg_in gated "$VPCGATE" --bpffs "$VG_BPFFS" --socket "$VG_TMP/none" "$@"; }

interface() { pair_status ".interfaces[] | select(.name == \"$1\") | .$2"; }
metric() { vg_in gated curl -sf --max-time $((5 * VG_SLOW)) "http://$(pair_status .exporter)/metrics" | awk -v name="$1" '$1 == name { print $2 }'; }
said() { grep -qxF "$1" "$VG_TMP/daemon.log"; }
lines() { grep -cF "$1" "$VG_TMP/daemon.log" || true; }

# nic NAME: with one queue each way, of four that it may have.
nic()
{
	vg_in gated ip link add name "$1" numrxqueues 4 numtxqueues 2 type veth peer name "$1p" numtxqueues 4
	vg_in gated ethtool -L "$1" rx 1 tx 1
	vg_in gated ethtool -L "$1p" tx 4
	vg_in gated ip link set "$1" up
	vg_in gated ip link set "$1p" up
}
queues() { vg_in gated ethtool -l "$1" | sed -n '/^Current/,$ s/^\([RT]X\):[[:space:]]*/\1 /p' | xargs; }
queues_are() { [[ $(queues "$1") == "$2" ]]; }
before="RX 1 TX 1" after="RX 4 TX 1"
set_text="set to 4 RX, 1 TX for native mode (before: 1 RX, 1 TX)"
back_text="put back to 1 RX, 1 TX (for native mode: 4 RX, 1 TX)"

# Whatever the last scene has left goes first, and the NIC with it.
scene()
{
	vg_daemon_stop
	alone detach >/dev/null 2>&1 || true
	vg_in gated ip link delete nic0 2>/dev/null || true
	VG_DAEMON_PREFIX=()
	: >"$VG_TMP/daemon.log"
	nic nic0
	printf '\n%s\n' "$*"
}
preload() { VG_DAEMON_PREFIX=(env LD_PRELOAD="$VG_BUILD/tests/e2e/refuse_native.so" "$@"); }
# detached LINE CMD...: a detach whose output has this line.
detached() { "${@:2}" >"$VG_TMP/detached" && { grep -qxF "$1" "$VG_TMP/detached" || { cat "$VG_TMP/detached"; return 1; }; }; }
nothing_attached() { [[ $(pair_xdp_id nic0) == null && ! -e $VG_BPFFS/links/nic0 ]]; }
nothing_remembered() { ! bpftool map dump pinned "$VG_BPFFS/tuned" 2>/dev/null | grep -q key; }

as_it_was()
{
	vg_expect "the queues are as before" "$before" "$(queues nic0)"
	vg_check "nothing is remembered" nothing_remembered
}

# killed N: by the N-th attempt to attach natively.
killed()
{
	preload VG_KILL_AT="$1"
	tuned nic0 2>/dev/null || true
	VG_DAEMON_PREFIX=()
	vg_expect "the daemon was killed" 137 "$VG_DAEMON_STATUS"
	vg_check "nothing is attached" nothing_attached
}

vg_setup tune
vg_netns gated

scene "without tune nothing is changed"
config nic0 <<<"attach: native"
start || true
vg_expect "exit status" 2 "$VG_DAEMON_STATUS"
as_it_was

scene "with tune it is changed, attached, and put back at detach, with no more privilege than the unit gives"
nic other0
capabilities=$(sed -n 's/^CapabilityBoundingSet=//p' "$pair_dir/../../deploy/systemd/vpcgated.service")
capabilities=${capabilities//CAP_/+}
capabilities=${capabilities// /,}
VG_DAEMON_PREFIX=(setpriv --bounding-set="-all,${capabilities,,}" --no-new-privs)
vg_check "the daemon starts" tuned nic0
vg_expect "mode" native "$(interface nic0 mode)"
vg_expect "queues" "$after" "$(queues nic0)"
vg_check "the log says so" said "info: nic0: queues $set_text"
vg_expect "status has it" '[{"setting":"queues","before":"1 RX, 1 TX","now":"4 RX, 1 TX"}]' \
	"$(interface nic0 'tuned | tojson')"
vg_check "on the screen, too" grep -qxF "* queues: 4 RX, 1 TX (before: 1 RX, 1 TX)" <<<"$(vg_cli status)"
vg_expect "it is counted" 1 "$(metric 'vpcgate_tuned_settings{interface="nic0"}')"
vg_check "a reload" pair_reload
vg_expect "queues after it" "$after" "$(queues nic0)"
vg_expect "a NIC that the config doesn't name" "$before" "$(queues other0)"
vg_check "detach says what was put back" detached "nic0: queues $back_text" vg_cli detach nic0
as_it_was
vg_check "nothing is attached" nothing_attached
vg_check "a reload attaches again" pair_reload
vg_expect "queues" "$after" "$(queues nic0)"
vg_in gated ip link delete other0

scene "pins that somebody removes don't take the way back with them"
vg_check "the daemon starts" tuned nic0
rm -r "$VG_BPFFS"
remembered() { ! nothing_remembered && [[ -e $VG_BPFFS/links/nic0 ]]; }
vg_check "it is remembered again" vg_wait 5 remembered
vg_daemon_stop KILL
vg_check "status without the daemon has it" grep -qxF "* queues: 4 RX, 1 TX (before: 1 RX, 1 TX)" <<<"$(alone status)"
vg_check "detach without the daemon says what was put back" detached "nic0: queues $back_text" alone detach nic0
as_it_was

scene "killed, and detached by the next daemon"
vg_check "the daemon starts" tuned nic0
vg_daemon_stop KILL
vg_expect "queues meanwhile" "$after" "$(queues nic0)"
vg_check "the daemon starts" tuned nic0
vg_check "detach" vg_cli detach
as_it_was

scene "killed between the change and the attachment, and started again"
killed 2
vg_expect "queues meanwhile" "$after" "$(queues nic0)"
vg_check "the daemon starts" tuned nic0
vg_expect "mode" native "$(interface nic0 mode)"
vg_check "detach" vg_cli detach
as_it_was

scene "killed there, and detached without a daemon"
killed 2
vg_check "detach" alone detach
as_it_was
vg_check "nothing is left in the folder" test ! -e "$VG_BPFFS"

scene "killed there, and started without tune"
killed 2
config nic0 </dev/null
vg_check "the daemon starts" start
vg_check "the log says that it is put back" said "info: nic0: queues $back_text"
vg_expect "mode" generic "$(interface nic0 mode)"
as_it_was

scene "what somebody else has set since is left, and said"
vg_check "the daemon starts" tuned nic0
vg_in gated ethtool -L nic0 rx 4 tx 2
vg_check "detach says so" detached \
	"nic0: queues left at 4 RX, 2 TX, which somebody has set since (before native mode: 1 RX, 1 TX)" vg_cli detach nic0
vg_expect "queues" "RX 4 TX 2" "$(queues nic0)"
vg_check "nothing is remembered" nothing_remembered

scene "native mode is refused all the same"
preload VG_REFUSE_ERRNO=28
tuned nic0 || true
vg_expect "exit status" 2 "$VG_DAEMON_STATUS"
vg_expect "lines of error" 1 "$(lines 'error: ')"
vg_check "it was tried" said "info: nic0: queues $set_text"
as_it_was

scene "what no change helps is left alone: gve's queue format DQO, before Linux 6.15"
vg_in gated ethtool -L nic0 rx 2 tx 2
preload VG_DRIVER=gve/1.0.0 VG_KERNEL=6.12.55 VG_REFUSE_ERRNO=95
tuned nic0 || true
vg_expect "exit status" 2 "$VG_DAEMON_STATUS"
vg_expect "queues that gve with the other format would need are not set" 0 "$(lines "queues set to")"
vg_expect "queues" "RX 2 TX 2" "$(queues nic0)"

scene "another NIC refuses it"
vg_in gated ip link add name bridge0 type bridge
vg_check "the daemon starts" tuned "nic0, bridge0"
vg_expect "the other is not filtered" failed "$(interface bridge0 state)"
vg_check "this one is, and changed" queues_are nic0 "$after"
sleep 6
vg_expect "to try it again is no news" 1 "$(lines "bridge0: replies are now recorded")"
vg_check "detach" vg_cli detach
as_it_was
vg_in gated ip link delete bridge0

scene "it is refused on a NIC that comes later: it is tried again as it is"
vg_in gated ip link delete nic0
preload VG_REFUSE_ERRNO=28
vg_check "the daemon starts" tuned '"nic*"'
nic nic0
failed() { [[ $(interface "$1" state) == failed ]]; }
vg_check "it has failed" vg_wait 5 failed nic0
as_it_was
vg_in gated ip link set nic0 down
vg_in gated ip link set nic0 name nic1
vg_check "another name makes it be tried at once" vg_wait 5 failed nic1
vg_expect "it was changed once" 1 "$(lines "$set_text")"
vg_in gated ip link delete nic1

scene "it can't be changed"
preload VG_REFUSE_QUEUES=1
tuned nic0 || true
vg_expect "exit status" 2 "$VG_DAEMON_STATUS"
vg_expect "lines of error" 1 "$(lines 'error: ')"
vg_check "the error has the command" said \
	"error: nic0 can't be tuned for native XDP: \`ethtool -L nic0 rx 4 tx 1\` failed: Operation not permitted"
as_it_was

scene "it can't be changed, on a NIC that comes later"
vg_in gated ip link delete nic0
preload VG_REFUSE_QUEUES=1
vg_check "the daemon starts" tuned nic0
nic nic0
explained() { [[ $(interface nic0 reason) == *"ethtool -L nic0 rx 4 tx 1"* ]]; }
vg_check "it has failed" vg_wait 5 failed nic0
vg_check "its status says why" explained
vg_in gated ethtool -L nic0 rx 4
attached() { [[ $(interface nic0 state) == attached ]]; }
vg_check "once the command was run by hand it is attached" vg_wait 10 attached
vg_expect "the error was logged once" 1 "$(lines 'error: nic0')"

scene "tune is taken out of the config: the driver keeps what native mode needs until the detach"
vg_check "the daemon starts" tuned nic0
config nic0 <<<"attach: native"
vg_check "a reload" pair_reload
vg_expect "mode" native "$(interface nic0 mode)"
vg_expect "queues" "$after" "$(queues nic0)"
vg_check "detach" vg_cli detach nic0
vg_expect "it was not tried before" 0 "$(lines "can't be put back")"
as_it_was

scene "the same, where the driver would let go of it: not before the NIC is open anyway"
vg_check "the daemon starts" tuned nic0
vg_in gated ethtool -L nic0p tx 1
config nic0 <<<"attach: native"
vg_check "a reload" pair_reload
vg_expect "mode" native "$(interface nic0 mode)"
vg_expect "queues" "$after" "$(queues nic0)"
vg_in gated ethtool -L nic0 rx 2 tx 1
vg_expect "status has what somebody has set since" '[{"setting":"queues","before":"1 RX, 1 TX","now":"2 RX, 1 TX"}]' \
	"$(interface nic0 'tuned | tojson')"
vg_in gated ethtool -L nic0 rx 4 tx 1
vg_check "detach" vg_cli detach nic0
as_it_was

# gve's own, on a veth: its driver takes any MTU once a program is attached. Google's release, as the
# kernel's has XDP since Linux 6.4 alone.
too_large="its MTU is 3000 by now, and gve passes frames beyond one of 2032 on without the filter: \`ip link set dev nic0 mtu 2032\`"
mtu_is() { [[ $(vg_in gated ip link show dev nic0) == *" mtu $1 "* ]]; }
reason_is() { [[ $(interface nic0 reason) == "$1" ]]; }
scene "an MTU with which not all meets the program"
vg_in gated ethtool -L nic0p tx 1
preload VG_DRIVER=gve/1.4.7
config nic0 <<<"attach: native"
vg_check "the daemon starts" start
vg_in gated ip link set nic0 mtu 3000
vg_check "status says so" vg_wait 5 reason_is "$too_large"
vg_check "a hint, too" grep -qF "$too_large" <<<"$(pair_status '.hints[]')"
sleep 1
vg_expect "it is logged once" 1 "$(lines "error: nic0: its MTU is 3000 by now")"
vg_in gated ip link set nic0 mtu 1500
vg_check "once it is mended nothing says so" vg_wait 5 reason_is null

scene "... with tune"
vg_in gated ethtool -L nic0p tx 1
preload VG_DRIVER=gve/1.4.7
vg_check "the daemon starts" tuned nic0
vg_in gated ip link set nic0 mtu 3000
vg_check "it is put right" vg_wait 5 mtu_is 2032
vg_check "the log says so" said "info: nic0: MTU set to 2032 for native mode (before: 3000)"
vg_check "detach" detached "nic0: MTU put back to 3000 (for native mode: 2032)" vg_cli detach nic0

scene "the NIC leaves the config"
nic other0
vg_check "the daemon starts" tuned nic0
config other0 </dev/null
vg_check "a reload" pair_reload
vg_check "nothing is attached" nothing_attached
as_it_was

scene "the NIC goes"
vg_check "the daemon starts" tuned "nic0, other0"
vg_in gated ip link delete nic0
forgotten() { [[ $(bpftool --json map dump pinned "$VG_BPFFS/tuned" | jq length) == 1 ]]; }
vg_check "it is forgotten" vg_wait 5 forgotten
vg_expect "not the other one" 1 "$(interface other0 'tuned | length')"
vg_done
