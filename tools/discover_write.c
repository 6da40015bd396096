/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The config that `vpcgate discover` prints. */
#include <errno.h>
#include <string.h>
#include <time.h>
#include "share/cleanup.h"
#include "tools/discover.h"

/* Of all that is said of a NIC: two names in it, and the rest is shorter than they may be. */
#define NIC_TEXT_SIZE 512

/* The zone of "projects/1/zones/us-central1-a", or the whole. */
static const char *last_part(const char *text)
{
	const char *slash = strrchr(text, '/');

	return slash ? slash + 1 : text;
}

static void write_machine(struct vg_writer *writer, const struct vg_found *found)
{
	char name[VG_DISCOVER_NAME_SIZE], zone[VG_DISCOVER_NAME_SIZE];
	char project[VG_DISCOVER_NAME_SIZE];

	if (found->files) {
		vg_write_comment(writer, "# ",
				 "A starting config for vpcgated(8), made from files.");
		return;
	}
	vg_discover_name(found->name ? found->name : "this machine", name);
	vg_discover_name(found->zone ? last_part(found->zone) : "unknown", zone);
	vg_discover_name(found->project ? found->project : "unknown", project);
	vg_write_comment(writer, "# ",
			 "A starting config for vpcgated(8) on %s (zone %s, project %s).", name,
			 zone, project);
}

static bool has_gaps(const struct vg_found *found)
{
	for (int kind = 0; kind < VG_FEED_KIND_MAX; kind++) {
		if (*found->feeds[kind].reason || *found->feeds[kind].note)
			return true;
	}
	return false;
}

static void write_head(struct vg_writer *writer, const struct vg_found *found)
{
	const time_t now = (time_t)found->time_s;
	char date[32] = "";
	struct tm tm;

	if (gmtime_r(&now, &tm))
		strftime(date, sizeof(date), "%Y-%m-%d %H:%M UTC", &tm);
	write_machine(writer, found);
	vg_write_comment(writer, "# ",
			 "Written by `vpcgate discover` " VG_VERSION " on %s from %s.", date,
			 found->files
				 ? "the files that are named below"
				 : "what the metadata server, Google's APIs and the kernel say");
	if (has_gaps(found))
		vg_write_comment(
			writer, "# ",
			"Not everything could be read: look below for \"could not be read\" "
			"and \"missing\".");
	fputs("#\n", writer->out);
	vg_write_comment(
		writer, "# ",
		"It drops nothing: `enforcement: monitor` passes all, and counts what would "
		"have been dropped. What to do next:");
	vg_write_comment(
		writer, "#   1. ",
		"Read it, put it into /etc/vpcgate/vpcgate.yaml, and have it judged: `vpcgate "
		"validate /etc/vpcgate/vpcgate.yaml`.");
	vg_write_comment(writer, "#   2. ",
			 "Start the daemon: `systemctl enable --now vpcgated`; look at `vpcgate "
			 "status`.");
	vg_write_comment(
		writer, "#   3. ",
		"Watch `vpcgate drops` until nothing is in it that must get in. `vpcgate check "
		"ADDRESS` says why an address is.");
	vg_write_comment(writer, "#   4. ",
			 "Write `enforcement: enforce` below, and `systemctl reload vpcgated`.");
	vg_write_comment(writer, "# ", "vpcgate.yaml(5) describes every key.");
	fputc('\n', writer->out);
}

static void explain_nics(struct vg_writer *writer, const struct vg_found *found)
{
	switch (found->found_by) {
	case VG_FOUND_BY_METADATA:
		vg_write_comment(
			writer, "# ",
			"The NICs that the metadata server names, by their MAC addresses.");
		break;
	case VG_FOUND_BY_DEFAULT_ROUTE:
		if (*found->metadata_reason)
			vg_write_comment(
				writer, "# ",
				"The NICs with a default route: Google's could not be read: "
				"%s.",
				found->metadata_reason);
		else
			vg_write_comment(
				writer, "# ",
				"The NICs with a default route: none has a MAC address that "
				"the metadata server names.");
		break;
	case VG_FOUND_BY_NAME:
		vg_write_comment(writer, "# ", "The NIC that the command line named.");
		break;
	case VG_FOUND_BY_CUSTOM:
		vg_write_comment(
			writer, "# ",
			"Images for Compute Engine mostly call the first NIC ens4, some eth0: "
			"`ip link` on the VM tells (or give discover --interface NAME).");
		break;
	}
}

/* The network of a NIC, in a phrase; "" where it is not known. */
static const char *network_text(const struct vg_found *found, const struct vg_metadata_nic *nic,
				char *out, size_t size)
{
	char network[VG_DISCOVER_NAME_SIZE], project[VG_DISCOVER_NAME_SIZE];
	const bool shared = nic && nic->network_project && found->project_number &&
			    strcmp(nic->network_project, found->project_number) != 0;

	*out = '\0';
	if (nic && nic->network)
		snprintf(out, size, "network %s%s%s%s", vg_discover_name(nic->network, network),
			 shared ? " of the host project " : "",
			 shared ? vg_discover_name(nic->network_project, project) : "",
			 shared ? " (Shared VPC)" : "");
	return out;
}

