/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/ethtool_netlink.h>
#include <linux/genetlink.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include "share/cleanup.h"
#include "share/netlink.h"
#include "share/nic_settings.h"

/* The same number in each kind of message: ETHTOOL_A_CHANNELS_HEADER and so on. */
#define HEADER 1

#define FEATURE_LRO "rx-lro"
#define FEATURE_GRO_HW "rx-gro-hw"

/* ---- generic netlink ---- */

static int take_family(const struct nlmsghdr *header, void *context)
{
	struct nlattr *attributes[CTRL_ATTR_MAX + 1];

	if (nlmsg_parse((struct nlmsghdr *)header, GENL_HDRLEN, attributes, CTRL_ATTR_MAX, NULL) <
		    0 ||
	    !attributes[CTRL_ATTR_FAMILY_ID])
		return -EIO;
	*(int *)context = nla_get_u16(attributes[CTRL_ATTR_FAMILY_ID]);
	return 0;
}

/* A message of a family; NULL: no memory. */
static struct nl_msg *generic_message(int family, int flags, __u8 command)
{
	_cleanup_(vg_netlink_message_p) struct nl_msg *message =
		nlmsg_alloc_simple(family, NLM_F_REQUEST | flags);
	struct genlmsghdr header = {.cmd = command, .version = 1};

	return message && nlmsg_append(message, &header, sizeof(header), NLMSG_ALIGNTO) >= 0
		       ? VG_TAKE_PTR(message)
		       : NULL;
}

struct ethtool {
	struct nl_sock *socket;
	int family;
	unsigned ifindex;
};

static void ethtool_close(struct ethtool *ethtool)
{
	vg_netlink_close_p(&ethtool->socket);
}

static int ethtool_open(unsigned ifindex, struct ethtool *ethtool)
{
	_cleanup_(vg_netlink_message_p) struct nl_msg *message =
		generic_message(GENL_ID_CTRL, 0, CTRL_CMD_GETFAMILY);
	int r;

	ethtool->ifindex = ifindex;
	if (!message || nla_put_string(message, CTRL_ATTR_FAMILY_NAME, ETHTOOL_GENL_NAME) < 0)
		return -ENOMEM;
	r = vg_netlink_open(NETLINK_GENERIC, &ethtool->socket);
	if (r < 0)
		return r;
	return vg_netlink_ask(ethtool->socket, message, take_family, &ethtool->family);
}

static struct nl_msg *ethtool_message(const struct ethtool *ethtool, int flags, __u8 command)
{
	_cleanup_(vg_netlink_message_p) struct nl_msg *message =
		generic_message(ethtool->family, flags, command);
	struct nlattr *header = message ? nla_nest_start(message, HEADER) : NULL;

	if (!header || nla_put_u32(message, ETHTOOL_A_HEADER_DEV_INDEX, ethtool->ifindex) < 0 ||
	    nla_put_u32(message, ETHTOOL_A_HEADER_FLAGS, ETHTOOL_FLAG_OMIT_REPLY) < 0)
		return NULL;
	nla_nest_end(message, header);
	return VG_TAKE_PTR(message);
}

/* ---- what there is ---- */

static int take_channels(const struct nlmsghdr *header, void *context)
{
	struct nlattr *a[ETHTOOL_A_CHANNELS_MAX + 1];
	struct vg_nic_facts *facts = context;
	const struct {
		int separate, combined;
		unsigned *into;
	} counts[] = {
		{ETHTOOL_A_CHANNELS_RX_COUNT, ETHTOOL_A_CHANNELS_COMBINED_COUNT, &facts->rx},
		{ETHTOOL_A_CHANNELS_TX_COUNT, ETHTOOL_A_CHANNELS_COMBINED_COUNT, &facts->tx},
		{ETHTOOL_A_CHANNELS_RX_MAX, ETHTOOL_A_CHANNELS_COMBINED_MAX, &facts->max_rx},
		{ETHTOOL_A_CHANNELS_TX_MAX, ETHTOOL_A_CHANNELS_COMBINED_MAX, &facts->max_tx},
	};

	if (nlmsg_parse((struct nlmsghdr *)header, GENL_HDRLEN, a, ETHTOOL_A_CHANNELS_MAX, NULL) <
	    0)
		return -EIO;
	for (size_t i = 0; i < VG_ARRAY_SIZE(counts); i++)
		*counts[i].into = (a[counts[i].separate] ? nla_get_u32(a[counts[i].separate]) : 0) +
				  (a[counts[i].combined] ? nla_get_u32(a[counts[i].combined]) : 0);
	return 0;
}

