#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# vpcgate discover on a host that looks like a Compute Engine VM of a Shared VPC: the config that it
# prints is accepted, changes nothing, and once it is enforced lets in whom it should. Then the same
# with less and less that may be read, and from files.
. "$(dirname "$0")/lib.sh"

here=$(dirname "$0")
top=$(realpath "$here/../..")
data=$top/tests/data
export PYTHONDONTWRITEBYTECODE=1

# Namespace, IPv4, IPv6.
hosts=(vpc shared lb internet)
declare -A ipv4=([vpc]=10.128.0.10 [shared]=10.10.0.10 [lb]=35.191.0.10 [internet]=203.0.113.10)
declare -A ipv6=([vpc]=fd20:1:2::10 [shared]=fd20:a::10 [lb]=2600:2d00:1:1::10
	[internet]=2001:db8:bad::10)
gated4=10.128.0.2 gated6=fd20:1:2::2 forwarded4=198.51.100.7
mac=42:01:0a:80:00:02
apis=https://169.254.169.254:8443
status=0 out='' err=''

# ---- the network: clients, a router that is Google Cloud too, and the gated host ----

client_add()
{
	vg_netns "$1"
	vg_veth "$1" eth0 router "to-$1"
	vg_in "$1" ip addr add "${ipv4[$1]}/32" dev eth0
	vg_in "$1" ip addr add "${ipv6[$1]}/128" dev eth0
	vg_in "$1" ip route add default via 169.254.1.1 dev eth0 onlink
	vg_in "$1" ip route add default via fe80::1 dev eth0
	vg_in router ip addr add 169.254.1.1/32 dev "to-$1"
	vg_in router ip addr add fe80::1/64 dev "to-$1"
	vg_in router ip route add "${ipv4[$1]}/32" dev "to-$1"
	vg_in router ip route add "${ipv6[$1]}/128" dev "to-$1"
}

network_build()
{
	local name

	vg_netns router
	vg_in router sh -c 'cd /proc/sys/net; echo 1 >ipv4/ip_forward; echo 1 >ipv6/conf/all/forwarding'
	vg_in router ip addr add 169.254.169.254/32 dev lo
	vg_netns gated
	vg_veth gated ens4 router vpc0
	vg_in gated ip link set ens4 address $mac
	vg_in router ip addr add 10.128.0.1/32 dev vpc0
	vg_in router ip addr add fd20:1:2::1/128 dev vpc0
	vg_in router ip route add $gated4/32 dev vpc0
	vg_in router ip route add $gated6/128 dev vpc0
	vg_in router ip route add $forwarded4/32 via $gated4 dev vpc0 onlink
	vg_in gated ip addr add $gated4/32 dev ens4
	vg_in gated ip addr add $gated6/128 dev ens4
	vg_in gated ip addr add $forwarded4/32 dev lo
	vg_in gated ip route add default via 10.128.0.1 dev ens4 onlink
	vg_in gated ip route add fd20:1:2::1/128 dev ens4
	vg_in gated ip route add default via fd20:1:2::1 dev ens4
	# One with the same MAC address, as VLANs have it, and one that the metadata doesn't name.
	vg_in gated ip link add name copy0 address $mac type bridge
	vg_in gated ip link add name other0 type bridge
	vg_in gated ip addr add fe80::9/64 dev other0
	for name in "${hosts[@]}"; do
		client_add "$name"
	done
	vg_in gated python3 "$here/http_server.py" 8080 >"$VG_TMP/http.log" 2>&1 &
	vg_wait 10 vg_in gated curl -sf --max-time 1 http://127.0.0.1:8080/
}

# subnet NETWORK PREFIX PURPOSE [IPV6]
subnet()
{
	jq -n --arg network "$1" --arg prefix "$2" --arg purpose "$3" --arg ipv6 "${4-}" '
		{name: ("net-" + ($prefix | gsub("[./]"; "-"))), network: $network,
			region: "europe-west9", ipCidrRange: $prefix, purpose: $purpose} +
		(if $ipv6 == "" then {} else {stackType: "IPV4_IPV6", internalIpv6Prefix: $ipv6} end)'
}

