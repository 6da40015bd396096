#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The life of the package in a Debian 12 with systemd, emulated in software: installed, configured,
# stopped, killed, started anew with the machine, upgraded, removed and purged, while hosts on the
# other side of a virtio NIC knock all the time. Exits 77 where what it takes can't be had.
# The packages' programs, since those of the initramfs must run in the guest as they are.
PATH=/usr/sbin:/usr/bin:/sbin:/bin
vm=$(dirname "$(realpath "$0")")
. "$vm/../e2e/lib.sh"
. "$vm/../e2e/pair.sh"
. "$vm/initramfs.sh"
. "$vm/kernels.sh"
. "$vm/root.sh"
. "$vm/power.sh"

kernel=linux-image-cloud-amd64
mac=52:54:00:00:00:01
good4=10.128.0.1 good6=fd20:1:2::1 bad4=203.0.113.10 bad6=2001:db8:bad::10
knocks=(good4="$good4,${root4%/*}" good6="$good6,${root6%/*}" bad4="$bad4,${root4%/*}" bad6="$bad6,${root6%/*}")
# Some ten times what it takes the guest to do one thing, and to start.
patience_s=120
boot_s=300

skip() { vg_finished=1; printf '%s\n' "$*"; exit 77; }

# guest COMMAND: what it prints and its status.
guest() { python3 "$vm/ask.py" "$VG_TMP/agent" "$patience_s" "$1"; }

network()
{
	vg_netns client
	vg_in client ip tuntap add dev tap0 mode tap
	vg_in client ip link set dev tap0 up
	vg_in client ip addr add "$good4/20" dev tap0
	vg_in client ip addr add "$good6/64" dev tap0 nodad
	vg_in client ip addr add "$bad4/32" dev tap0
	vg_in client ip addr add "$bad6/128" dev tap0 nodad
}

# repack PACKAGE VERSION OUT: the same with another version.
repack()
{
	dpkg-deb -R "$1" "$VG_TMP/repack"
	sed -i "s/^Version: .*/Version: $2/" "$VG_TMP/repack/DEBIAN/control"
	dpkg-deb --root-owner-group -b "$VG_TMP/repack" "$3" >/dev/null
	rm -r "$VG_TMP/repack"
}

prepare()
{
	mkdir "$VG_TMP/files"
	cp "$package" "$VG_TMP/files/first.deb"
	repack "$package" 9.0 "$VG_TMP/files/second.deb"
	cp "$vm/service.yaml" "$VG_TMP/files/vpcgate.yaml"
	mke2fs -q -t ext4 -d "$VG_TMP/files" "$VG_TMP/media" 8M >/dev/null
	initramfs_make "$vm/root-init" "$cache/$kernel" "$VG_TMP/initramfs"
}

# knock_start; knock_stop NAME: the result is then $VG_TMP/NAME.json.
knock_start()
{
	rm -f "$VG_TMP/knocks"
	nsenter --net="/run/netns/$VG_ID-client" -- python3 "$vm/knock.py" tap0 "$mac" \
		"$VG_TMP/knocks" "${knocks[@]}" >"$VG_TMP/knock.err" 2>&1 &
	knock_pid=$!
	VG_PIDS+=($!)
	vg_wait 10 test -e "$VG_TMP/knocks"
}
knock_stop()
{
	kill -TERM "$knock_pid"
	wait "$knock_pid" || cat "$VG_TMP/knock.err"
	cp "$VG_TMP/knocks" "$VG_TMP/$1.json"
}
knocked() { jq -r "$1" "$VG_TMP/knocks"; }
# answered NAME MORE THAN
answered() { [[ $(knocked ".$1.answered") -gt $2 ]]; }

# judged NAME: during the knocks of that name both admitted hosts were answered without a loss, and
# the denied ones got no frame of any kind.
judged()
{
	local host

	for host in good4 good6; do
		vg_check "$1: $host is answered" test "$(jq ".$host.answered" "$VG_TMP/$1.json")" -gt 20
		vg_expect "$1: $host: lost answers" 0 "$(jq ".$host.lost" "$VG_TMP/$1.json")"
	done
	denied "$1"
}
denied()
{
	local host

	for host in bad4 bad6; do
		vg_expect "$1: of $(jq ".$host.sent" "$VG_TMP/$1.json") knocks, answers to $host" 0 \
			"$(jq ".$host.frames" "$VG_TMP/$1.json")"
	done
	jq -e '.bad4.frames + .bad6.frames == 0' "$VG_TMP/$1.json" >/dev/null || story
}
# When what came up and went, in this boot and the one before.
story()
{
	guest "journalctl -q -o short-monotonic" |
		grep -E 'vpcgate|udev|[Nn]etwork| (ens|eth)[0-9]' | tail -n 200 | sed 's/^/     /' || true
}

