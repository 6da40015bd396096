/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The sections of a discovered config that hold addresses: also-admit, sources, services. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "share/cleanup.h"
#include "tools/discover.h"

#define MAX_SHOWN 20 /* ranges in a comment */
#define USE(use) (1u << VG_RANGE_##use)

/* ---- ranges, as comments and as entries ---- */

/* "us-central1" of "regions/us-central1", or "". */
static const char *scope_text(const struct vg_listing *listing, const struct vg_listed *item,
			      char *out)
{
	const char *scope = item->scope < listing->n_scopes ? listing->scopes[item->scope] : "";
	const char *slash = strrchr(scope, '/');

	return vg_discover_name(slash ? slash + 1 : scope, out);
}

static int by_scope(const void *a, const void *b, void *context)
{
	const struct vg_listed *const *x = a, *const *y = b;
	char scope_x[VG_DISCOVER_NAME_SIZE], scope_y[VG_DISCOVER_NAME_SIZE];
	int r = strcmp(scope_text(context, *x, scope_x), scope_text(context, *y, scope_y));

	if (r == 0)
		r = (*x)->use - (*y)->use;
	return r ? r : vg_prefix_compare(&(*x)->prefix, &(*y)->prefix);
}

/* A comment with a line for each range, by region and purpose; at most MAX_SHOWN. */
static void show_ranges(struct vg_writer *writer, const struct vg_listing *listing)
{
	_cleanup_free_ const struct vg_listed **items = calloc(listing->n + 1, sizeof(*items));
	char scope[VG_DISCOVER_NAME_SIZE], prefix[VG_PREFIX_TEXT_SIZE];
	const size_t n = listing->n, shown = n < MAX_SHOWN ? n : MAX_SHOWN;
	size_t width = 0;

	if (!items) {
		writer->error = writer->error ? writer->error : -ENOMEM;
		return;
	}
	for (size_t i = 0; i < n; i++)
		items[i] = &listing->items[i];
	qsort_r(items, n, sizeof(*items), by_scope, (void *)listing);
	for (size_t i = 0; i < shown; i++) {
		const size_t length = strlen(vg_prefix_format(&items[i]->prefix, prefix));

		width = length > width ? length : width;
	}
	for (size_t i = 0; i < shown; i++) {
		const char *use =
			items[i]->use == VG_RANGE_ANY ? "" : vg_range_use_text(items[i]->use);
		const bool alone = !*scope_text(listing, items[i], scope) && !*use;

		fprintf(writer->out, "  #   %-*s%s%s%s%s\n", alone ? 0 : (int)width,
			vg_prefix_format(&items[i]->prefix, prefix), *scope ? "  " : "", scope,
			*use ? "  " : "", use);
	}
	if (n > shown)
		fprintf(writer->out, "  #   and %zu more\n", n - shown);
}

static size_t count_uses(const struct vg_listing *listing, unsigned uses)
{
	size_t n = 0;

	for (size_t i = 0; i < listing->n; i++)
		n += uses >> listing->items[i].use & 1;
	return n;
}

/* A set whose entries are the ranges for these uses, or nothing without any. */
static void write_set(struct vg_writer *writer, const char *indent, const char *name,
		      const struct vg_listing *listing, unsigned uses)
{
	char scope[VG_DISCOVER_NAME_SIZE], prefix[VG_PREFIX_TEXT_SIZE];

	if (!count_uses(listing, uses))
		return;
	fprintf(writer->out, "%s%s:\n", indent, name);
	for (size_t i = 0; i < listing->n; i++) {
		const struct vg_listed *item = &listing->items[i];
		const char *use = item->use == VG_RANGE_ANY ? "" : vg_range_use_text(item->use);

		if (!(uses >> item->use & 1))
			continue;
		scope_text(listing, item, scope);
		fprintf(writer->out, "%s  - \"%s\"%s%s%s%s\n", indent,
			vg_prefix_format(&item->prefix, prefix), *scope || *use ? " # " : "", scope,
			*scope && *use ? ", " : "", use);
	}
}

static void show_note(struct vg_writer *writer, const char *note)
{
	if (*note)
		vg_write_comment(writer, "  # ", "Left out or missing: %s.", note);
}

/* ---- what the network's own ranges are ---- */

