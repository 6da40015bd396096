# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# What a guest boots into, for test_kernels.sh: this machine's own programs with the libraries that
# they need, the programs under test, and the modules of the guest's kernel.

# Programs that the guest runs, besides busybox, which does the rest.
initramfs_programs=(bash ip jq nsenter python3 mktemp rm mount umount mountpoint)
# In the order that they are asked for; what they depend on comes before them.
initramfs_modules=(virtio_pci virtio_net veth)

# initramfs_file PATH...: copies files with the libraries that they are linked with.
initramfs_file()
{
	local path

	for path; do
		[[ -e $root$path ]] && continue
		mkdir -p "$root${path%/*}"
		cp -L "$path" "$root$path"
	done
}

initramfs_linked()
{
	local file

	initramfs_file "$@"
	for file; do
		ldd "$file" 2>/dev/null || true # a script, or a static program
	done | grep -o '/[^ ]*' | sort -u | while read -r file; do
		initramfs_file "$file"
	done
}

# The modules that are loaded once the given script's imports are; the codecs come by name.
initramfs_python()
{
	local files

	mapfile -t files < <({
		sed -n '/^import /p' "$1"
		echo 'import ast, encodings.ascii, encodings.idna, sys'
		echo 'for module in list(sys.modules.values()):'
		echo '    if getattr(module, "__file__", None):'
		echo '        print(module.__file__)'
	} | python3 -I - | grep '^/')
	initramfs_linked "${files[@]}"
}

# initramfs_module NAME: adds to $root/modules/list what insmod needs to load it, in order.
initramfs_module()
{
	local name=${1//-/_} file needed

	[[ -e $root/modules/$name.ko ]] && return
	file=$(find "$kernel/lib/modules" -name "${name//_/[_-]}.ko*" -print -quit)
	[[ $file ]] || return 0 # built in
	case $file in
	*.xz) xz -dc "$file" ;;
	*) cat "$file" ;;
	esac >"$root/modules/$name.ko"
	for needed in $(tr '\0' '\n' <"$root/modules/$name.ko" | sed -n 's/^depends=//p' | tr ',' ' '); do
		initramfs_module "$needed"
	done
	echo "$name" >>"$root/modules/list"
}

# initramfs_build KERNEL OUT: KERNEL is the folder of an unpacked kernel package.
initramfs_build()
{
	local kernel=$1 out=$2 root=$2.root here program

	here=$(realpath "$(dirname "${BASH_SOURCE[0]}")/..")
	rm -rf "$root"
	mkdir -p "$root"/{bin,busybox,dev,lib64,modules,proc,run,sys,tmp,vpcgate/tests/{e2e,run}}
	for program in "${initramfs_programs[@]}"; do
		program=$(type -P "$program")
		initramfs_linked "$program"
	done
	cp "$(type -P busybox)" "$root/bin/busybox"
	initramfs_python "$here/e2e/traffic.py"
	for program in vpcgated vpcgate tests/run/test_peers tests/run/test_oracle; do
		initramfs_linked "$VG_BUILD/$program"
		mv "$root$VG_BUILD/$program" "$root/vpcgate/$program"
	done
	cp "$here"/e2e/{lib.sh,pair.sh,traffic.py} "$root/vpcgate/tests/e2e/"
	cp "$here/vm/guest.sh" "$root/vpcgate/"
	cp "$here/vm/init" "$root/init"
	for program in "${initramfs_modules[@]}"; do
		initramfs_module "$program"
	done
	(cd "$root" && find . -print0 | cpio --quiet --null --create --format newc) >"$out"
	rm -rf "$root"
}