# world [FILTER]: a VM of the service project 101 in the network prod of the host project 200, as the
# jq filter changes it.
world()
{
	local subnets

	subnets=$(
		subnet prod 10.128.0.0/20 PRIVATE fd20:1:2::/64
		subnet prod 10.10.0.0/16 PRIVATE fd20:a::/64
		subnet prod 10.129.0.0/23 REGIONAL_MANAGED_PROXY
		subnet prod 10.130.0.0/24 PRIVATE_SERVICE_CONNECT
		subnet default 203.0.113.0/24 PRIVATE
	)
	jq -s --arg mac "$mac" --arg forwarded "$forwarded4" '{
		project_id: "my-service", project_number: "101", zone: "europe-west9-b",
		nics: [{ip: "10.128.0.2", subnetmask: "255.255.240.0", mac: $mac, mtu: 1460,
			ipAliases: ["10.24.3.0/24"], forwardedIps: [$forwarded], gateway: "10.128.0.1",
			network: "projects/200/networks/prod"}],
		service_account: {scopes: ["https://www.googleapis.com/auth/cloud-platform"],
			expires_in: 3599},
		projects: {"200": {id: "my-host", may_list: true, subnetworks: .,
			networks: {prod: [{name: "partner", network: "x", state: "ACTIVE",
				routes: [{destRange: "10.50.0.0/16", type: "SUBNET_PEERING_ROUTE",
					imported: true}]}]},
			connectors: [{name: "projects/200/locations/europe-west9/connectors/jobs",
				network: "prod", ipCidrRange: "10.8.0.0/28", state: "READY"}]},
			"101": {id: "my-service", connectors: []}}}' <<<"$subnets" |
		jq "${1:-.}" >"$VG_TMP/cloud/world.new"
	mv "$VG_TMP/cloud/world.new" "$VG_TMP/cloud/world.json"
}

# control JSON: how the servers misbehave.
control()
{
	echo "$1" >"$VG_TMP/cloud/control.new"
	mv "$VG_TMP/cloud/control.new" "$VG_TMP/cloud/control.json"
}

cloud_start()
{
	vg_in router python3 "$here/cloud.py" "$VG_TMP/cloud" --http 169.254.169.254:80 \
		--https 169.254.169.254:8443 >"$VG_TMP/cloud.log" 2>&1 &
	VG_PIDS+=($!)
	vg_wait 10 test -e "$VG_TMP/cloud/ready" || { cat "$VG_TMP/cloud.log"; return 1; }
}

# ---- asking ----

# Sets status, out and err.
discover()
{
	status=0
	vg_in gated "$VPCGATE" discover "$@" >"$VG_TMP/out.yaml" 2>"$VG_TMP/err" || status=$?
	out=$(<"$VG_TMP/out.yaml") err=$(<"$VG_TMP/err")
}
discover_cloud() { discover --compute $apis --vpcaccess $apis --ca "$VG_TMP/cloud/ca.pem" "$@"; }

says() { vg_check "$1" matches "$2" "$3"; }
matches() { grep -E -- "$1" <<<"$2" || { echo "$2"; return 1; }; }
lacks() { vg_check "$1" eval "! matches '$2' '${3//\'/}'"; }

# accepted NAME: it ended well with a config that validate takes.
accepted()
{
	vg_expect "$1: exit" 0 "$status"
	vg_check "$1: validate" vg_cli validate "$VG_TMP/out.yaml"
	says "$1: monitor" '^enforcement: monitor$' "$out"
	vg_expect "$1: one interface" '  - ens4' "$(sed -n '/^interfaces:/,/^$/s/^  - /&/p' <<<"$out")"
}

# refused NAME PATTERN ARGS...: exit 2, one line of error, and no config.
refused()
{
	discover "${@:3}"
	vg_expect "$1: exit 2, one line" "2 1 " "$status $(wc -l <"$VG_TMP/err") $out"
	says "$1: says what to do" "$2" "$err"
}

# ask HOST FAMILY [ADDRESS]: "200", "timed out" or what else happened.
ask()
{
	local address=${3:-$gated4} code='' status=0

	[[ $2 = 6 ]] && address="[$gated6]"
	code=$(vg_in "$1" curl -s -o "$VG_TMP/body" -w '%{http_code}' --connect-timeout 1.5 \
		--max-time $((4 * VG_SLOW)) "http://$address:8080/") || status=$?
	[[ $status -ne 28 ]] || code="timed out"
	echo "$code"
}