/* What is known of a NIC, in a line; "" where nothing is. `out` has NIC_TEXT_SIZE bytes. */
static const char *nic_text(const struct vg_found *found, const struct vg_found_nic *nic, char *out)
{
	const struct vg_host_nic *host = &nic->host;
	const unsigned mtu =
		host->facts.mtu || !nic->metadata ? host->facts.mtu : nic->metadata->mtu;
	char mtu_text[16] = "", queues[64] = "", network[NIC_TEXT_SIZE / 2];
	const struct {
		const char *before, *text;
	} parts[] = {
		{"", network_text(found, nic->metadata, network, sizeof(network))},
		{"driver ", host->facts.driver},
		{"MTU ", mtu_text},
		{"", queues},
		{"address ", host->address4},
		{"address ", host->address6},
	};
	size_t used = 0;

	if (mtu)
		snprintf(mtu_text, sizeof(mtu_text), "%u", mtu);
	if (host->facts.rx || host->facts.tx)
		snprintf(queues, sizeof(queues), "%u RX and %u TX queues (at most %u and %u)",
			 host->facts.rx, host->facts.tx, host->facts.max_rx, host->facts.max_tx);
	*out = '\0';
	for (size_t i = 0; i < VG_ARRAY_SIZE(parts); i++) {
		if (*parts[i].text)
			used += (size_t)snprintf(out + used, NIC_TEXT_SIZE - used, "%s%s%s",
						 used ? ", " : "", parts[i].before, parts[i].text);
	}
	return out;
}

static void write_nic(struct vg_writer *writer, const struct vg_found *found,
		      const struct vg_found_nic *nic)
{
	char text[NIC_TEXT_SIZE], pattern[2 * IF_NAMESIZE];
	size_t n = 0;

	if (*nic_text(found, nic, text))
		vg_write_comment(writer, "  # ", "%s", text);
	vg_write_native(writer, &nic->host, found->kernel);
	/* A name, not a glob. */
	for (const char *c = nic->host.name; *c; c++) {
		if (strchr("*?[\\", *c))
			pattern[n++] = '\\';
		pattern[n++] = *c;
	}
	pattern[n] = '\0';
	fputs("  - ", writer->out);
	vg_write_scalar(writer, pattern);
	fputc('\n', writer->out);
}

static void write_settings(struct vg_writer *writer)
{
	fputc('\n', writer->out);
	vg_write_comment(
		writer, "# ",
		"How the filter is attached: auto is native, in the driver, where the driver "
		"takes it, and else generic.");
	fputs("attach: auto\n\n", writer->out);
	vg_write_comment(writer, "# ", "Who gets in, in Cloud Run's words:");
	fputs("#   all                                everyone (and everyone is counted)\n"
	      "#   internal                           vpc and shared-vpc\n"
	      "#   internal-and-cloud-load-balancing  those, load-balancer, health-check and "
	      "regional-proxy\n"
	      "ingress: internal-and-cloud-load-balancing\n\n",
	      writer->out);
	vg_write_comment(
		writer, "# ",
		"monitor drops nothing and counts what enforce would drop. Then: enforce.");
	fputs("enforcement: monitor\n\n", writer->out);
	vg_write_comment(
		writer, "# ",
		"Answers to what this machine opens itself pass, from wherever they come.");
	fputs("replies: track\n\n", writer->out);
}

static void write_text(struct vg_writer *writer, const char *key, const char *value)
{
	if (!value)
		return;
	fprintf(writer->out, "  %s: ", key);
	vg_write_scalar(writer, value);
	fputc('\n', writer->out);
}

void vg_write_servers(struct vg_writer *writer, const struct vg_discover_servers *servers)
{
	if (!servers->metadata && !servers->compute && !servers->vpcaccess && !servers->ca)
		return;
	fputs("discovery:\n", writer->out);
	write_text(writer, "metadata", servers->metadata);
	write_text(writer, "compute", servers->compute);
	write_text(writer, "vpcaccess", servers->vpcaccess);
	write_text(writer, "ca", servers->ca);
}

static void write_all(struct vg_writer *writer, const struct vg_found *found,
		      const struct vg_discover_servers *servers)
{
	write_head(writer, found);
	explain_nics(writer, found);
	fputs("interfaces:\n", writer->out);
	for (size_t i = 0; i < found->n_nics; i++)
		write_nic(writer, found, &found->nics[i]);
	write_settings(writer);
	vg_write_sources(writer, found);
	fputc('\n', writer->out);
	vg_write_comment(writer, "# ", "Where Prometheus reads /metrics, or `exporter: off`.");
	fputs("exporter: {listen: \"127.0.0.1:9820\"}\n\n", writer->out);
	vg_write_servers(writer, servers);
}

int vg_discover_write(const struct vg_found *found, const struct vg_discover_servers *servers,
		      char **ret_text, size_t *ret_length)
{
	_cleanup_free_ char *text = NULL;
	struct vg_writer writer = {};
	size_t length = 0;
	bool failed;

	writer.out = open_memstream(&text, &length);
	if (!writer.out)
		return -ENOMEM;
	write_all(&writer, found, servers);
	failed = ferror(writer.out);
	if (fclose(writer.out) != 0 || failed)
		return -ENOMEM;
	if (writer.error < 0)
		return writer.error;
	*ret_text = VG_TAKE_PTR(text);
	*ret_length = length;
	return 0;
}
