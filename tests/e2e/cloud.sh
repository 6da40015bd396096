# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash disable=SC2154 # pair.sh has set some of these
# A gated host with a NIC towards Google: its metadata server and DNS at 169.254.169.254, and all of
# Google's names at one address that is in no source set. After lib.sh, vg_setup, pair.sh and
# pair_build:
#
#	cloud_build; cloud_start
#	cloud_world '{"zone": "us-east1-b"}'; cloud_control '{"aggregated/subnetworks": {"status": 403}}'
cloud_folder=$VG_TMP/cloud
google4=192.0.2.53 # what dns_server.py answers

cloud_build()
{
	local mac

	vg_netns cloud
	vg_veth gated ens5 cloud eth0
	vg_in cloud ip addr add 169.254.169.254/32 dev eth0
	vg_in cloud ip addr add "$google4/32" dev eth0
	# The source of what answers over UDP; TCP has that of its connection.
	vg_in cloud ip route add "$gated4/32" dev eth0 src 169.254.169.254
	vg_in cloud ip neigh replace "$gated4" lladdr "$(pair_mac gated ens5)" dev eth0
	mac=$(pair_mac cloud eth0)
	for address in 169.254.169.254 "$google4"; do
		vg_in gated ip route add "$address/32" dev ens5 src "$gated4"
		vg_in gated ip neigh replace "$address" lladdr "$mac" dev ens5
	done
	mkdir "$cloud_folder"
	echo "nameserver 169.254.169.254" >"$VG_TMP/resolv.conf"
	# shellcheck disable=SC2034 # for vg_daemon_start
	VG_DAEMON_PREFIX=(unshare --mount sh -c
		"mount --bind '$VG_TMP/resolv.conf' /etc/resolv.conf && exec \"\$@\"" sh)
	cloud_world '{}'
	cloud_control '{}'
}

# Replaces a file of the server's at once.
cloud_write()
{
	cat >"$cloud_folder/aside"
	mv "$cloud_folder/aside" "$cloud_folder/$1"
}

# cloud_world JSON: what there is from now on, beside the NICs that the gated host really has.
cloud_world()
{
	jq --arg ens4 "$(pair_mac gated ens4)" --arg ens5 "$(pair_mac gated ens5)" '
		{nics: [{ip: "10.128.0.2", subnetmask: "255.255.240.0", mac: $ens4, mtu: 1460,
			 network: "projects/101/networks/prod", ipAliases: [], forwardedIps: [],
			 targetInstanceIps: []},
			{ip: "10.9.0.2", subnetmask: "255.255.255.0", mac: $ens5, mtu: 1460,
			 network: "projects/101/networks/prod", ipAliases: [], forwardedIps: [],
			 targetInstanceIps: []}]} * .' <<<"$1" | cloud_write world.json
}

cloud_control() { cloud_write control.json <<<"$1"; }

# How many requests had this in their path.
cloud_asked() { grep -c "\"path\": \"[^\"]*$1" "$cloud_folder/log.jsonl" || true; }

cloud_start()
{
	rm -f "$cloud_folder/ready"
	pair_start cloud cloud python3 "$pair_dir/cloud.py" "$cloud_folder" \
		--http 169.254.169.254:80 --https "$google4:443"
	pair_start dns cloud python3 "$pair_dir/dns_server.py" 53
	vg_wait 20 test -e "$cloud_folder/ready"
}

cloud_stop()
{
	kill -KILL "${pair_pids[cloud]}" "${pair_pids[dns]}"
	wait "${pair_pids[cloud]}" "${pair_pids[dns]}" 2>/dev/null || true
} 2>/dev/null
