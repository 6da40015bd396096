# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# The guests' root: a Debian 12 with systemd, with the agent through which a test tells it what to do,
# and with what the tests themselves need. $vm is this folder, $cache is for what is kept, $work for
# what is on the way.
# shellcheck disable=SC2154 # the three

# What the guest has beside its base, but for what the package depends on: the part of tools/deps that
# running tests takes.
root_packages=(systemd-sysv udev kmod iproute2 procps
	python3 openssl ca-certificates ethtool curl jq bpftool libcap2-bin tcpdump traceroute
	iputils-ping bind9-dnsutils libcmocka0)
root_size=1G
root4=10.128.0.2/20 root6=fd20:1:2::2/64
root_gateway4=10.128.0.1 root_gateway6=fd20:1:2::1

# The archives of this machine's apt, for the guest's release alone.
root_sources()
{
	# shellcheck disable=SC2016 # apt's own variables
	apt-get indextargets --format 'deb $(SITE) $(RELEASE) $(COMPONENT)' \
		'Created-By: Packages' 'Origin: Debian' | grep ' bookworm' | sort -u
}

# root_package: the newest package that was built here.
root_package()
{
	find "$VG_BUILD" -maxdepth 1 -name 'vpcgate_*.deb' -printf '%T@ %p\n' | sort -n | tail -n 1 | cut -d' ' -f2
}

# root_dependencies PACKAGE: the names of what it depends on, so that the guest needs no network.
root_dependencies()
{
	dpkg-deb -f "$1" Depends | tr ',' '\n' | sed 's/|.*//; s/(.*//; s/ //g'
}

root_unit()
{
	cat <<-END
	[Unit]
	DefaultDependencies=no
	[Service]
	ExecStart=/usr/local/sbin/agent
	[Install]
	WantedBy=sysinit.target
	END
}

# IPv6 addresses are usable at once.
root_network()
{
	cat <<-END
	[Match]
	Name=e*
	[Link]
	RequiredForOnline=no
	[Network]
	Address=$root4
	Address=$root6
	Gateway=$root_gateway4
	Gateway=$root_gateway6
	IPv6AcceptRA=no
	IPv6DuplicateAddressDetection=0
	LLMNR=no
	MulticastDNS=no
	LinkLocalAddressing=ipv6
	END
}

root_fill()
{
	local root=$1

	mkdir -p "$root/lib/modules" "$root/vpcgate"
	install -m 755 "$vm/agent" "$root/usr/local/sbin/agent"
	root_unit >"$root/etc/systemd/system/agent.service"
	root_network >"$root/etc/systemd/network/nic.network"
	chmod 644 "$root/etc/systemd/network/nic.network"
	echo gated >"$root/etc/hostname"
	: >"$root/etc/fstab"
	systemctl --root "$root" enable agent.service systemd-networkd.service 2>/dev/null
	systemctl --root "$root" set-default multi-user.target 2>/dev/null
	systemctl --root "$root" mask apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer \
		dpkg-db-backup.timer fstrim.timer 2>/dev/null
}

# What the image is made of; another is made when this changes.
root_recipe()
{
	cat "$vm/root.sh" "$vm/agent"
	root_dependencies "$1"
}

# root_make PACKAGE RET: puts the path of the image, made now or before, into RET. Where apt
# can't bring it, the error is in $work/root.log.
root_make()
{
	local package=$1 key file root=$work/root names

	key=$(root_recipe "$package" | sha256sum | cut -c1-16)
	file=$cache/root-$key.ext4
	printf -v "$2" %s "$file"
	[[ ! -e $file ]] || return 0
	names=$(printf '%s\n' "${root_packages[@]}" "$(root_dependencies "$package")" | paste -sd,)
	root_sources >"$work/sources.list"
	mkdir -p "$cache"
	mmdebstrap --quiet --mode=root --variant=apt --include="$names" \
		--dpkgopt=path-exclude='/usr/share/man/*' --dpkgopt=path-exclude='/usr/share/locale/*' \
		bookworm "$root" "$work/sources.list" >"$work/root.log" 2>&1 || return 1
	root_fill "$root"
	mke2fs -q -t ext4 -O ^has_journal -d "$root" "$file.new" "$root_size" >/dev/null
	rm -f "$cache"/root-*.ext4
	mv "$file.new" "$file"
	rm -rf "$root"
}
