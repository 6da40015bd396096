# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# Kernels for guests: a folder with boot/vmlinuz-VERSION, lib/modules/VERSION and an image of the
# latter. Debian's are kept below $cache by the name of the package that depends on the newest of its
# series; $work is for what is on the way.
# shellcheck disable=SC2154 # the two

# kernel_package META: the kernel's package that the one given stands for; nothing where apt has none.
kernel_package()
{
	apt-cache depends "$1" 2>/dev/null | sed -n 's/^  Depends: \(linux-image-[0-9].*\)/\1/p' || true
}

# kernel_modules KERNEL: its list of modules, and their image.
kernel_modules()
{
	depmod -b "$1" "$(basename "$1"/lib/modules/*)" &&
		mke2fs -q -t ext4 -O ^has_journal -d "$1/lib/modules" "$1/modules.ext4" 256M >/dev/null
}

# fetch_now META: downloads the kernel and unpacks it as $cache/META. 1: apt can't.
fetch_now()
{
	local download package

	package=$(kernel_package "$1")
	[[ $package ]] || return 1
	download=$(mktemp -d -p "$work")
	(cd "$download" && apt-get -qq -o APT::Sandbox::User=root download "$package") || return 1
	dpkg -x "$download"/*.deb "$download/root" || return 1
	kernel_modules "$download/root" || return 1
	mkdir -p "$cache"
	rm -rf "${cache:?}/$1"
	mv "$download/root" "$cache/$1"
}

# kernel_fetch META: it is in $cache/META; 1 where apt can't download it.
kernel_fetch()
{
	[[ -e $cache/$1/modules.ext4 ]] || fetch_now "$1" && return
	# Without lists, or with old ones.
	((EUID == 0)) && apt-get -qq update && fetch_now "$1"
}

# kernel_given VMLINUZ:MODULES NAME: makes $work/NAME of the two; MODULES is a folder such as
# /lib/modules/6.1.0-42-amd64.
kernel_given()
{
	local image=${1%:*} modules=${1##*:} version

	version=$(basename "$modules")
	[[ -f $image && -e $modules/modules.order ]] ||
		{ echo "$1: not VMLINUZ:MODULES, such as /boot/vmlinuz-$(uname -r):/lib/modules/$(uname -r)"; return 1; }
	mkdir -p "$work/$2"/{boot,lib/modules}
	cp "$image" "$work/$2/boot/vmlinuz-$version"
	cp -r "$modules" "$work/$2/lib/modules/$version"
	kernel_modules "$work/$2"
}
