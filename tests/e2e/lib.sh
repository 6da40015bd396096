# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# For end-to-end tests and the demo: namespaces, a bpffs and a daemon of their own, gone at exit.
#
#	. "$(dirname "$0")/lib.sh"
#	vg_setup lifetime
#	vg_netns gated; vg_netns client; vg_veth client eth0 gated ens4
#	vg_daemon_start gated "$VG_TMP/vpcgate.yaml"
#	vg_check "status answers" vg_cli status
#	vg_done
set -eu -o pipefail

# Words put before the daemon's command line, such as (setpriv --bounding-set=-sys_resource).
VG_DAEMON_PREFIX=()
# Further options of its own, such as (--log-format json).
VG_DAEMON_OPTIONS=()
VG_DAEMON_PID=
# How many times longer everything takes here than on a machine of its own; deadlines are longer by that.
VG_SLOW=${VG_SLOW:-1}
# Exit status of the last daemon that ended.
VG_DAEMON_STATUS=
# Namespaces made by vg_netns, and further processes to end at exit.
VG_NAMESPACES=()
VG_PIDS=()
vg_passed=0 vg_failed=0 vg_finished=

# vg_setup NAME: needs root; exit 77 without. Sets VG_ID, VG_TMP, VG_BPFFS_MOUNT, VG_BPFFS,
# VG_SOCKET, VG_STATE, VPCGATED and VPCGATE.
vg_setup()
{
	if ((EUID != 0)); then
		echo "needs root"
		exit 77
	fi
	VG_BUILD=$(realpath "${VG_BUILD:-$(dirname "${BASH_SOURCE[0]}")/../../build}")
	VPCGATED=$VG_BUILD/vpcgated
	VPCGATE=$VG_BUILD/vpcgate
	VG_ID=vg$$
	VG_TMP=$(mktemp -d -t "vpcgate-$1.XXXXXX")
	# A signal only marks the run as failed; the cleanup is the exit's.
	trap vg_cleanup EXIT
	trap 'exit 1' INT TERM HUP PIPE
	VG_BPFFS_MOUNT=$VG_TMP/bpffs
	VG_BPFFS=$VG_BPFFS_MOUNT/vpcgate
	VG_SOCKET=$VG_TMP/control.sock
	VG_STATE=$VG_TMP/state
	export VG_BUILD VPCGATED VPCGATE VG_ID VG_TMP VG_BPFFS_MOUNT VG_BPFFS VG_SOCKET VG_STATE
	mkdir "$VG_BPFFS_MOUNT"
	mount -t bpf bpf "$VG_BPFFS_MOUNT"
}

# Runs as the EXIT trap. A test that ends without vg_done has failed, whatever its status.
vg_cleanup()
{
	local status=$? name pids=

	set +e
	trap - EXIT
	trap '' INT TERM HUP PIPE
	if [[ ! $vg_finished && $status -ne 77 ]]; then
		echo "ended early with status $status"
		[[ $status -eq 0 ]] && status=1
	fi
	if [[ $status -ne 0 && $status -ne 77 && -s $VG_TMP/daemon.log ]]; then
		echo "the end of the daemon's log:"
		tail -n 30 "$VG_TMP/daemon.log"
	fi
	for name in "${VG_NAMESPACES[@]}"; do
		pids+=" $(ip netns pids "$VG_ID-$name")"
	done
	# This shell's own jobs first, so that none of them is left to report the others' end.
	# shellcheck disable=SC2046,SC2086 # lists of numbers
	kill -KILL $(jobs -p) "${VG_PIDS[@]}" $pids 2>/dev/null
	wait 2>/dev/null
	for name in "${VG_NAMESPACES[@]}"; do
		ip netns delete "$VG_ID-$name"
	done
	mountpoint -q "$VG_BPFFS_MOUNT" && umount "$VG_BPFFS_MOUNT"
	rm -rf --one-file-system "$VG_TMP"
	exit "$status"
}

# vg_netns NAME: a namespace with lo up, where IPv6 addresses are usable at once.
vg_netns()
{
	ip netns add "$VG_ID-$1"
	VG_NAMESPACES+=("$1")
	vg_in "$1" sh -c 'echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad'
	vg_in "$1" sh -c 'echo 0 >/proc/sys/net/ipv6/conf/all/accept_dad'
	vg_in "$1" ip link set lo up
}

