#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The container image's files under an OCI runtime, with what the DaemonSet leaves a pod: its
# capabilities, no way to more, a read-only root, the bpffs outside /sys. It filters, ends, leaves
# the filter on, and the overlay that detaches takes it off. Kubernetes' seccomp and AppArmor
# profiles aren't here to be tried.
# With VG_IMAGE=FOLDER those of an image that an engine has built from the Containerfile, mounted there;
# else what it would put into one.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pair.sh"

top=$(realpath "$pair_dir/../..")
kubernetes=$top/deploy/kubernetes

# What the files for Kubernetes say, as JSON lists.
quoted() { tr -d ' ' | sed 's/[^],[]\+/"&"/g'; }
entrypoint() { sed -n 's/^ENTRYPOINT //p' "$kubernetes/Containerfile"; }
daemonset() { sed -n "s/^ *$1: \(\[.*\]\)$/\1/p" "$kubernetes/base/daemonset.yaml" | quoted; }
detach_words()
{
	sed -n 's/.*value: \(\[.*vpcgate.*\]\)}\?$/\1/p' "$kubernetes/components/detach/detach.yaml" |
		quoted | jq -cs add
}

image_make()
{
	if [[ ${VG_IMAGE:-} ]]; then
		cp -a "$VG_IMAGE" "$VG_TMP/image"
		return
	fi
	make -s -C "$top" O="$(realpath --relative-to="$top" "$VG_BUILD")" DESTDIR="$VG_TMP/image" install
	"$kubernetes/collect-libraries" "$VG_TMP/image" "$VG_TMP"/image/usr/{sbin/vpcgated,bin/vpcgate}
}

# bundle NAME WORDS: a container that runs the words, a JSON list.
bundle()
{
	mkdir -p "$VG_TMP/$1"
	jq -n --argjson words "$2" --argjson added "$(daemonset add)" --arg tmp "$VG_TMP" \
		--arg network "/run/netns/$VG_ID-gated" '
		def bind($from; $to; $mode):
			{destination: $to, type: "bind", source: ($tmp + "/" + $from), options: ["bind", $mode]};
		[$added[] | "CAP_" + .] as $capabilities | {
			ociVersion: "1.0.0",
			root: {path: ($tmp + "/image"), readonly: true},
			process: {
				args: $words, cwd: "/", user: {uid: 0, gid: 0}, noNewPrivileges: true,
				capabilities: ({bounding: 0, effective: 0, permitted: 0} | map_values($capabilities))
			},
			mounts: [
				{destination: "/proc", type: "proc", source: "proc"},
				{destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["mode=755"]},
				{destination: "/sys", type: "bind", source: "/sys", options: ["rbind", "ro"]},
				bind("etc"; "/etc/vpcgate"; "ro"), bind("bpffs"; "/bpf"; "rw"),
				bind("run"; "/run/vpcgate"; "rw"), bind("state"; "/var/lib/vpcgate"; "rw")
			],
			linux: {namespaces:
				[(("pid", "ipc", "uts", "mount") | {type: .}), {type: "network", path: $network}]}
		}' >"$VG_TMP/$1/config.json"
}

# Without the machine's cgroups: crun refuses those of both versions at once.
oci()
{
	# shellcheck disable=SC2016 # the inner shell's
	unshare --mount sh -c 'umount -Rl /sys/fs/cgroup; mount -t tmpfs none /sys/fs/cgroup
		exec crun --root "$0" --cgroup-manager=disabled "$@"' "$VG_TMP/crun" "$@"
}

state() { oci state gate | jq -r "$1"; }
ready() { vg_in gated curl -sf --max-time 1 http://127.0.0.1:9820/readyz; }
pings() { vg_in client ping -c 1 -W 1 -I "$1" "$gated4"; }
refused() { ! pings "$bad4"; }
severities() { jq -r .severity "$VG_TMP/log" | sort -u; }
privileges() { sed -n 's/^\(CapEff\|CapBnd\|NoNewPrivs\):\s*/\1 /p' "/proc/$(state .pid)/status"; }
pins() { find "$VG_BPFFS_MOUNT" -mindepth 1 ! -name '*.debug'; }

type crun >/dev/null 2>&1 || { echo "crun isn't installed"; exit 77; }
vg_setup container
pair_build
mkdir "$VG_TMP"/{etc,run,state,crun}
image_make
pair_config internal <<<'exporter: {listen: 0.0.0.0:9820}' >"$VG_TMP/etc/vpcgate.yaml"
bundle daemon "$(jq -cn "$(entrypoint) + $(daemonset args)")"
bundle detach "$(detach_words)"

oci run --bundle "$VG_TMP/daemon" gate >"$VG_TMP/log" 2>&1 &
runtime=$!
vg_check "it is ready" vg_wait 20 ready
vg_expect "three capabilities, and no more to come" \
	$'CapBnd 000000c000001000\nCapEff 000000c000001000\nNoNewPrivs 1' "$(privileges | sort)"
vg_check "an admitted address gets in" pings "$good4"
vg_check "a denied one doesn't" refused
vg_check "kubectl exec: the status" oci exec gate /usr/bin/vpcgate status --bpffs /bpf/vpcgate
vg_expect "the log has severities" INFO "$(severities)"

oci kill gate TERM
vg_check "it ends" vg_wait 10 vg_gone "$runtime"
vg_check "the filter stays" refused
vg_check "the overlay detaches" oci run --bundle "$VG_TMP/detach" gone
vg_check "then everybody gets in" pings "$bad4"
vg_expect "no pin is left" "" "$(pins)"
vg_check "it detaches where nothing is attached" oci run --bundle "$VG_TMP/detach" again
vg_done