# table NAME HOST=EXPECTED...: y or n, over IPv4 and IPv6.
table()
{
	local name=$1 row family expected

	shift
	for row; do
		expected="timed out"
		[[ ${row#*=} = n ]] || expected=200
		for family in 4 6; do
			vg_expect "$name: ${row%=*} over IPv$family" "$expected" \
				"$(ask "${row%=*}" "$family")"
		done
	done
}

# What discover could have changed on the machine.
snapshot()
{
	vg_in gated sh -c 'ip -details addr; ip route; ip -6 route; ip rule'
	find "$VG_BPFFS_MOUNT" "$VG_SOCKET" 2>/dev/null || true
}

# ---- the tests ----

nowhere()
{
	local many=()

	refused "no metadata server" 'gcloud .*--from' --metadata http://127.0.0.1:9
	refused "no metadata server: names it" 'http://127\.0\.0\.1:9' --metadata http://127.0.0.1:9
	refused "http for the API" '^vpcgate: --compute: .*https://' --compute http://169.254.169.254
	refused "no URL" '^vpcgate: --metadata: ' --metadata 169.254.169.254
	refused "no certificates" '/none.pem' --ca "$VG_TMP/none.pem"
	refused "files and servers" '^vpcgate: with --from ' --from "$data/nics.json" --compute $apis
	refused "a network without files" '^vpcgate: --network ' --network prod
	for _ in {1..17}; do
		many+=(--from "$data/nics.json")
	done
	refused "too many files" '16' "${many[@]}"
}

shared_vpc()
{
	local before after

	before=$(snapshot)
	discover_cloud
	after=$(snapshot)
	vg_expect "nothing is changed" "$before" "$after"
	accepted "Shared VPC"
	vg_expect "Shared VPC: nothing is missing" "" "$err"
	says "the machine" '\(zone europe-west9-b, project my-service\)' "$out"
	says "the host project" 'network prod of the host project 200 \(Shared VPC\)' "$out"
	says "the driver" 'driver veth, MTU 1500, .*address 10\.128\.0\.2, +(# +)?address +(# +)?fd20:1:2::2 ' "$(tr '\n' ' ' <<<"$out")"
	says "subnets" '^  vpc: \[gcp:subnets\]$' "$out"
	says "a subnet of now" '^  #   10\.10\.0\.0/16 +europe-west9  subnet$' "$out"
	lacks "no other network" '203\.0\.113' "$out"
	says "connectors" '^  connectors: \[gcp:connectors\]$' "$out"
	says "connectors are admitted" '^also-admit: \[iap, connectors\]$' "$out"
	says "peering is off" '^  # peering: \[gcp:peering-routes\]$' "$out"
	says "the passthrough load balancer" '^    to: \[gcp:forwarded-ips\]$' "$out"
	says "the daemon will ask the same servers" "^  compute: \"$apis\"$" "$out"
	refused "an interface that isn't there" "'ens9'" --interface ens9
	discover_cloud --interface other0
	says "another interface" '^  - other0$' "$out"
	says "another interface: addresses of a link don't count" '^  # driver bridge, MTU [0-9]+(, .*queues .*)?$' "$out"
}

enforced()
{
	discover_cloud
	sed 's/^enforcement: monitor$/enforcement: enforce/' "$VG_TMP/out.yaml" >"$VG_TMP/vpcgate.yaml"
	vg_check "the daemon starts with it" vg_daemon_start gated "$VG_TMP/vpcgate.yaml"
	vg_check "and has the answers" vg_wait 10 subnets_are_there
	table enforced vpc=y shared=y lb=y internet=n
	vg_expect "the internet to the load balancer's address" 200 "$(ask internet 4 $forwarded4)"
	vg_cli detach >/dev/null
	vg_daemon_stop
}
subnets_are_there() { vg_cli ranges --set shared-vpc | grep -q '10\.10\.0\.0/16'; }

unread()
{
	world '.service_account.scopes = ["https://www.googleapis.com/auth/logging.write"]'
	discover_cloud
	accepted "no scope"
	says "no scope: which" 'note: gcp:subnets could not be read: .*(compute.readonly|cloud-platform)' "$err"
	says "no scope: what is known" '^  vpc: \[gcp:metadata\]$' "$out"
	says "no scope: whose it is" 'host project 200, so that' "$out"
	says "no scope: what that is" '^  #   10\.24\.3\.0/24 +subnet$' "$out"
	sed 's/^enforcement: monitor$/enforcement: enforce/' "$VG_TMP/out.yaml" >"$VG_TMP/vpcgate.yaml"
	vg_check "no scope: the daemon starts" vg_daemon_start gated "$VG_TMP/vpcgate.yaml"
	vg_expect "no scope: the own subnet" 200 "$(ask vpc 4)"
	vg_expect "no scope: another" "timed out" "$(ask shared 4)"
	vg_cli detach >/dev/null
	vg_daemon_stop

	world '.projects["200"].may_list = false'
	discover_cloud
	accepted "no role"
	says "no role: which, and where" 'gcp:subnets could not be read: .*roles/compute\.networkViewer.*200' "$err"

	world '.projects["200"] |= (.may_list = false | .usable = ["net-10-128-0-0-20"])'
	discover_cloud
	accepted "usable subnets"
	says "usable subnets: those are read" '^  vpc: \[gcp:subnets\]$' "$out"
	says "usable subnets: the rest is named" 'note: gcp:subnets: ' "$err"

	world '.projects["200"].unreachable = ["us-east1"]'
	discover_cloud
	accepted "a region is down"
	says "a region is down: which" 'us-east1' "$err"
}

# It has 10 s; that it may take longer once or twice is a busy machine's.
in_time()
{
	local start=$SECONDS

	discover_cloud
	((SECONDS - start <= 13))
}

misbehaving()
{
	world
	control '{"aggregated/subnetworks": "hang"}'
	vg_check "the API hangs: ends in time" eval "in_time || in_time || in_time"
	accepted "the API hangs"
	says "the API hangs: says so" 'gcp:subnets could not be read: no whole answer within 10 s' "$err"

	control '{"aggregated/subnetworks": {"status": 403, "json": {"error": {"code": 403,
		"message": "no\u001b[31m\nenforcement: enforce"}}}}'
	discover_cloud
	accepted "a hostile error"
	vg_expect "a hostile error: has no escape sequence" "" "$(tr -cd '\033' <<<"$out$err")"
	control '{"instance/name": {"text": "web\n  - eth9\r\ningress: all\u0085x"}, "aggregated": "html"}'
	discover_cloud
	accepted "hostile answers"
	says "hostile answers: in a comment" '^# A starting config for vpcgated\(8\) on web ' "$out"

	control '{"network-interfaces": {"status": 503}}'
	discover_cloud
	accepted "no NICs in the metadata"
	says "no NICs in the metadata: why these" '^# The NICs with a default route: ' "$out"

	control '{}'
	world '.nics[0].mac = "42:01:0a:80:00:99"'
	discover_cloud
	accepted "another VM's NICs"
	says "another VM's NICs: why these" '^# The NICs with a default route: none has' "$out"
}