/* What becomes of the uses that a network's ranges may have. */
static void explain_uses(struct vg_writer *writer, const struct vg_listing *listing)
{
	if (count_uses(listing, USE(GLOBAL_PROXY)))
		vg_write_comment(
			writer, "  # ",
			"global-proxy: cross-region internal load balancers, which count as "
			"the network's own.");
	if (count_uses(listing, USE(REGIONAL_PROXY)))
		vg_write_comment(
			writer, "  # ",
			"regional-proxy: regional load balancers, internal and external ones "
			"alike. It is a set of its own: internal-and-cloud-load-balancing "
			"admits it, internal doesn't.");
	if (count_uses(listing, USE(PSC)))
		vg_write_comment(
			writer, "  # ",
			"psc: consumers of what is published through Private Service Connect. "
			"It is a set of its own that nothing admits: add psc to also-admit, "
			"best at the service that is published.");
}

static void explain_shared(struct vg_writer *writer, const struct vg_found *found)
{
	char project[VG_DISCOVER_NAME_SIZE];

	for (size_t i = 0; i < found->n_nics; i++) {
		const struct vg_metadata_nic *nic = found->nics[i].metadata;

		if (!nic || !nic->network_project || !found->project_number ||
		    !strcmp(nic->network_project, found->project_number))
			continue;
		vg_write_comment(
			writer, "  # ",
			"Shared VPC: the network belongs to the host project %s, so that its "
			"ranges are in the set shared-vpc.",
			vg_discover_name(nic->network_project, project));
		return;
	}
	vg_write_comment(
		writer, "  # ",
		"Shared VPC: the network belongs to another project, so that its ranges are "
		"in the set shared-vpc.");
}

static void write_subnets(struct vg_writer *writer, const struct vg_found *found)
{
	const struct vg_found_feed *feed = &found->feeds[VG_FEED_SUBNETS];

	vg_write_comment(
		writer, "  # ",
		"All subnets of the network, primary and secondary ranges. The daemon asks "
		"the Compute API for them again every few minutes.");
	if (feed->listing.shared)
		explain_shared(writer, found);
	show_note(writer, feed->note);
	vg_write_comment(writer, "  # ", "%zu range%s now:", feed->listing.n,
			 feed->listing.n == 1 ? "" : "s");
	show_ranges(writer, &feed->listing);
	explain_uses(writer, &feed->listing);
	fputs("  vpc: [gcp:subnets]\n", writer->out);
}

/* What is known without the Compute API. */
static void write_metadata(struct vg_writer *writer, const struct vg_found *found)
{
	const struct vg_found_feed *subnets = &found->feeds[VG_FEED_SUBNETS];
	const struct vg_found_feed *feed = &found->feeds[VG_FEED_METADATA];

	if (*subnets->reason)
		vg_write_comment(writer, "  # ", "The network's subnets could not be read: %s.",
				 subnets->reason);
	vg_write_comment(
		writer, "  # ",
		"Only this machine's own subnet and alias ranges are known, so that its "
		"neighbours in other subnets would be dropped. Once the subnets can be read, "
		"write `vpc: [gcp:subnets]`, or run `vpcgate discover` again.");
	if (feed->read) {
		if (feed->listing.shared)
			explain_shared(writer, found);
		show_ranges(writer, &feed->listing);
	} else if (*feed->reason) {
		vg_write_comment(writer, "  # ", "Not even those could be read now: %s.",
				 feed->reason);
	}
	fputs("  vpc: [gcp:metadata]\n", writer->out);
}

/* ---- the same from files ---- */

static void write_file_names(struct vg_writer *writer, const struct vg_found *found)
{
	char name[VG_DISCOVER_NAME_SIZE];

	for (size_t i = 0; i < found->n_files; i++)
		vg_write_comment(writer, "  #   ", "%s%s%s",
				 vg_discover_name(found->files[i], name),
				 *found->notes[i] ? ": " : "", found->notes[i]);
}

