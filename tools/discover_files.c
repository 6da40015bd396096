/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What `vpcgate discover --from` learns, from documents that were saved elsewhere. */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "share/cleanup.h"
#include "share/file.h"
#include "tools/discover.h"

#define MAX_NETWORKS 64 /* in all files; further ones are not told */
#define MAX_DEPTH 8	/* at which the shapes have their networks, and some */
#define FIRST_NIC 4	/* ens4; the second is ens5 */

struct document {
	const char *path;
	char *text;
	size_t length;
	enum vg_shape shape;
};

struct reading {
	struct document documents[VG_DISCOVER_MAX_FILES];
	size_t n;
	char *networks[MAX_NETWORKS]; /* short names, each once; those to take ranges of first */
	size_t n_networks, n_chosen;
	struct vg_found *found;
	struct vg_diag *diag;
};

static void reading_done(struct reading *reading)
{
	for (size_t i = 0; i < reading->n; i++)
		free(reading->documents[i].text);
	for (size_t i = 0; i < reading->n_networks; i++)
		free(reading->networks[i]);
}

static int __attribute__((format(printf, 4, 5)))
refuse(struct reading *reading, int error, const char *file, const char *format, ...)
{
	char text[VG_DIAG_TEXT_SIZE];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	return vg_diag_set(reading->diag, error, file, (struct vg_position){}, "%s", text);
}

/* ---- which networks there are ---- */

static int add_network(struct reading *reading, const char *name)
{
	const char *slash = strrchr(name, '/');

	name = slash ? slash + 1 : name;
	for (size_t i = 0; i < reading->n_networks; i++) {
		if (!strcmp(reading->networks[i], name))
			return 0;
	}
	if (reading->n_networks == MAX_NETWORKS)
		return 0;
	reading->networks[reading->n_networks] = strdup(name);
	return reading->networks[reading->n_networks++] ? 0 : -ENOMEM;
}

/* The networks that objects with a range name, wherever a shape has them. */
static int add_networks(struct reading *reading, const json_t *json, unsigned depth)
{
	const char *network = json_string_value(json_object_get(json, "network")), *key;
	json_t *item;
	size_t i;
	int r = 0;

	if (network && json_object_get(json, "ipCidrRange"))
		return add_network(reading, network);
	if (depth == MAX_DEPTH)
		return 0;
	json_array_foreach(json, i, item)
		r = r < 0 ? r : add_networks(reading, item, depth + 1);
	json_object_foreach((json_t *)json, key, item)
		r = r < 0 ? r : add_networks(reading, item, depth + 1);
	return r;
}

static int find_networks(struct reading *reading)
{
	const struct vg_found *found = reading->found;
	int r = 0;

	for (size_t i = 0; r == 0 && i < found->n_nics; i++) {
		if (found->nics[i].metadata && found->nics[i].metadata->network)
			r = add_network(reading, found->nics[i].metadata->network);
	}
	reading->n_chosen = reading->n_networks;
	for (size_t i = 0; r == 0 && i < reading->n; i++) {
		const struct document *document = &reading->documents[i];
		json_auto_t *json = NULL;

		if (document->shape == VG_SHAPE_SUBNETS || document->shape == VG_SHAPE_CONNECTORS)
			json = json_loadb(document->text, document->length, 0, NULL);
		r = json ? add_networks(reading, json, 0) : 0;
	}
	return r;
}

static int refuse_networks(struct reading *reading, const char *wrong)
{
	char names[VG_DIAG_TEXT_SIZE] = "", name[VG_DISCOVER_NAME_SIZE];
	size_t used = 0;

	for (size_t i = 0; i < reading->n_networks && used < sizeof(names); i++)
		used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s", i ? ", " : "",
					 vg_discover_name(reading->networks[i], name));
	return refuse(reading, EINVAL, "", "%s: give --network with one of %s", wrong, names);
}

/* Leaves in `networks` those whose ranges are taken; none: all ranges are. */
static int choose_networks(struct reading *reading, const char *wanted)
{
	char wrong[VG_DISCOVER_NAME_SIZE + 64], name[VG_DISCOVER_NAME_SIZE];
	size_t n = reading->n_chosen;

	if (!wanted) {
		if (!n && reading->n_networks > 1)
			return refuse_networks(reading, "the files hold several networks");
		reading->n_chosen = n ? n : reading->n_networks;
		return 0;
	}
	for (size_t i = 0; i < reading->n_networks; i++) {
		char *chosen = reading->networks[i];

		if (strcmp(chosen, wanted) != 0)
			continue;
		reading->networks[i] = reading->networks[0];
		reading->networks[0] = chosen;
		reading->n_chosen = 1;
		return 0;
	}
	snprintf(wrong, sizeof(wrong), "the files have no network '%s'",
		 vg_discover_name(wanted, name));
	return reading->n_networks ? refuse_networks(reading, wrong)
				   : refuse(reading, EINVAL, "", "%s, nor any other", wrong);
}

/* ---- the documents ---- */

static int refuse_published(struct reading *reading, const char *path)
{
	return refuse(
		reading, EINVAL, path,
		"these are public addresses of Google's, not your network's: write `%s` into a "
		"source set instead",
		"google:goog");
}

/* What is missing in a document that is well otherwise. */
static void note_page(struct reading *reading, size_t i, const struct vg_page *page)
{
	char *note = reading->found->notes[i];
	const size_t size = sizeof(reading->found->notes[i]);
	size_t used = 0;

	if (page->next_token)
		used += (size_t)
			snprintf(note + used, size - used,
				 "a page of several: the next one has to be among the files, "
				 "or take what gcloud prints, which is all. ");
	if (page->n_unread)
		used += (size_t)snprintf(note + used, size - used,
					 "ranges are missing: %.64s couldn't be read%s. ",
					 strcmp(page->unread[0], VG_LISTING_ANY_SCOPE) != 0
						 ? page->unread[0]
						 : "some regions",
					 page->n_unread > 1 ? ", and more" : "");
	if (page->n_left_out)
		snprintf(note + used, size - used, "left out: %zu (%s)", page->n_left_out,
			 page->left_out);
}

