# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# The power switch of the guest of test_service.sh, whose variables these are.
# shellcheck disable=SC2154

# Its disk is a copy of the image with a journal, as machines have one.
power_disk()
{
	cp --sparse=always "$image" "$1"
	tune2fs -j "$1" >/dev/null
}

# What was on the disk when the power went is there again.
power_on()
{
	local disk=$VG_TMP/disk

	[[ -e $disk ]] || power_disk "$disk"
	rm -f "$VG_TMP/agent"
	nsenter --net="/run/netns/$VG_ID-client" -- qemu-system-x86_64 \
		-accel tcg -cpu Nehalem -smp 1 -m 512M \
		-nodefaults -no-user-config -display none \
		-kernel "$cache/$kernel"/boot/vmlinuz-* -initrd "$VG_TMP/initramfs" \
		-append "console=ttyS0 panic=-1 loglevel=5 pti=off" \
		-serial "file:$VG_TMP/console" \
		-drive "file=$disk,format=raw,if=virtio" \
		-drive "file=$VG_TMP/media,format=raw,if=virtio,readonly=on" \
		-drive "file=$cache/$kernel/modules.ext4,format=raw,if=virtio,readonly=on" \
		-netdev tap,id=net,ifname=tap0,script=no,downscript=no,vnet_hdr=off \
		-device "virtio-net-pci,netdev=net,mac=$mac" \
		-device virtio-serial-pci -chardev "socket,id=agent,path=$VG_TMP/agent,server=on,wait=off" \
		-device virtserialport,chardev=agent,name=vpcgate \
		>"$VG_TMP/qemu" 2>&1 </dev/null &
	qemu_pid=$!
	VG_PIDS+=("$qemu_pid")
	vg_wait 10 test -S "$VG_TMP/agent"
}

# At once: what the guest still had to write is lost.
power_off()
{
	kill -KILL "$qemu_pid"
	wait "$qemu_pid" || true
} 2>/dev/null # the shell's own word that it was killed
