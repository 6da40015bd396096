// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The recorder's place on a NIC: one of the classifiers at the egress of its clsact qdisc. Those of
 * others stay as they are, and so does the qdisc.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <stdlib.h>
#include <string.h>
#include "dataplane/internal.h"
#include "share/cleanup.h"

/* Where the recorder goes if nobody is there: before others, "vg" as its handle. */
#define PRIORITY 1
#define HANDLE 0x7667

/* libbpf names a filter "PROGRAM:[ID]"; others can't be told by their programs without CAP_SYS_ADMIN. */
#define NAME_PREFIX "vpcgate_egress:["

#define EGRESS_PARENT TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS)

struct filter {
	__u32 priority, handle;
	__u32 program_id; /* 0: not of BPF */
	bool bpf;	  /* cls_bpf for all protocols: more of them may have this priority */
	bool ours;
};

struct filters {
	struct filter *items;
	size_t n;
	unsigned ifindex;
	bool clsact, ingress; /* which qdisc there is; an `ingress` one has no egress side */
	bool failed;	      /* no memory */
};

static void filters_done(struct filters *filters)
{
	free(filters->items);
}

static int error_of(int nl_error)
{
	switch (-nl_error) {
	case NLE_NOMEM:
		return -ENOMEM;
	case NLE_PERM:
	case NLE_NOACCESS:
		return -EPERM;
	case NLE_NODEV:
		return -ENODEV;
	default:
		return -EIO;
	}
}

static const char *text_of(struct nlattr *attribute)
{
	return attribute ? nla_get_string(attribute) : "";
}

static void parse_bpf(struct filter *filter, struct nlattr *options)
{
	struct nlattr *attributes[TCA_BPF_MAX + 1];

	if (!options || nla_parse_nested(attributes, TCA_BPF_MAX, options, NULL) < 0)
		return;
	filter->ours =
		strncmp(text_of(attributes[TCA_BPF_NAME]), NAME_PREFIX, strlen(NAME_PREFIX)) == 0;
	if (attributes[TCA_BPF_ID])
		filter->program_id = nla_get_u32(attributes[TCA_BPF_ID]);
}

static int add_filter(struct filters *filters, const struct tcmsg *tcm, struct nlattr **attributes)
{
	struct filter *grown, *filter;

	/* Only chain 0 is walked without somebody's `goto chain`. */
	if (attributes[TCA_CHAIN] && nla_get_u32(attributes[TCA_CHAIN]))
		return NL_OK;
	grown = reallocarray(filters->items, filters->n + 1, sizeof(*grown));
	if (!grown) {
		filters->failed = true;
		return NL_STOP;
	}
	filters->items = grown;
	filter = &grown[filters->n++];
	*filter = (struct filter){.priority = TC_H_MAJ(tcm->tcm_info) >> 16,
				  .handle = tcm->tcm_handle};
	filter->bpf = strcmp(text_of(attributes[TCA_KIND]), "bpf") == 0 &&
		      TC_H_MIN(tcm->tcm_info) == htons(ETH_P_ALL);
	if (filter->bpf)
		parse_bpf(filter, attributes[TCA_OPTIONS]);
	return NL_OK;
}

static int on_message(struct nl_msg *message, void *context)
{
	struct nlmsghdr *header = nlmsg_hdr(message);
	struct nlattr *attributes[TCA_MAX + 1];
	struct filters *filters = context;
	const struct tcmsg *tcm;

	if (nlmsg_parse(header, sizeof(*tcm), attributes, TCA_MAX, NULL) < 0)
		return NL_SKIP;
	tcm = nlmsg_data(header);
	if (tcm->tcm_ifindex != (int)filters->ifindex)
		return NL_SKIP;
	if (header->nlmsg_type == RTM_NEWTFILTER)
		return add_filter(filters, tcm, attributes);
	if (header->nlmsg_type == RTM_NEWQDISC && tcm->tcm_parent == TC_H_CLSACT) {
		filters->clsact = strcmp(text_of(attributes[TCA_KIND]), "clsact") == 0;
		filters->ingress = !filters->clsact;
	}
	return NL_OK;
}

static int dump(struct nl_sock *socket, int type, unsigned ifindex, __u32 parent)
{
	struct tcmsg request = {
		.tcm_family = AF_UNSPEC, .tcm_ifindex = (int)ifindex, .tcm_parent = parent};
	int r = nl_send_simple(socket, type, NLM_F_DUMP, &request, sizeof(request));

	if (r >= 0)
		r = nl_recvmsgs_default(socket);
	return r < 0 ? error_of(r) : 0;
}

static int ask(int type, __u32 parent, struct filters *filters)
{
	struct nl_sock *socket = nl_socket_alloc();
	int r;

	if (!socket)
		return -ENOMEM;
	r = nl_socket_modify_cb(socket, NL_CB_VALID, NL_CB_CUSTOM, on_message, filters);
	if (r >= 0)
		r = nl_connect(socket, NETLINK_ROUTE);
	r = r < 0 ? error_of(r) : dump(socket, type, filters->ifindex, parent);
	nl_socket_free(socket);
	return filters->failed ? -ENOMEM : r;
}

/*
 * The classifiers at the egress of a NIC. No qdisc is no classifier; of an `ingress` qdisc they are
 * those of its one side, ours never among them.
 */
static int list_filters(unsigned ifindex, struct filters *ret_filters)
{
	*ret_filters = (struct filters){.ifindex = ifindex};
	return ask(RTM_GETTFILTER, EGRESS_PARENT, ret_filters);
}