/* Reads a file and sees what it is. Its ranges are read later, once the networks are known. */
static int load_document(struct reading *reading, const char *path)
{
	const struct vg_shape_wish wish = {.expected = VG_SHAPE_MAX};
	struct document *document = &reading->documents[reading->n];
	_cleanup_(vg_listing_done) struct vg_listing listing = {};
	_cleanup_(vg_page_done) struct vg_page page = {};
	struct vg_found *found = reading->found;
	int r;

	r = vg_file_read(path, &document->text, &document->length);
	if (r < 0)
		return refuse(reading, -r, path, "can't be read: %s", strerror(-r));
	document->path = path;
	reading->n++;
	r = vg_shape_read(path, document->text, document->length, &wish, &listing, &page,
			  reading->diag);
	if (r < 0)
		return r;
	document->shape = page.shape;
	if (page.shape == VG_SHAPE_PUBLISHED)
		return refuse_published(reading, path);
	note_page(reading, reading->n - 1, &page);
	if (page.shape != VG_SHAPE_NICS)
		return 0;
	if (found->metadata)
		return refuse(reading, EINVAL, path,
			      "the NICs of a second VM: one config is for one VM");
	return vg_metadata_nics_read(path, document->text, document->length, &found->metadata,
				     &found->n_metadata, reading->diag);
}

static int read_document(struct reading *reading, const struct document *document)
{
	static const enum vg_feed_kind kinds[] = {
		[VG_SHAPE_SUBNETS] = VG_FEED_SUBNETS,
		[VG_SHAPE_CONNECTORS] = VG_FEED_CONNECTORS,
		[VG_SHAPE_ROUTES] = VG_FEED_PEERING_ROUTES,
	};
	struct vg_found_feed *feed = &reading->found->feeds[kinds[document->shape]];
	int r = 0;

	feed->read = true;
	for (size_t i = 0; r == 0 && (i == 0 || i < reading->n_chosen); i++) {
		const struct vg_shape_wish wish = {
			.expected = document->shape,
			.network = reading->n_chosen ? reading->networks[i] : NULL,
		};
		_cleanup_(vg_page_done) struct vg_page page = {};

		r = vg_shape_read(document->path, document->text, document->length, &wish,
				  &feed->listing, &page, reading->diag);
	}
	vg_listing_sort(&feed->listing);
	return r;
}

static int read_documents(struct reading *reading)
{
	const struct vg_found_feed *subnets = &reading->found->feeds[VG_FEED_SUBNETS];
	char name[VG_DISCOVER_NAME_SIZE];
	int r = 0;

	for (size_t i = 0; r == 0 && i < reading->n; i++) {
		if (reading->documents[i].shape != VG_SHAPE_NICS)
			r = read_document(reading, &reading->documents[i]);
	}
	if (r == 0 && subnets->read && !subnets->listing.n && reading->n_chosen)
		return refuse(reading, EINVAL, "", "the files have no subnet of the network %s",
			      vg_discover_name(reading->networks[0], name));
	return r;
}

/* ---- the NICs ---- */

/* Names aren't in the metadata; images of Compute Engine have them in the same order. */
static int name_nics(struct vg_found *found, const char *interface)
{
	const size_t n = interface || !found->n_metadata ? 1 : found->n_metadata;

	found->nics = calloc(n, sizeof(*found->nics));
	if (!found->nics)
		return -ENOMEM;
	found->n_nics = n < VG_MAX_INTERFACES ? n : VG_MAX_INTERFACES;
	found->found_by = interface ? VG_FOUND_BY_NAME : VG_FOUND_BY_CUSTOM;
	for (size_t i = 0; i < found->n_nics; i++) {
		struct vg_found_nic *nic = &found->nics[i];

		if (interface)
			snprintf(nic->host.name, sizeof(nic->host.name), "%s", interface);
		else
			snprintf(nic->host.name, sizeof(nic->host.name), "ens%zu", i + FIRST_NIC);
		nic->metadata = i < found->n_metadata ? &found->metadata[i] : NULL;
	}
	return 0;
}

int vg_discover_read(const char *const *files, size_t n_files, const char *network,
		     const char *interface, struct vg_found *ret_found, struct vg_diag *diag)
{
	_cleanup_(vg_found_done) struct vg_found found = {
		.time_s = time(NULL), .files = files, .n_files = n_files};
	_cleanup_(reading_done) struct reading reading = {.found = &found, .diag = diag};
	int r = 0;

	if (interface && strlen(interface) >= IF_NAMESIZE)
		return vg_diag_set(diag, EINVAL, "", (struct vg_position){},
				   "'%s' is no interface: names have at most %d bytes", interface,
				   IF_NAMESIZE - 1);
	for (size_t i = 0; r == 0 && i < n_files; i++)
		r = load_document(&reading, files[i]);
	if (r == 0)
		r = name_nics(&found, interface);
	if (r == 0)
		r = vg_found_read_metadata(&found);
	if (r == 0)
		r = find_networks(&reading);
	if (r == 0)
		r = choose_networks(&reading, network);
	if (r == 0)
		r = read_documents(&reading);
	if (r < 0)
		return r;
	*ret_found = found;
	found = (struct vg_found){};
	return 0;
}