# vg_veth NS1 IF1 NS2 IF2: a pair of NICs, both up, one in each namespace.
vg_veth()
{
	# Made where it is to be: Linux 6.1 refuses a name that this process's own namespace has, too.
	vg_in "$1" ip link add name "$2" type veth peer name "$4" netns "$VG_ID-$3"
	vg_in "$1" ip link set "$2" up
	vg_in "$3" ip link set "$4" up
}

# vg_in NS CMD...: in the namespace's network, with this process's mounts (unlike ip netns exec).
vg_in()
{
	local name=$1

	shift
	nsenter --net="/run/netns/$VG_ID-$name" -- "$@"
}

# vg_daemon_start NS CONFIG: returns once `vpcgate status` answers; 1 if the daemon ended instead,
# with its exit status in VG_DAEMON_STATUS. The log is appended to.
vg_daemon_start()
{
	local deadline=$((SECONDS + 20 * VG_SLOW))

	nsenter --net="/run/netns/$VG_ID-$1" -- "${VG_DAEMON_PREFIX[@]}" \
		"$VPCGATED" --config "$2" --bpffs "$VG_BPFFS" --socket "$VG_SOCKET" \
		--state "$VG_STATE" "${VG_DAEMON_OPTIONS[@]}" \
		>>"$VG_TMP/daemon.log" 2>&1 </dev/null &
	VG_DAEMON_PID=$!
	VG_DAEMON_STATUS=
	until vg_cli status --json 2>/dev/null |
		jq --exit-status ".daemon.pid == $VG_DAEMON_PID" >/dev/null; do
		if ! kill -0 "$VG_DAEMON_PID" 2>/dev/null; then
			vg_reap
			return 1
		fi
		if ((SECONDS >= deadline)); then
			echo "the daemon isn't ready after $((20 * VG_SLOW)) s"
			return 1
		fi
		sleep 0.02
	done
}

# Takes the exit status of a daemon that has ended or is about to.
vg_reap()
{
	local status=0

	wait "$VG_DAEMON_PID" 2>/dev/null || status=$?
	# shellcheck disable=SC2034 # for the tests
	VG_DAEMON_STATUS=$status
	VG_DAEMON_PID=
}

# vg_daemon_stop [SIGNAL]: TERM unless given; returns once it has ended, after 10 s (times $VG_SLOW) by KILL.
vg_daemon_stop()
{
	[[ $VG_DAEMON_PID ]] || return 0
	kill -"${1:-TERM}" "$VG_DAEMON_PID"
	vg_wait 10 vg_gone "$VG_DAEMON_PID" || kill -KILL "$VG_DAEMON_PID"
	vg_reap
} 2>/dev/null # the shell's own word that it was killed

vg_gone()
{
	[[ ! -e /proc/$1 || $(cat "/proc/$1/stat" 2>/dev/null) == *") Z "* ]]
}

vg_cli()
{
	"$VPCGATE" --bpffs "$VG_BPFFS" --socket "$VG_SOCKET" "$@"
}

# vg_wait SECONDS CMD...: polls until CMD succeeds; 1 at the deadline, SECONDS times $VG_SLOW.
vg_wait()
{
	local deadline_us=$((${EPOCHREALTIME/./} + $1 * VG_SLOW * 1000000))

	shift
	until "$@" >/dev/null 2>&1; do
		((${EPOCHREALTIME/./} < deadline_us)) || return 1
		sleep 0.02
	done
}

# vg_check NAME CMD...: CMD, which runs in this shell, succeeds.
vg_check()
{
	local name=$1 status=0

	shift
	"$@" >"$VG_TMP/check" 2>&1 || status=$?
	if ((status == 0)); then
		echo "ok   $name"
		((++vg_passed))
	else
		printf 'FAIL %s\n     exit %d: %s\n' "$name" "$status" "$*"
		sed 's/^/     | /' "$VG_TMP/check"
		((++vg_failed))
	fi
}

# vg_expect NAME EXPECTED ACTUAL: the two texts are equal.
vg_expect()
{
	if [[ $2 == "$3" ]]; then
		echo "ok   $1"
		((++vg_passed))
	else
		printf 'FAIL %s\n     expected: %s\n     actual:   %s\n' "$1" "$2" "$3"
		((++vg_failed))
	fi
}

vg_done()
{
	vg_finished=1
	echo "$vg_passed checks passed, $vg_failed failed"
	((vg_failed == 0 && vg_passed > 0)) || exit 1
	exit 0
}