# knock NAME: for a while, until the admitted hosts have been answered.
knock()
{
	knock_start
	vg_wait 30 answered good4 50 || true
	vg_wait 30 answered good6 50 || true
	knock_stop "$1"
}

# open NAME: the filter is off, and everybody is answered.
open()
{
	local host

	knock_start
	for host in good4 good6 bad4 bad6; do
		vg_check "$1: $host is answered" vg_wait 30 answered "$host" 20
	done
	knock_stop "$1"
}

pid() { guest "systemctl show -P MainPID vpcgated"; }
active() { guest "systemctl is-active --quiet vpcgated"; }
# restarted PID: it runs, but as another process.
restarted() { active && [[ $(pid) != "$1" ]]; }
status() { guest "vpcgate status --json" | jq -r "$1" || true; }
xdp() { guest "ip -details -json link" | jq -r '[.[] | select(.xdp.prog.id) | .ifname + " " + (.xdp.mode | tostring)] | join(" ")'; }
apt_get() { guest "DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o Dpkg::Use-Pty=0 $*"; }
filtered() { status '"\([.interfaces[] | select(.state == "attached")] | length) of \(.interfaces | length), \(.interfaces[0].mode)"'; }
logged() { guest "journalctl -q -o cat -u vpcgated | grep -F '$1'"; }
booted() { guest "systemctl is-system-running" || [[ $(guest "systemctl is-system-running") = degraded ]]; }
# A question that the guest takes along into its shutdown has no answer.
rebooted() { local now patience_s=20; now=$(guest "cat /proc/sys/kernel/random/boot_id") && [[ $now != "$1" ]]; }

# What goes before the daemon took longer than udev does by itself.
waited_for_nic()
{
	guest "eval \"\$(systemctl show vpcgate-prepare -p InactiveExitTimestampMonotonic,InactiveEnterTimestampMonotonic)\"
		((InactiveEnterTimestampMonotonic - InactiveExitTimestampMonotonic > 20000000))"
}

# CAP_NET_ADMIN is bit 12, CAP_PERFMON 38, CAP_BPF 39.
own_user()
{
	guest "cd /proc/$(pid) && grep -E '^(Uid|Gid|CapEff|CapBnd|NoNewPrivs|Seccomp):' status
		[[ \$(stat -c %U:%G .) = vpcgate:vpcgate ]] &&
		grep -qP '^CapEff:\t000000c000001000$' status && grep -qP '^CapBnd:\t000000c000001000$' status"
}

# The families that a process of the unit's may have sockets of, as the kernel refuses others.
no_internet() { guest "systemctl show -P RestrictAddressFamilies vpcgated | xargs -n 1 | sort | paste -sd' '"; }
outside_user() { guest "cd /proc/\$(systemctl show -P MainPID vpcgate-outside) && grep -qP '^CapBnd:\t0000000000000000$' status && ! [[ \$(stat -c %u .) = \$(id -u vpcgate) || \$(stat -c %u .) = 0 ]]"; }
scraped() { guest "curl -sf --max-time 10 http://127.0.0.1:9820/metrics | grep -F 'vpcgate_interface_attached{'"; }
# A feed on which nobody listens: the config is refused with what vpcgate-outside has found.
feed_is_asked()
{
	guest "sed 's|^sources:|&\n  nowhere: [\"https://127.0.0.1:1/\"]|' /mnt/vpcgate.yaml >/etc/vpcgate/vpcgate.yaml && systemctl reload vpcgated"
	vg_wait "$patience_s" refused_for "127.0.0.1: no connection"
	guest "cp /mnt/vpcgate.yaml /etc/vpcgate/"
}
refused_for() { status .reloads.last_error | grep -F "$1"; }

# A conversation that another user has with a denied host, from before the filter.
call_begin()
{
	pair_traffic internet client receive 5300 "$VG_TMP/internet"
	guest "modprobe -a nf_conntrack nf_conntrack_netlink
		printf '%s\n' 'exec 3<>/dev/tcp/$bad4/5300' 'while echo hello >&3; do read -r line <&3; echo got; sleep 0.2; done' >/tmp/call
		systemd-run -q --unit=call --uid=nobody bash /tmp/call"
	vg_wait 30 call_goes_on
}
call_goes_on()
{
	guest "before=\$(journalctl -q -o cat -u call | grep -c got); sleep 2
		((\$(journalctl -q -o cat -u call | grep -c got) > before))"
}

