# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# What guests boot into, to go on in a root of their own: root-init with this machine's programs and
# the libraries that they are linked with, and the modules that mounting a disk takes. The kernel
# unpacks the archives one after the other.

initramfs_programs=(bash insmod mount switch_root)
initramfs_modules=(virtio_pci virtio_blk ext4 crc32c_generic)

initramfs_pack()
{
	(cd "$1" && find . -print0 | cpio --quiet --null --create --format=newc) >"$2"
}

# initramfs_linked FILE...: at the paths that they have here, with their libraries.
initramfs_linked()
{
	local file libraries

	libraries=$({ ldd "$@" 2>/dev/null || true; } | sed -n 's/^\t\(.* => \)\?\(\/[^ ]*\) (.*/\2/p')
	for file in "$@" $libraries; do
		[[ ! -e $root$file ]] || continue
		mkdir -p "$root$(dirname "$file")"
		cp -L "$file" "$root$file"
	done
}

# initramfs_root INIT OUT: all but the modules.
initramfs_root()
{
	local root=$2.root programs program

	mkdir -p "$root"/{bin,dev,proc,root,run,sys}
	for program in "${initramfs_programs[@]}"; do
		programs+=("$(type -P "$program")")
	done
	initramfs_linked "${programs[@]}"
	ln -s /usr/bin/bash "$root/bin/"
	cp "$1" "$root/init"
	initramfs_pack "$root" "$2"
}

# initramfs_modules KERNEL OUT: KERNEL is the folder of an unpacked package.
initramfs_modules()
{
	local kernel=$1 root=$2.root version module

	version=$(basename "$kernel"/lib/modules/*)
	mkdir -p "$root/modules"
	modprobe -d "$kernel" -S "$version" --show-depends -a "${initramfs_modules[@]}" |
		sed -n 's/^insmod \([^ ]*\).*/\1/p' | awk '!seen[$0]++' | while read -r module; do
		cp "$module" "$root/modules/"
		basename "$module"
	done >"$root/modules/list"
	initramfs_pack "$root" "$2"
}

# initramfs_make INIT KERNEL OUT
initramfs_make()
{
	initramfs_root "$1" "$3.programs"
	initramfs_modules "$2" "$3.modules"
	cat "$3.programs" "$3.modules" >"$3"
}
