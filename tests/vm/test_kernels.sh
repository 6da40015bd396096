#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Boots Debian's cloud kernels in QEMU, in software so that it works wherever QEMU does, and runs
# guest.sh there. Exits 77 where a kernel or what it takes to boot it can't be had.
set -eu -o pipefail
# The packages' programs, since those that go into the guest must run there as they are.
PATH=/usr/sbin:/usr/bin:/sbin:/bin

vm=$(dirname "$(realpath "$0")")
VG_BUILD=$(realpath "${VG_BUILD:-$vm/../../build}")
cache=$VG_BUILD/vm
guest_s=${VG_GUEST_TIMEOUT:-840}
# Packages that depend on the newest kernel of a series.
kernels=(linux-image-cloud-amd64 linux-image-6.12-cloud-amd64)
declare -A guests=()
. "$vm/initramfs.sh"
. "$vm/kernels.sh"

skip() { printf '%s\n' "$*"; exit 77; }

cleanup()
{
	local status=$?

	trap - EXIT
	trap '' INT TERM HUP
	# timeout(1) passes it on to the QEMU that it runs.
	kill "${guests[@]}" 2>/dev/null || true
	wait
	rm -rf "$work"
	exit "$status"
}

# The first two NICs offer what virtio 1.0 does. The third is like the one of Compute Engine that
# cilium issue 12105 shows: virtio 0.9 with its headers in buffers of their own, which native XDP
# can't have. One processor, without AVX, and a kernel without page table isolation take half the
# time to emulate.
boot()
{
	local kernel=$cache/$1 out=$work/$1

	initramfs_modules "$kernel" "$out.modules" "${initramfs_modules[@]}"
	cat "$work/programs" "$out.modules" >"$out.initramfs"
	timeout -k 5 "$guest_s" qemu-system-x86_64 -accel tcg -cpu Nehalem -smp 1 -m 768M \
		-nodefaults -no-user-config -display none -no-reboot \
		-kernel "$kernel"/boot/vmlinuz-* -initrd "$out.initramfs" \
		-append "console=ttyS0 panic=-1 loglevel=5 pti=off" \
		-serial "file:$out.console" -serial "file:$out.guest" \
		-netdev hubport,id=hub1,hubid=0 -netdev hubport,id=hub2,hubid=0 \
		-netdev hubport,id=hub3,hubid=0 \
		-device virtio-net-pci,netdev=hub1,mac=52:54:00:00:00:01 \
		-device virtio-net-pci,netdev=hub2,mac=52:54:00:00:00:02 \
		-device virtio-net-pci,netdev=hub3,mac=52:54:00:00:00:03,disable-modern=on,any_layout=off \
		>"$out.qemu" 2>&1 </dev/null &
	guests[$1]=$!
}

# judge META: waits for the guest and tells what it said.
judge()
{
	local out=$work/$1 status=0

	wait "${guests[$1]}" || status=$?
	unset "guests[$1]"
	printf '\n%s\n' "$1"
	cat "$out.guest" || true
	[[ $(tail -n 1 "$out.guest") != "guest: exit 0" ]] || return 0
	((status != 124)) || echo "stopped after $guest_s s"
	echo "QEMU ended with status $status; what it and the kernel said:"
	cat "$out.qemu"
	tail -n 30 "$out.console"
	return 1
}

[[ $(uname -m) = x86_64 ]] || skip "has kernels for x86_64 alone"
for tool in qemu-system-x86_64 cpio depmod insmod modprobe apt-get; do
	type -P "$tool" >/dev/null || skip "needs $tool: run 'make deps'"
done
work=$(mktemp -d -t vpcgate-vm.XXXXXX)
trap cleanup EXIT
trap 'exit 1' INT TERM HUP

failed=0 missing=()
initramfs_programs "$(dirname "$vm")" "$work/programs"
for kernel in "${kernels[@]}"; do
	if kernel_fetch "$kernel"; then
		boot "$kernel"
	else
		missing+=("$kernel")
	fi
done
for kernel in "${!guests[@]}"; do
	judge "$kernel" || ((++failed))
done
((failed == 0)) || exit 1
((${#missing[@]} == 0)) ||
	skip "$((${#kernels[@]} - ${#missing[@]})) kernels passed; apt can't download ${missing[*]}"
