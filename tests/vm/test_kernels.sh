#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Boots kernels in QEMU, in software so that it works wherever QEMU does, and runs tests there: those
# of docs/kernels.md for `make test`, with VG_MATRIX=full all, or those that VG_TESTS names. VG_KERNELS
# are packages of Debian that depend on the newest kernel of a series, or VMLINUZ:MODULES for others.
# Exits 77 where a kernel or what it takes to boot it can't be had.
# The packages' programs, since those of the initramfs must run in the guest as they are.
PATH=/usr/sbin:/usr/bin:/sbin:/bin
vm=$(dirname "$(realpath "$0")")
top=$(realpath "$vm/../..")
. "$vm/../e2e/lib.sh"
. "$vm/initramfs.sh"
. "$vm/kernels.sh"
. "$vm/root.sh"

read -ra kernels <<<"${VG_KERNELS:-linux-image-cloud-amd64 linux-image-6.12-cloud-amd64}"
guest_s=${VG_GUEST_TIMEOUT:-1200}
# Emulated, two machines on as few processors, all takes longer by that.
slow=20
# What runs on each kernel in `make test`: what the kernel itself decides, and the way of a packet.
# guest.sh comes last: when it ends, the machine's NICs keep the names that the other tests give theirs.
quick=(tests/vm/samples.sh tests/e2e/test_features.sh
	build/tests/run/test_{frags,egress,flow_table,flow_sweep,conntrack} tests/vm/guest.sh)
# And what runs nowhere but on the machine itself: it is about documents, or needs what builds them, or
# it counts the seconds in which servers answer, which no kernel decides and no emulated machine keeps.
not_here=(tests/e2e/test_documents.sh tests/e2e/test_container.sh tests/e2e/test_discovery.sh)
declare -A guests=()

skip() { vg_finished=1; printf '%s\n' "$*"; exit 77; }

# tests_for: what runs in a guest, a path a line.
tests_for()
{
	if [[ ${VG_TESTS:-} ]]; then
		tr ' ' '\n' <<<"$VG_TESTS"
		return
	fi
	if [[ ${VG_MATRIX:-} != full ]]; then
		printf '%s\n' "${quick[@]}"
		return
	fi
	(cd "$top" && printf '%s\n' tests/run/test_*.c tests/e2e/test_*.sh tests/vm/guest.sh) |
		sed 's|\(.*\)\.c$|build/\1|' |
		grep -vxFf <(printf '%s\n' "${not_here[@]}")
}

