# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# Debian's cloud kernels, unpacked below $cache by the name of the package that depends on the
# newest of its series; $work is for what is on the way.
# shellcheck disable=SC2154 # the two

# kernel_package META: the kernel's package that the one given stands for; nothing where apt has none.
kernel_package()
{
	apt-cache depends "$1" 2>/dev/null | sed -n 's/^  Depends: \(linux-image-[0-9].*\)/\1/p' || true
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
	mkdir -p "$cache"
	mv "$download/root" "$cache/$1"
}

kernel_fetch()
{
	[[ -d $cache/$1 ]] || fetch_now "$1" && return
	# Without lists, or with old ones.
	((EUID == 0)) && apt-get -qq update && fetch_now "$1"
}
