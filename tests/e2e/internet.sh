# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# A gated host, two routers and a host on the internet that is in no source set, after lib.sh and
# vg_setup:
#
#	gated ens4 --1500-- vpc0 router wan --1400-- lan isp to-host --1500-- eth0 internet
#
# Only between the routers is the MTU smaller, so that both ends have to find out. The first router's
# addresses are in no set either. Neighbours of the gated host are fixed: see pair.sh.
# shellcheck disable=SC2034 # for the tests
internet4=203.0.113.10 internet6=2001:db8:bad::10
router4=198.51.100.1 router6=2001:db8:1::1
isp4=198.51.100.2 isp6=2001:db8:1::2
path_mtu=1400
gated4=10.128.0.2
gated6=fd20:1:2::2

# forwards NS: routes both families, and never holds an ICMP error back.
internet_forwards()
{
	vg_in "$1" sh -c 'cd /proc/sys/net
		echo 1 >ipv4/ip_forward; echo 1 >ipv6/conf/all/forwarding
		echo 0 >ipv4/icmp_ratelimit; echo 0 >ipv6/icmp/ratelimit'
}

internet_gated_build()
{
	local gated_mac router_mac

	vg_netns gated
	vg_veth gated ens4 router vpc0
	gated_mac=$(pair_mac gated ens4)
	router_mac=$(pair_mac router vpc0)
	vg_in gated ip addr add "$gated4/32" dev ens4
	vg_in gated ip addr add "$gated6/128" dev ens4
	vg_in gated ip route add default via "$router4" dev ens4 onlink
	vg_in gated ip route add "$router6/128" dev ens4
	vg_in gated ip route add default via "$router6" dev ens4
	vg_in gated ip neigh replace "$router4" lladdr "$router_mac" nud permanent dev ens4
	vg_in gated ip neigh replace "$router6" lladdr "$router_mac" nud permanent dev ens4
	vg_in router ip addr add "$router4/32" dev vpc0
	vg_in router ip addr add "$router6/128" dev vpc0
	vg_in router ip route add "$gated4/32" dev vpc0
	vg_in router ip route add "$gated6/128" dev vpc0
	vg_in router ip neigh replace "$gated4" lladdr "$gated_mac" nud permanent dev vpc0
	vg_in router ip neigh replace "$gated6" lladdr "$gated_mac" nud permanent dev vpc0
}

internet_build()
{
	vg_netns router
	vg_netns isp
	vg_netns internet
	internet_forwards router
	internet_forwards isp
	internet_gated_build
	vg_veth router wan isp lan
	vg_in router ip link set wan mtu "$path_mtu"
	vg_in isp ip link set lan mtu "$path_mtu"
	vg_in router ip addr add "$router4/32" peer "$isp4" dev wan
	vg_in isp ip addr add "$isp4/32" peer "$router4" dev lan
	vg_in router ip addr add fe80::1/64 dev wan
	vg_in isp ip addr add fe80::2/64 dev lan
	vg_in isp ip addr add "$isp6/128" dev lan
	vg_in router ip route add default via "$isp4" dev wan
	vg_in router ip route add default via fe80::2 dev wan
	vg_in isp ip route add "$gated4/32" via "$router4" dev lan
	vg_in isp ip route add "$gated6/128" via fe80::1 dev lan
	vg_in isp ip route add "$router6/128" via fe80::1 dev lan
	vg_veth isp to-host internet eth0
	vg_in internet ip addr add "$internet4/32" peer "$isp4" dev eth0
	vg_in internet ip addr add "$internet6/128" dev eth0
	vg_in internet ip route add default via "$isp4" dev eth0
	vg_in isp ip addr add fe80::1/64 dev to-host
	vg_in internet ip route add default via fe80::1 dev eth0
	vg_in isp ip addr add "$isp4/32" peer "$internet4" dev to-host
	vg_in isp ip route add "$internet6/128" dev to-host
	vg_in internet sh -c 'cd /proc/sys/net; echo 0 >ipv4/icmp_ratelimit; echo 0 >ipv6/icmp/ratelimit'
}