static void write_literals(struct vg_writer *writer, const struct vg_found *found)
{
	const struct vg_found_feed *subnets = &found->feeds[VG_FEED_SUBNETS];
	const struct vg_listing *listing =
		subnets->read ? &subnets->listing : &found->feeds[VG_FEED_METADATA].listing;

	vg_write_comment(
		writer, "  # ",
		"Read from files, and as old as they are: later changes of the network don't "
		"show here. On a VM, `vpcgate discover` without --from writes a config that "
		"follows them. The files:");
	write_file_names(writer, found);
	if (!subnets->read)
		vg_write_comment(
			writer, "  # ",
			"None of them lists the network's subnets, as `gcloud compute networks "
			"subnets list --format=json` does: sources in other subnets would be "
			"dropped.");
	explain_uses(writer, listing);
	if (!listing->shared)
		vg_write_comment(
			writer, "  # ",
			"Where the network is another project's (Shared VPC), shared-vpc may "
			"stand for vpc: both are admitted alike.");
	write_set(writer, "  ", listing->shared ? "shared-vpc" : "vpc", listing,
		  USE(SUBNET) | USE(GLOBAL_PROXY));
	write_set(writer, "  ", "regional-proxy", listing, USE(REGIONAL_PROXY));
	write_set(writer, "  ", "psc", listing, USE(PSC));
}

/* ---- what else may be let in ---- */

static bool has_ranges(const struct vg_found *found, enum vg_feed_kind kind)
{
	return found->feeds[kind].read && found->feeds[kind].listing.n > 0;
}

/* Why `what` isn't there, and what would be written if it were. */
static void explain_unread(struct vg_writer *writer, const struct vg_found *found,
			   enum vg_feed_kind kind, const char *what, const char *entry)
{
	const char *reason = found->feeds[kind].reason;
	const bool same = !strcmp(reason, found->feeds[VG_FEED_SUBNETS].reason);

	if (!*reason)
		return;
	fputc('\n', writer->out);
	vg_write_comment(writer, "  # ", "%s could not be read%s%s. Where there are any:", what,
			 same ? ", as the subnets" : ": ", same ? "" : reason);
	fprintf(writer->out, "  # %s\n", entry);
}

static void write_connectors(struct vg_writer *writer, const struct vg_found *found)
{
	const struct vg_found_feed *feed = &found->feeds[VG_FEED_CONNECTORS];

	if (!has_ranges(found, VG_FEED_CONNECTORS)) {
		explain_unread(writer, found, VG_FEED_CONNECTORS,
			       "Serverless VPC Access connectors",
			       "connectors: [gcp:connectors] # and connectors in also-admit");
		return;
	}
	fputc('\n', writer->out);
	vg_write_comment(writer, "  # ",
			 "Serverless VPC Access connectors: Cloud Run and functions that call this "
			 "network.");
	show_note(writer, feed->note);
	if (found->files) {
		write_set(writer, "  ", "connectors", &feed->listing, ~0u);
		return;
	}
	show_ranges(writer, &feed->listing);
	fputs("  connectors: [gcp:connectors]\n", writer->out);
}

static void write_peering(struct vg_writer *writer, const struct vg_found *found)
{
	const struct vg_found_feed *feed = &found->feeds[VG_FEED_PEERING_ROUTES];

	if (!has_ranges(found, VG_FEED_PEERING_ROUTES)) {
		explain_unread(writer, found, VG_FEED_PEERING_ROUTES, "Routes of peered networks",
			       "peering: [gcp:peering-routes] # and peering in also-admit");
		return;
	}
	fputc('\n', writer->out);
	vg_write_comment(
		writer, "  # ",
		"What peered networks export to this one, %zu range%s. It is off: `internal` "
		"doesn't mean other networks, and whoever is on the other side decides what "
		"is in it. To let them in, uncomment the set and add peering to also-admit.",
		feed->listing.n, feed->listing.n == 1 ? "" : "s");
	show_note(writer, feed->note);
	if (found->files) {
		write_set(writer, "  # ", "peering", &feed->listing, ~0u);
		return;
	}
	show_ranges(writer, &feed->listing);
	fputs("  # peering: [gcp:peering-routes]\n", writer->out);
}

/* ---- destinations ---- */

static bool is_within(const struct vg_listing *listing, const struct vg_address *address)
{
	for (size_t i = 0; i < listing->n; i++) {
		if (vg_prefix_contains(&listing->items[i].prefix, address))
			return true;
	}
	return false;
}