# All that is on the guest but for what the package tools and the journal themselves keep.
files_now()
{
	guest "find / -xdev -path /proc -prune -o -path /var/lib/dpkg -prune -o -path /var/cache -prune -o \
		-path /var/log -prune -o -path /var/lib/apt -prune -o -path /tmp -prune -o -path /var/tmp -prune -o -print;
		find /run /sys/fs/bpf -path /run/log -prune -o -path /run/systemd -prune -o -path /run/udev -prune -o -print" | sort
}

vg_setup service
# Where what is fetched is kept, and where kernels.sh and root.sh work.
cache=$VG_BUILD/vm work=$VG_TMP
package=$(root_package)
[[ $package ]] || skip "needs the package: run 'make deb'"
kernel_fetch "$kernel" || skip "apt can't download $kernel"
image= # by root_make
root_make "$package" image || skip "can't make a Debian root: $(tail -n 3 "$VG_TMP/root.log")"
network
prepare
power_on
vg_check "the guest boots" vg_wait "$boot_s" booted
vg_check "it has the packages" guest "mount -o ro /dev/vdb /mnt"
files_now >"$VG_TMP/files-before"
open "before"

vg_check "install" apt_get install /mnt/first.deb
vg_expect "install: nothing is filtered" "" "$(xdp)"
vg_check "install: nothing of it runs" guest "! systemctl is-active vpcgated && ! systemctl is-enabled vpcgated"
vg_check "without a policy: a start fails, and says why" \
	guest "systemctl start vpcgated 2>&1 | grep -F 'Assertion failed on job for vpcgated.service.'"
vg_check "somebody on the guest calls the internet" call_begin
vg_check "the example is accepted" \
	guest "vpcgate validate /usr/share/doc/vpcgate/examples/vpcgate.yaml"
vg_check "configure and start" guest "cp /mnt/vpcgate.yaml /etc/vpcgate/ && systemctl enable --now vpcgated"
vg_check "start: its own user with three capabilities, and no way to more" own_user
vg_expect "start: the control socket" "660 vpcgate vpcgate" "$(guest "stat -c '%a %U %G' /run/vpcgate/control.sock")"
vg_expect "start: no socket of the internet" "AF_NETLINK AF_UNIX" "$(no_internet)"
vg_check "start: metrics are served" vg_wait "$patience_s" scraped
vg_check "start: vpcgate-outside has a user of its own and no capability" outside_user
vg_expect "start: its socket is the daemon's" "600 vpcgate vpcgate" "$(guest "stat -c '%a %U %G' /run/vpcgate-outside.sock")"
vg_expect "start: the filter is native" "1 of 1, native" "$(filtered)"
vg_check "start: the call of another user was seen, and conntrack asked" \
	logged "1 conversations that were open already go on (known from sockets and conntrack)"
vg_check "start: the call goes on" call_goes_on
guest "systemctl stop call"
knock "start"
judged "start"
vg_expect "start: nothing was lacking" "" "$(guest "journalctl -q -o cat -p warning _COMM=vpcgated")"
vg_check "a server is asked by vpcgate-outside" feed_is_asked

knock_start
vg_check "stop" guest "systemctl stop vpcgated && ! systemctl is-active vpcgated"
vg_check "start" guest "systemctl start vpcgated"
vg_expect "start: the filter is adopted" true "$(status '.interfaces[0].adopted')"
generation=$(status .policy.generation)
vg_check "reload" guest "systemctl reload vpcgated"
vg_expect "reload: a new generation" $((generation + 1)) "$(status .policy.generation)"
old=$(pid)
guest "kill -KILL $old"
vg_check "kill -9: systemd starts it again" vg_wait "$patience_s" restarted "$old"
old=$(pid)
guest "kill -TERM $old"
vg_check "SIGTERM, but not by systemd: it starts it again" vg_wait "$patience_s" restarted "$old"
old=$(pid)
guest "mkdir /run/systemd/system/vpcgated.service.d
	printf '[Service]\nWatchdogSec=5\n' >/run/systemd/system/vpcgated.service.d/watchdog.conf
	systemctl daemon-reload && systemctl restart vpcgated"
