#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Startup script: installs vpcgate, or the version and config that the instance's metadata now name.
# Run at each boot; where nothing has changed it changes nothing. It comes after the network: on the
# very first boot the machine is without the gate until this ends, on later ones vpcgated.service is
# before the NIC. An image that has the package already leaves no such gap.
set -eu -o pipefail

metadata()
{
	curl -sSf -H 'Metadata-Flavor: Google' "http://169.254.169.254/computeMetadata/v1/instance/$1"
}

# fetch gs://BUCKET/OBJECT FILE, as the machine's service account.
fetch()
{
	local path=${1#gs://} token

	token=$(metadata service-accounts/default/token | sed 's/.*"access_token":"\([^"]*\)".*/\1/')
	curl -sSf --retry 5 -o "$2" -H "Authorization: Bearer $token" \
		"https://storage.googleapis.com/${path%%/*}/${path#*/}"
}

# Half of the queues of each gVNIC before the daemon attaches: gve's native XDP asks for that. As
# root (`+`) and with its capabilities, which the daemon doesn't have.
halve_queues()
{
	install -d /etc/systemd/system/vpcgated.service.d
	cat >/etc/systemd/system/vpcgated.service.d/queues.conf <<-'END'
		[Unit]
		Wants=systemd-udev-settle.service
		After=systemd-udev-settle.service
		[Service]
		ExecStartPre=+/usr/local/sbin/vpcgate-queues
	END
	cat >/usr/local/sbin/vpcgate-queues <<-'END'
		#!/bin/bash
		for path in /sys/class/net/*/device/driver; do
			[[ $(basename "$(readlink "$path")") = gve ]] || continue
			nic=$(cut -d/ -f5 <<<"$path")
			half=$(($(ethtool -l "$nic" | sed -n 's/^RX:[[:space:]]*//p' | head -n 1) / 2))
			((half == 0)) || ethtool -L "$nic" rx "$half" tx "$half" || true
		done
	END
	chmod 755 /usr/local/sbin/vpcgate-queues
	systemctl daemon-reload
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
wanted=$(metadata attributes/vpcgate-package-sha256)
if [[ $(cat /var/lib/vpcgate-installed 2>/dev/null || true) != "$wanted" ]]; then
	fetch "$(metadata attributes/vpcgate-package)" "$work/vpcgate.deb"
	sha256sum --quiet -c <<<"$wanted  $work/vpcgate.deb"
	apt-get -qq update
	DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Options::=--force-confold install \
		--no-install-recommends ethtool "$work/vpcgate.deb"
	halve_queues
	echo "$wanted" >/var/lib/vpcgate-installed
fi

# A config that is refused fails here: a machine that had another one keeps it, and a new one has no
# gate, so that the group doesn't take it for healthy.
metadata attributes/vpcgate-config >"$work/vpcgate.yaml"
vpcgate validate "$work/vpcgate.yaml"
if ! cmp -s "$work/vpcgate.yaml" /etc/vpcgate/vpcgate.yaml; then
	install -m 644 "$work/vpcgate.yaml" /etc/vpcgate/vpcgate.yaml
	systemctl try-reload-or-restart vpcgated
fi
systemctl enable --now vpcgated