/* Is a feature among the bits of a set? */
static bool has_bit(struct nlattr *set, const char *name)
{
	struct nlattr *parts[ETHTOOL_A_BITSET_MAX + 1], *bit;
	int left;

	if (!set || nla_parse_nested(parts, ETHTOOL_A_BITSET_MAX, set, NULL) < 0 ||
	    !parts[ETHTOOL_A_BITSET_BITS])
		return false;
	nla_for_each_nested(bit, parts[ETHTOOL_A_BITSET_BITS], left)
	{
		struct nlattr *a[ETHTOOL_A_BITSET_BIT_MAX + 1];

		if (nla_parse_nested(a, ETHTOOL_A_BITSET_BIT_MAX, bit, NULL) >= 0 &&
		    a[ETHTOOL_A_BITSET_BIT_NAME] &&
		    strcmp(nla_get_string(a[ETHTOOL_A_BITSET_BIT_NAME]), name) == 0)
			return true;
	}
	return false;
}

static enum vg_feature feature_of(struct nlattr **a, const char *name)
{
	if (!has_bit(a[ETHTOOL_A_FEATURES_ACTIVE], name))
		return VG_FEATURE_OFF;
	return has_bit(a[ETHTOOL_A_FEATURES_HW], name) ? VG_FEATURE_ON : VG_FEATURE_FIXED;
}

static int take_features(const struct nlmsghdr *header, void *context)
{
	struct nlattr *a[ETHTOOL_A_FEATURES_MAX + 1];
	struct vg_nic_facts *facts = context;

	if (nlmsg_parse((struct nlmsghdr *)header, GENL_HDRLEN, a, ETHTOOL_A_FEATURES_MAX, NULL) <
	    0)
		return -EIO;
	facts->lro = feature_of(a, FEATURE_LRO);
	facts->gro_hw = feature_of(a, FEATURE_GRO_HW);
	return 0;
}

static int take_rings(const struct nlmsghdr *header, void *context)
{
	struct nlattr *a[ETHTOOL_A_RINGS_MAX + 1];
	struct vg_nic_facts *facts = context;

	if (nlmsg_parse((struct nlmsghdr *)header, GENL_HDRLEN, a, ETHTOOL_A_RINGS_MAX, NULL) < 0)
		return -EIO;
	if (a[ETHTOOL_A_RINGS_TCP_DATA_SPLIT] &&
	    nla_get_u8(a[ETHTOOL_A_RINGS_TCP_DATA_SPLIT]) == ETHTOOL_TCP_DATA_SPLIT_ENABLED)
		facts->header_split = VG_FEATURE_ON;
	return 0;
}

/* A driver need not know any of them. */
static void ask_ethtool(unsigned ifindex, struct vg_nic_facts *facts)
{
	static const struct {
		__u8 command;
		int (*take)(const struct nlmsghdr *header, void *context);
	} questions[] = {
		{ETHTOOL_MSG_CHANNELS_GET, take_channels},
		{ETHTOOL_MSG_FEATURES_GET, take_features},
		{ETHTOOL_MSG_RINGS_GET, take_rings},
	};
	_cleanup_(ethtool_close) struct ethtool ethtool = {0};

	if (ethtool_open(ifindex, &ethtool) < 0)
		return;
	for (size_t i = 0; i < VG_ARRAY_SIZE(questions); i++) {
		_cleanup_(vg_netlink_message_p) struct nl_msg *message =
			ethtool_message(&ethtool, 0, questions[i].command);

		if (message)
			vg_netlink_ask(ethtool.socket, message, questions[i].take, facts);
	}
}

/* What generic netlink has no word for. These questions go to NICs over sockets of any family. */
static void ask_driver(const char *name, struct vg_nic_facts *facts, bool *ret_device)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};
	struct ifreq request = {0};

	if (fd < 0)
		return;
	memcpy(request.ifr_name, name, sizeof(request.ifr_name));
	if (ioctl(fd, SIOCGIFMTU, &request) == 0)
		facts->mtu = (unsigned)request.ifr_mtu;
	request.ifr_data = (void *)&info;
	if (ioctl(fd, SIOCETHTOOL, &request) < 0)
		return;
	snprintf(facts->driver, sizeof(facts->driver), "%.31s", info.driver);
	snprintf(facts->version, sizeof(facts->version), "%.31s", info.version);
	if (ret_device)
		*ret_device = *info.bus_info && strcmp(info.bus_info, "N/A") != 0;
}

int vg_nic_facts_read(unsigned ifindex, struct vg_nic_facts *ret_facts, bool *ret_device)
{
	struct vg_nic_facts facts = {0};
	struct utsname system;
	char name[IF_NAMESIZE] = "";

	if (!if_indextoname(ifindex, name))
		return -ENODEV;
	uname(&system);
	snprintf(facts.kernel, sizeof(facts.kernel), "%.64s", system.release);
	ask_driver(name, &facts, ret_device);
	ask_ethtool(ifindex, &facts);
	*ret_facts = facts;
	return 0;
}

/* ---- to change it ---- */