/* Of the network, or private (RFC 1918, RFC 4193): only sources within can reach it. */
static bool is_internal(const struct vg_found *found, const struct vg_address *address)
{
	static const char *const private[] = {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",
					      "fc00::/7"};
	struct vg_prefix prefix;

	for (size_t i = 0; i < VG_ARRAY_SIZE(private); i++) {
		if (vg_prefix_parse(private[i], &prefix, NULL, 0) == 0 &&
		    vg_prefix_contains(&prefix, address))
			return true;
	}
	return is_within(&found->feeds[VG_FEED_SUBNETS].listing, address) ||
	       is_within(&found->feeds[VG_FEED_METADATA].listing, address);
}

static bool all_internal(const struct vg_found *found, const struct vg_listing *forwarded)
{
	for (size_t i = 0; i < forwarded->n; i++) {
		if (!is_internal(found, &forwarded->items[i].prefix.address))
			return false;
	}
	return true;
}

static void write_forwarded(struct vg_writer *writer, const struct vg_found *found)
{
	const struct vg_listing *listing = &found->feeds[VG_FEED_FORWARDED_IPS].listing;
	const bool internal = all_internal(found, listing);

	if (internal)
		vg_write_comment(
			writer, "  # ",
			"Internal passthrough load balancers forward these addresses to this "
			"machine. Packets keep their client's address, so that the destination "
			"tells them.");
	else
		vg_write_comment(
			writer, "  # ",
			"Passthrough load balancers forward these addresses to this machine. "
			"Packets keep their client's address, so that only the destination "
			"tells them, and `ingress: all` lets every client in. To open no more "
			"than the load balancer's ports, give the service a protocol and a "
			"port.");
	if (!found->files)
		show_ranges(writer, listing);
	fputs("  - name: passthrough-lb\n", writer->out);
	if (found->files)
		write_set(writer, "    ", "to", listing, ~0u);
	else
		fputs("    to: [gcp:forwarded-ips]\n", writer->out);
	if (internal)
		fprintf(writer->out,
			"    ingress: internal\n"
			"    also-admit: [iap%s, health-check]\n",
			has_ranges(found, VG_FEED_CONNECTORS) ? ", connectors" : "");
	else
		fputs("    ingress: all\n", writer->out);
}

static void write_services(struct vg_writer *writer, const struct vg_found *found)
{
	fputc('\n', writer->out);
	vg_write_comment(writer, "# ",
			 "Destinations with an ingress setting of their own, by port, protocol or "
			 "address. Examples:");
	fputs("#   - {name: web, protocol: tcp, port: 443, ingress: all}\n"
	      "#   - {name: probed, protocol: tcp, port: 8080, ingress: internal,\n"
	      "#      also-admit: [health-check]}\n",
	      writer->out);
	if (has_ranges(found, VG_FEED_FORWARDED_IPS)) {
		fputs("services:\n", writer->out);
		write_forwarded(writer, found);
		return;
	}
	vg_write_comment(
		writer, "# ", "%s",
		found->feeds[VG_FEED_FORWARDED_IPS].read
			? "No passthrough load balancer forwards an address to this machine now. "
			  "Before one does, uncomment this:"
			: "Where passthrough load balancers forward addresses to this machine, "
			  "uncomment this:");
	fputs("# services:\n"
	      "#   - {name: passthrough-lb, to: [gcp:forwarded-ips], ingress: all}\n",
	      writer->out);
}

void vg_write_sources(struct vg_writer *writer, const struct vg_found *found)
{
	vg_write_comment(
		writer, "# ",
		"Sets that are admitted on top of that. iap keeps SSH through IAP working.");
	fprintf(writer->out, "also-admit: [iap%s]\n\n",
		has_ranges(found, VG_FEED_CONNECTORS) ? ", connectors" : "");
	vg_write_comment(
		writer, "# ",
		"Who is who. load-balancer and health-check hold Google's ranges without being "
		"listed.");
	fputs("sources:\n", writer->out);
	if (found->files)
		write_literals(writer, found);
	else if (found->feeds[VG_FEED_SUBNETS].read)
		write_subnets(writer, found);
	else
		write_metadata(writer, found);
	fputs("\n", writer->out);
	vg_write_comment(writer, "  # ",
			 "IAP's TCP forwarding, for `gcloud compute ssh --tunnel-through-iap`.");
	fputs("  iap: [google:iap]\n", writer->out);
	write_connectors(writer, found);
	write_peering(writer, found);
	write_services(writer, found);
}