# The second disk: the sources, what was built of them, and the list of tests.
media_make()
{
	local root=$VG_TMP/media.root

	mkdir -p "$root/build/tests" "$root/build/tools"
	(cd "$top" && tar -cf - daemon/*/*.h deploy docs include tests tools README.md Makefile) | tar -xf - -C "$root"
	cp -r "$VG_BUILD"/{vpcgate,vpcgated,vpcgate-outside} "$root/build/"
	cp -r "$VG_BUILD"/tests/{e2e,run} "$root/build/tests/"
	rm -f "$root"/build/tests/*/*.[dho]
	cp "$VG_BUILD"/tests/e2e/*.bpf.o "$root/build/tests/e2e/"
	cp "$VG_BUILD/tools/promtool" "$root/build/tools/"
	tests_for >"$root/list"
	mke2fs -q -t ext4 -O ^has_journal -d "$root" "$VG_TMP/media" 192M >/dev/null
	rm -r "$root"
}

# The wire between the NICs of a guest: a bridge that says nothing of itself. The first NIC has
# queues.
wire()
{
	local tap

	vg_netns "$1"
	vg_in "$1" sh -c 'echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6'
	vg_in "$1" ip link add name wire up type bridge mcast_snooping 0
	vg_in "$1" ip tuntap add dev tap1 mode tap multi_queue vnet_hdr
	vg_in "$1" ip tuntap add dev tap2 mode tap vnet_hdr
	vg_in "$1" ip tuntap add dev tap3 mode tap vnet_hdr
	for tap in tap1 tap2 tap3; do
		vg_in "$1" ip link set dev "$tap" master wire up
	done
}

nic() { echo "tap,script=no,downscript=no,id=$1,ifname=$1${2:-}"; }

# boot NAME FOLDER. The first NIC has as many queues as native XDP wants on two processors, and all
# that virtio 1.0 offers. The third is like the one of Compute Engine that cilium issue 12105 shows:
# virtio 0.9 with its headers in buffers of their own, which native XDP can't have. A processor
# without AVX, and a kernel without page table isolation, take half the time to emulate. Both processors
# are one thread: with a thread each, QEMU before 8.1 may run code that the other one is just patching,
# such as the tail calls of a BPF program, and the kernel panics at an int3 (2024-02,
# https://github.com/multipath-tcp/mptcp_net-next/issues/471). The time stamp counter is the emulator's,
# and right: a kernel that finds itself read it late, on a busy machine, would call it unstable.
boot()
{
	local kernel=$2 out=$VG_TMP/$1

	wire "$1"
	initramfs_make "$vm/root-init" "$kernel" "$out.initramfs"
	vg_in "$1" timeout -k 5 "$guest_s" qemu-system-x86_64 -accel tcg,thread=single -cpu Nehalem -smp 2 -m 2G \
		-nodefaults -no-user-config -display none -no-reboot -pidfile "$out.pid" \
		-kernel "$kernel"/boot/vmlinuz-* -initrd "$out.initramfs" \
		-append "console=ttyS0 panic=-1 loglevel=5 pti=off tsc=reliable work=/vpcgate start=/vpcgate/tests/vm/suite slow=$slow" \
		-serial "file:$out.console" -serial "file:$out.guest" \
		-drive "file=$image,format=raw,if=virtio,snapshot=on" \
		-drive "file=$VG_TMP/media,format=raw,if=virtio,snapshot=on" \
		-drive "file=$kernel/modules.ext4,format=raw,if=virtio,readonly=on" \
		-netdev "$(nic tap1 ,queues=4)" -netdev "$(nic tap2)" -netdev "$(nic tap3)" \
		-device virtio-net-pci,netdev=tap1,mac=52:54:00:00:00:01,mq=on,vectors=10 \
		-device virtio-net-pci,netdev=tap2,mac=52:54:00:00:00:02 \
		-device virtio-net-pci,netdev=tap3,mac=52:54:00:00:00:03,disable-modern=on,any_layout=off \
		>"$out.qemu" 2>&1 </dev/null &
	guests[$1]=$!
	VG_PIDS+=($!)
}

# ended NAME: until it has. A kernel that panics may wait for its other processor for ever.
ended()
{
	while kill -0 "${guests[$1]}" 2>/dev/null; do
		if grep -q 'Kernel panic' "$VG_TMP/$1.console"; then
			sleep 5
			[[ ! -e $VG_TMP/$1.pid ]] || kill "$(<"$VG_TMP/$1.pid")"
			break
		fi
		sleep 1
	done
	wait "${guests[$1]}"
}

# judge NAME: waits for the guest and tells what it said.
judge()
{
	local out=$VG_TMP/$1 status=0

	ended "$1" || status=$?
	tr -d '\r' <"$out.guest" || true
	[[ $(tail -n 1 "$out.guest") != "guest: exit 0" ]] || return 0
	((status != 124)) || echo "stopped after $guest_s s"
	echo "QEMU ended with status $status; what it and the kernel said:"
	cat "$out.qemu"
	tail -n 30 "$out.console"
	return 1
}

[[ $(uname -m) = x86_64 ]] || skip "has kernels for x86_64 alone"
for tool in qemu-system-x86_64 cpio depmod insmod modprobe apt-get mmdebstrap mke2fs; do
	type -P "$tool" >/dev/null || skip "needs $tool: run 'make deps'"
done
vg_setup kernels
# Where what is fetched is kept, and where kernels.sh and root.sh work.
cache=$VG_BUILD/vm work=$VG_TMP
package=$(root_package)
[[ $package ]] || skip "needs the package: run 'make deb'"
image= # by root_make
root_make "$package" image || skip "can't make a Debian root: $(tail -n 3 "$VG_TMP/root.log")"
media_make
missing=()
for kernel in "${kernels[@]}"; do
	name=k${#guests[@]}
	if [[ $kernel = *:* ]]; then
		vg_check "$kernel can be booted" kernel_given "$kernel" "$name.files" && boot "$name" "$VG_TMP/$name.files"
	elif kernel_fetch "$kernel"; then
		boot "$name" "$cache/$kernel"
	else
		missing+=("$kernel")
	fi
done
for name in "${!guests[@]}"; do
	if judge "$name"; then ((++vg_passed)); else ((++vg_failed)); fi
done
((${#missing[@]} == 0 || vg_failed > 0)) ||
	skip "$((${#kernels[@]} - ${#missing[@]})) kernels passed; apt can't download ${missing[*]}"
vg_done