old=$(pid)
guest "kill -STOP $old"
vg_check "watchdog: one that hangs is started again" vg_wait "$patience_s" restarted "$old"
guest "rm -r /run/systemd/system/vpcgated.service.d && systemctl daemon-reload"
vg_check "a daemon run by root has left its pins" guest "systemctl stop vpcgated && chown -R root:root /sys/fs/bpf/vpcgate"
vg_check "and its pins are adopted" guest "systemctl start vpcgated"
vg_expect "and its filter" true "$(status '.interfaces[0].adopted')"
knock_stop "restarts"
judged "restarts"

vg_check "detach" guest "systemctl stop vpcgated && vpcgate detach"
vg_expect "detach: nothing is filtered" "" "$(xdp)"
vg_check "start after a detach" guest "systemctl start vpcgated"
vg_expect "start after a detach: the filter is native" "1 of 1, native" "$(filtered)"

# The NIC's driver comes late, as on a machine that is busy.
guest "printf 'install virtio_net sleep 35; modprobe --ignore-install virtio_net\n' >/etc/modprobe.d/late.conf; sync"
knock_start
boot_id=$(guest "cat /proc/sys/kernel/random/boot_id")
guest "systemctl reboot 2>/dev/null"
vg_check "reboot" vg_wait "$boot_s" rebooted "$boot_id"
vg_check "reboot: the machine is up" vg_wait "$boot_s" booted
vg_check "reboot: the daemon runs" active
vg_check "reboot: metrics are served" vg_wait "$patience_s" scraped
before=$(knocked .good4.answered)
vg_check "reboot: the admitted host is answered again" vg_wait 30 answered good4 $((before + 50))
knock_stop "reboot"
denied "reboot"
vg_check "reboot: the guest was away" test "$(jq .good4.lost "$VG_TMP/reboot.json")" -gt 100
vg_check "reboot: the NIC came late, and the daemon after it" waited_for_nic
guest "rm /etc/modprobe.d/late.conf"

# Only what was there before the trial is helped to the disk.
guest "sed 's/^ingress: .*/ingress: all/' /etc/vpcgate/vpcgate.yaml >/tmp/open.yaml; sync"
vg_check "trial: apply" guest "vpcgate apply /tmp/open.yaml --confirm 1h"
back=$(status .trial.back)
open "trial"
power_off
knock_start
power_on
vg_check "power cycle" vg_wait "$boot_s" booted
vg_expect "power cycle: the trial is over, and the former config is back" "null return $back" \
	"$(guest "vpcgate history --json" | jq -r '"\(.trial) \(.entries[-1] | "\(.cause) \(.restores)")"')"
vg_check "power cycle: the log says why" logged "nobody has confirmed generation"
vg_check "power cycle: the admitted host is answered again" vg_wait 30 answered good4 50
knock_stop "power-cycle"
denied "power-cycle"
guest "mount -o ro /dev/vdb /mnt"

old=$(pid)
knock_start
vg_wait 30 answered good4 50
vg_check "upgrade" apt_get install /mnt/second.deb
vg_check "upgrade: the daemon was restarted" restarted "$old"
vg_expect "upgrade: the version" 9.0 "$(guest "dpkg-query -Wf '\${Version}' vpcgate")"
vg_expect "upgrade: the filter is adopted" true "$(status '.interfaces[0].adopted')"
before=$(knocked .good4.answered)
vg_wait 30 answered good4 $((before + 50)) || true
knock_stop "upgrade"
judged "upgrade"
vg_check "upgrade: the policy is the administrator's" guest "cmp /mnt/vpcgate.yaml /etc/vpcgate/vpcgate.yaml"

vg_check "remove" apt_get remove vpcgate
vg_expect "remove: nothing is filtered" "" "$(xdp)"
open "removed"
vg_check "remove: the policy stays" guest "test -e /etc/vpcgate/vpcgate.yaml"
vg_check "install again" apt_get install /mnt/first.deb
vg_expect "install again: nothing is filtered" "" "$(xdp)"
vg_check "install again: start" guest "systemctl start vpcgated"
vg_expect "install again: the filter is native" "1 of 1, native" "$(filtered)"

vg_check "purge" apt_get purge vpcgate
vg_expect "purge: nothing is filtered" "" "$(xdp)"
vg_check "purge: no recorder is left" guest "! tc filter show dev \$(ls /sys/class/net | grep -vx lo) egress | grep ."
vg_check "purge: no user is left" guest "! getent passwd vpcgate && ! getent group vpcgate"
files_now >"$VG_TMP/files-after"
vg_expect "purge: no file is left" "" "$(comm -13 "$VG_TMP/files-before" "$VG_TMP/files-after")"
vg_done