/* Which qdisc they are at. The kernel lists those of all NICs. */
static int find_qdisc(struct filters *filters)
{
	return ask(RTM_GETQDISC, 0, filters);
}

static const struct filter *find_ours(const struct filters *filters)
{
	for (size_t i = 0; i < filters->n; i++)
		if (filters->items[i].ours)
			return &filters->items[i];
	return NULL;
}

/* A priority holds filters of one kind and protocol, each with a handle of its own. */
static bool is_free(const struct filters *filters, __u32 priority, __u32 handle)
{
	for (size_t i = 0; i < filters->n; i++) {
		const struct filter *filter = &filters->items[i];

		if (filter->priority == priority && (!filter->bpf || filter->handle == handle))
			return false;
	}
	return true;
}

static void find_place(const struct filters *filters, __u32 *ret_priority, __u32 *ret_handle)
{
	/* One of n + 1 priorities has none of n filters. */
	for (__u32 priority = PRIORITY; priority <= PRIORITY + filters->n; priority++) {
		for (__u32 handle = HANDLE; handle <= HANDLE + filters->n; handle++) {
			if (!is_free(filters, priority, handle))
				continue;
			*ret_priority = priority;
			*ret_handle = handle;
			return;
		}
	}
}

static int attach_filter(unsigned ifindex, int program_fd, __u32 priority, __u32 handle,
			 bool replace)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = BPF_TC_EGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = program_fd, .priority = priority,
		    .handle = handle, .flags = replace ? BPF_TC_F_REPLACE : 0);

	return bpf_tc_attach(&hook, &opts);
}

static int detach_filter(unsigned ifindex, const struct filter *filter)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = BPF_TC_EGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .priority = filter->priority, .handle = filter->handle);

	return bpf_tc_detach(&hook, &opts);
}

static int add_ours(const struct vg_dataplane *dp, struct filters *filters)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)filters->ifindex,
		    .attach_point = BPF_TC_EGRESS);
	__u32 priority = PRIORITY, handle = HANDLE;
	int r = find_qdisc(filters);

	if (r >= 0 && filters->ingress)
		return -ENOTSUP;
	if (r >= 0 && !filters->clsact)
		r = bpf_tc_hook_create(&hook);
	if (r < 0 && r != -EEXIST)
		return r;
	find_place(filters, &priority, &handle);
	return attach_filter(filters->ifindex, dp->fds[VG_PIN_EGRESS], priority, handle, false);
}

static int fail(int error, const char *name, const struct filters *filters, struct vg_diag *diag)
{
	if (error == -ENODEV)
		return vg_dataplane_fail(diag, ENODEV, "%s is gone", name);
	if (filters->ingress)
		return vg_dataplane_fail(
			diag, ENOTSUP,
			"%s has an `ingress` qdisc, which leaves no place for the recorder of replies: put clsact in its place (`tc qdisc del dev %s ingress; tc qdisc add dev %s clsact`), or write `replies: off`",
			name, name, name);
	/* The kernel knows no such qdisc or classifier, or, with modules, can't load it. */
	if (error == -ENOENT || error == -EOPNOTSUPP)
		return vg_dataplane_fail(
			diag, ENOTSUP,
			"%s: the kernel lacks the clsact qdisc or the BPF classifier that record replies: load the modules sch_ingress and cls_bpf, or write `replies: off`",
			name);
	return vg_dataplane_fail(
		diag, -error, "can't record at the egress of %s: %s; `replies: off` does without",
		name, strerror(-error));
}

int vg_dataplane_record(const struct vg_dataplane *dp, unsigned ifindex, const char *name,
			bool *ret_adopted, struct vg_diag *diag)
{
	_cleanup_(filters_done) struct filters filters;
	const struct filter *ours;
	int r = list_filters(ifindex, &filters);

	if (r < 0)
		return fail(r, name, &filters, diag);
	ours = find_ours(&filters);
	if (!ours)
		r = add_ours(dp, &filters);
	else if (ours->program_id != dp->egress_id)
		r = attach_filter(ifindex, dp->fds[VG_PIN_EGRESS], ours->priority, ours->handle,
				  true);
	if (r < 0)
		return fail(r, name, &filters, diag);
	*ret_adopted = ours;
	return 0;
}

int vg_dataplane_unrecord(unsigned ifindex, const char *name, struct vg_diag *diag)
{
	_cleanup_(filters_done) struct filters filters;
	int r = list_filters(ifindex, &filters);
	size_t n = 0;

	for (size_t i = 0; r >= 0 && i < filters.n; i++) {
		if (!filters.items[i].ours)
			continue;
		r = detach_filter(ifindex, &filters.items[i]);
		n++;
	}
	if (r < 0 && r != -ENODEV)
		return vg_dataplane_fail(diag, -r,
					 "can't take the recorder off the egress of %s: %s", name,
					 strerror(-r));
	return n ? 0 : -ENOENT;
}

bool vg_dataplane_is_recorded(unsigned ifindex)
{
	_cleanup_(filters_done) struct filters filters;

	return list_filters(ifindex, &filters) >= 0 && find_ours(&filters);
}

int vg_egress_update(const struct vg_dataplane *dp, unsigned ifindex)
{
	_cleanup_(filters_done) struct filters filters;
	int r = list_filters(ifindex, &filters);

	for (size_t i = 0; r >= 0 && i < filters.n; i++)
		if (filters.items[i].ours && filters.items[i].program_id != dp->egress_id)
			r = attach_filter(ifindex, dp->fds[VG_PIN_EGRESS],
					  filters.items[i].priority, filters.items[i].handle, true);
	return r;
}