/* {BITS: {BIT: {NAME, VALUE}}}: the others stay as they are. */
static int put_feature(struct nl_msg *message, const char *name, bool on)
{
	struct nlattr *set = nla_nest_start(message, ETHTOOL_A_FEATURES_WANTED);
	struct nlattr *bits = set ? nla_nest_start(message, ETHTOOL_A_BITSET_BITS) : NULL;
	struct nlattr *bit = bits ? nla_nest_start(message, ETHTOOL_A_BITSET_BITS_BIT) : NULL;

	if (!bit || nla_put_string(message, ETHTOOL_A_BITSET_BIT_NAME, name) < 0 ||
	    (on && nla_put_flag(message, ETHTOOL_A_BITSET_BIT_VALUE) < 0))
		return -ENOMEM;
	nla_nest_end(message, bit);
	nla_nest_end(message, bits);
	nla_nest_end(message, set);
	return 0;
}

static int put_queues(struct nl_msg *message, struct vg_nic_value queues)
{
	return nla_put_u32(message, ETHTOOL_A_CHANNELS_RX_COUNT, queues.value) < 0 ||
			       nla_put_u32(message, ETHTOOL_A_CHANNELS_TX_COUNT, queues.tx) < 0
		       ? -ENOMEM
		       : 0;
}

static int put_header_split(struct nl_msg *message, bool on)
{
	return nla_put_u8(message, ETHTOOL_A_RINGS_TCP_DATA_SPLIT,
			  on ? ETHTOOL_TCP_DATA_SPLIT_ENABLED : ETHTOOL_TCP_DATA_SPLIT_DISABLED);
}

static int no_answer(const struct nlmsghdr *header, void *context)
{
	(void)header;
	(void)context;
	return 0;
}

static int set_by_ethtool(unsigned ifindex, enum vg_nic_setting setting, struct vg_nic_value value)
{
	static const __u8 commands[VG_NIC_SETTING_MAX] = {
		[VG_NIC_QUEUES] = ETHTOOL_MSG_CHANNELS_SET,
		[VG_NIC_LRO] = ETHTOOL_MSG_FEATURES_SET,
		[VG_NIC_GRO_HW] = ETHTOOL_MSG_FEATURES_SET,
		[VG_NIC_HEADER_SPLIT] = ETHTOOL_MSG_RINGS_SET,
	};
	_cleanup_(vg_netlink_message_p) struct nl_msg *message = NULL;
	_cleanup_(ethtool_close) struct ethtool ethtool = {0};
	int r;

	r = ethtool_open(ifindex, &ethtool);
	if (r < 0)
		return r;
	message = ethtool_message(&ethtool, NLM_F_ACK, commands[setting]);
	if (!message)
		return -ENOMEM;
	if (setting == VG_NIC_QUEUES)
		r = put_queues(message, value);
	else if (setting == VG_NIC_HEADER_SPLIT)
		r = put_header_split(message, value.value);
	else
		r = put_feature(message, setting == VG_NIC_LRO ? FEATURE_LRO : FEATURE_GRO_HW,
				value.value);
	return r < 0 ? -ENOMEM : vg_netlink_ask(ethtool.socket, message, no_answer, NULL);
}

static int set_mtu(unsigned ifindex, unsigned mtu)
{
	_cleanup_(vg_netlink_message_p) struct nl_msg *message =
		nlmsg_alloc_simple(RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK);
	struct ifinfomsg link = {.ifi_index = (int)ifindex};

	if (!message || nlmsg_append(message, &link, sizeof(link), NLMSG_ALIGNTO) < 0 ||
	    nla_put_u32(message, IFLA_MTU, mtu) < 0)
		return -ENOMEM;
	return vg_netlink_dump(NETLINK_ROUTE, message, no_answer, NULL);
}

/* A feature that the driver can't change is taken, and stays as it is. */
static bool has_value(unsigned ifindex, enum vg_nic_setting setting, struct vg_nic_value value)
{
	struct vg_nic_facts facts;
	struct vg_nic_value now;

	if (vg_nic_facts_read(ifindex, &facts, NULL) < 0)
		return false;
	now = vg_nic_value(&facts, setting);
	return now.value == value.value && now.tx == value.tx;
}

int vg_nic_set(unsigned ifindex, enum vg_nic_setting setting, struct vg_nic_value value,
	       struct vg_diag *diag)
{
	char name[IF_NAMESIZE], command[VG_COMMAND_SIZE];
	int r;

	if (!if_indextoname(ifindex, name))
		return vg_diag_set(diag, ENODEV, "", (struct vg_position){0}, "the NIC is gone");
	r = setting == VG_NIC_MTU ? set_mtu(ifindex, value.value)
				  : set_by_ethtool(ifindex, setting, value);
	if (r >= 0 && !has_value(ifindex, setting, value))
		r = -EOPNOTSUPP;
	return r < 0 ? vg_diag_set(diag, -r, "", (struct vg_position){0}, "`%s` failed: %s",
				   vg_nic_command(name, setting, value, command), strerror(-r))
		     : 0;
}
