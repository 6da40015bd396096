#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# As vpcgated.service runs it: a user of its own with three capabilities, who sees of the bpffs the
# folder of the pins and nothing else. It can do all that root can, and takes over what root has left.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pair.sh"

# Any that no other process has.
user=54321

# A script for the daemon's own mounts: $1 is the bpffs, $2 the folder of the pins, $3 one to spare.
# shellcheck disable=SC2016 # expanded by that script
alone='mount --bind "$2" "$3" && mount -t tmpfs none "$1" && mkdir "$2" && mount --move "$3" "$2" &&
	mount -o remount,ro "$1" && shift 3 && exec "$@"'

# What vpcgate-prepare.service does.
own_pins() { install -d -m 700 -o "$user" -g "$user" "$VG_BPFFS" && chown -R "$user:$user" "$VG_BPFFS"; }
reload() { pair_config "$1" </dev/null >"$config" && pair_reload; }
in_status() { grep -qP "$1" "/proc/$VG_DAEMON_PID/status"; }
logged() { grep -qF "$1" "$VG_TMP/daemon.log"; }
# By another user than the daemon's, to one whom no set holds.
call_is_open() { vg_in gated ss -Htn state established "dport = :9000" | grep -q .; }
pinned() { test -e "$VG_BPFFS/counters"; }
admitted() { vg_in client ping -q -c 1 -W 2 -I "$good4" "$gated4"; }
denied() { ! vg_in client ping -q -c 1 -W 0.5 -I "$bad4" "$gated4"; }

vg_setup user
pair_build
# The user goes through it, to a program that may lie where nobody else comes.
chmod 711 "$VG_TMP"
install -m 755 "$VPCGATED" "$VG_TMP/vpcgated"
VPCGATED=$VG_TMP/vpcgated
install -d -m 755 -o "$user" "$VG_TMP/run"
mkdir "$VG_TMP/spare"
VG_SOCKET=$VG_TMP/run/control.sock
config=$VG_TMP/vpcgate.yaml
pair_config internal </dev/null >"$config"
chmod 644 "$config"

vg_check "root's daemon starts" vg_daemon_start gated "$config"
vg_daemon_stop TERM
xdp_id=$(pair_xdp_id)

own_pins
VG_DAEMON_PREFIX=(unshare --mount bash -c "$alone" alone "$VG_BPFFS_MOUNT" "$VG_BPFFS" "$VG_TMP/spare"
	setpriv --reuid "$user" --regid "$user" --clear-groups --no-new-privs
	--bounding-set "-all,+bpf,+net_admin,+perfmon" --inh-caps "-all,+bpf,+net_admin,+perfmon"
	--ambient-caps "-all,+bpf,+net_admin,+perfmon")
vg_check "the user's daemon starts" vg_daemon_start gated "$config"
# CAP_NET_ADMIN is bit 12, CAP_PERFMON 38, CAP_BPF 39.
vg_check "it is the user's" in_status "^Uid:\t$user\t$user\t"
vg_check "it has three capabilities" in_status '^CapEff:\t000000c000001000$'
vg_expect "root's program is adopted" "$xdp_id true" "$(pair_xdp_id) $(pair_status '.interfaces[0].adopted')"
vg_check "reload" reload internal-and-cloud-load-balancing
vg_check "the admitted is answered" admitted
vg_check "the denied is not" denied
rm "$VG_BPFFS/counters"
vg_check "a pin that was removed is made again" vg_wait 10 pinned
vg_check "detach" vg_cli detach
vg_expect "detach: nothing is attached" null "$(pair_xdp_id)"
pair_traffic server client receive 9000 "$VG_TMP/received"
vg_wait 10 pair_serves client 9000
pair_traffic call gated stream "$gated4" "$bad4" 9000 20
vg_check "root opens a call" vg_wait 10 call_is_open
vg_check "reload after detach" reload internal
vg_check "reload after detach: attached" test "$(pair_xdp_id)" -gt 0
vg_check "root's call goes on, as its socket is known" \
	logged "1 conversations that were open already go on (known from sockets"

# It can't make the folder again, since the one above is root's.
rm -r "$VG_BPFFS"
vg_check "the folder of the pins is removed: the daemon ends" vg_wait 10 vg_gone "$VG_DAEMON_PID"
kill -KILL "$VG_DAEMON_PID" 2>/dev/null || true
vg_reap
vg_expect "it ends with a status that is worth another start" 1 "$VG_DAEMON_STATUS"
vg_check "it says why" logged "nothing is filtered before a new start makes it again"
own_pins
vg_check "started again" vg_daemon_start gated "$config"
vg_check "started again: the denied is not answered" denied
vg_daemon_stop TERM
vg_check "stop: the denied is not answered" denied
vg_check "root detaches" vg_cli detach
vg_done
