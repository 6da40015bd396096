# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# What guests boot into: this machine's programs with the libraries that they are linked with, and
# the modules of the guest's kernel. Those of test_kernels.sh have the programs under test there and
# stay; that of test_service.sh goes on in a root of its own. The kernel unpacks the archives one
# after the other.

initramfs_programs=(basename bash cat cut date dirname env grep head insmod ip jq mkdir mktemp mount
	mountpoint nsenter python3 realpath rm sed sh sleep sort stty tail tc test umount uname)
# shellcheck disable=SC2034 # for the tests
initramfs_modules=(virtio_pci virtio_net veth sch_ingress cls_bpf cls_u32)
initramfs_root_programs=(bash insmod mount switch_root)
# shellcheck disable=SC2034
initramfs_root_modules=(virtio_pci virtio_blk ext4 crc32c_generic)

initramfs_pack()
{
	(cd "$1" && find . -print0 | cpio --quiet --null --create --format=newc) >"$2"
}

initramfs_file()
{
	[[ ! -e $root$1 ]] || return 0
	mkdir -p "$root$(dirname "$1")"
	cp -L "$1" "$root$1"
}

# initramfs_linked FILE...: at the paths that they have here, with their libraries.
initramfs_linked()
{
	local file libraries

	libraries=$({ ldd "$@" 2>/dev/null || true; } | sed -n 's/^\t\(.* => \)\?\(\/[^ ]*\) (.*/\2/p')
	for file in "$@" $libraries; do
		initramfs_file "$file"
	done
}

# The modules that are loaded once those that the script imports are; the codecs go by name. They are
# compiled here, since in the guest that takes seconds at each start.
initramfs_python()
{
	local files

	mapfile -t files < <({
		sed -n '/^import /p' "$1"
		echo 'import encodings.ascii, encodings.idna'
		echo 'for module in list(sys.modules.values()):'
		echo '    print(getattr(module, "__file__", None))'
	} | python3 -I - | grep '^/')
	initramfs_linked "${files[@]}"
	python3 -m compileall -q --invalidation-mode unchecked-hash "$root"
}

# initramfs_programs TESTS OUT: all but the modules; TESTS is the tests folder.
initramfs_programs()
{
	local tests=$1 root=$2.root programs program

	mkdir -p "$root"/{bin,dev,proc,run,sys,tmp,vpcgate/tests/{e2e,run}}
	for program in "${initramfs_programs[@]}"; do
		programs+=("$(type -P "$program")")
	done
	initramfs_linked "${programs[@]}"
	ln -s /usr/bin/bash /usr/bin/sh "$root/bin/"
	initramfs_python "$tests/e2e/traffic.py"
	for program in vpcgated vpcgate tests/run/test_{peers,frags,egress,flow_table,flow_sweep,oracle,flows,scale}; do
		initramfs_linked "$VG_BUILD/$program"
		mv "$root$VG_BUILD/$program" "$root/vpcgate/$program"
	done
	cp "$tests"/e2e/{lib.sh,pair.sh,traffic.py} "$root/vpcgate/tests/e2e/"
	cp "$tests/vm/guest.sh" "$root/vpcgate/"
	cp "$tests/vm/init" "$root/init"
	initramfs_pack "$root" "$2"
}

# initramfs_root INIT OUT: what mounts a root and goes on there, but the modules.
initramfs_root()
{
	local root=$2.root programs program

	mkdir -p "$root"/{bin,dev,proc,root,run,sys}
	for program in "${initramfs_root_programs[@]}"; do
		programs+=("$(type -P "$program")")
	done
	initramfs_linked "${programs[@]}"
	ln -s /usr/bin/bash "$root/bin/"
	cp "$1" "$root/init"
	initramfs_pack "$root" "$2"
}

# initramfs_modules KERNEL OUT MODULE...: KERNEL is the folder of an unpacked package.
initramfs_modules()
{
	local kernel=$1 root=$2.root version module

	version=$(basename "$kernel"/lib/modules/*)
	mkdir -p "$root/modules"
	depmod -b "$kernel" "$version"
	modprobe -d "$kernel" -S "$version" --show-depends -a "${@:3}" |
		sed -n 's/^insmod \([^ ]*\).*/\1/p' | awk '!seen[$0]++' | while read -r module; do
		cp "$module" "$root/modules/"
		basename "$module"
	done >"$root/modules/list"
	initramfs_pack "$root" "$2"
}