files()
{
	local config=$VG_TMP/out.yaml

	refused "several networks" 'one of .*prod' --from "$data/subnets-gcloud.json"
	refused "no JSON" 'JSON' --from "$config"
	refused "no file" '/none\?\.json: .*No such file' --from "$VG_TMP/none"$'\033'.json
	cp "$data/subnets-gcloud.json" "$VG_TMP/"$'\033\n.json'
	discover --network prod --from "$VG_TMP/"$'\033\n.json'
	vg_expect "a hostile name of a file: a note of one line" "0 1 " \
		"$status $(wc -l <"$VG_TMP/err") $(tr -cd '\033' <<<"$out$err")"
	status=0
	out=$(setpriv --bounding-set=-all --inh-caps=-all "$VPCGATE" discover --network prod \
		--from "$data/subnets-gcloud.json" --from "$data/connectors.json" 2>"$VG_TMP/err") || status=$?
	err=$(<"$VG_TMP/err")
	echo "$out" >"$config"
	accepted "files, without privilege"
	vg_check "files: a subnet" vg_cli check 10.10.0.9 --config "$config"
	vg_check "files: a connector" vg_cli check 10.8.0.9 --config "$config"
	says "files: a regional proxy" 'sets +regional-proxy' "$(vg_cli check 10.129.0.9 --config "$config")"
	says "files: a proxy of PSC" 'sets +psc' "$(vg_cli check 10.130.0.9 --config "$config")"
	says "files: outside" 'WOULD-DROP  unlisted' "$(vg_cli check 203.0.113.9 --config "$config")"
}

vg_setup discover
mkdir "$VG_TMP/cloud"
network_build
nowhere
world
cloud_start
shared_vpc
enforced
unread
misbehaving
files
vg_done
