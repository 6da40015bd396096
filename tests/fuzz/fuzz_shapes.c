/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * libFuzzer's entry: a byte that says what is wished for, and any bytes as a document. Whatever they
 * are, they are taken or refused with a message, nothing leaks, and what is taken obeys the rules of
 * a listing.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "core/shapes.h"
#include "share/cleanup.h"

static void expect(bool condition)
{
	if (!condition)
		abort();
}

/* '0' to '5' is each shape and any of them, '6' to ';' the same of one network, and so on. */
static struct vg_shape_wish wish_of(uint8_t byte)
{
	const unsigned filters = byte / (VG_SHAPE_MAX + 1);

	return (struct vg_shape_wish){
		.expected = (enum vg_shape)(byte % (VG_SHAPE_MAX + 1)),
		.network = filters & 1 ? "prod" : NULL,
		.service = filters & 2 ? "Google Cloud" : NULL,
		.scope = filters & 4 ? "us-central1" : NULL,
	};
}

static void check_message(const struct vg_diag *diag)
{
	expect(diag->text[0] && memchr(diag->text, '\0', sizeof(diag->text)));
	for (const char *c = diag->text; *c; c++)
		expect((unsigned char)*c >= ' ' && *c != 0x7f);
}

/* The text of a prefix is that of a prefix: no host bits, no length that is too large. */
static void check_range(const struct vg_listing *listing, const struct vg_listed *item)
{
	char text[VG_PREFIX_TEXT_SIZE];
	struct vg_prefix again;

	expect(vg_prefix_parse(vg_prefix_format(&item->prefix, text), &again, NULL, 0) == 0);
	expect(vg_prefix_compare(&item->prefix, &again) == 0 && item->prefix.length > 0);
	expect(item->use < VG_RANGE_USE_MAX);
	expect(item->scope < listing->n_scopes || item->scope == VG_LISTING_NO_SCOPE);
}

static void check_page(const struct vg_page *page, enum vg_shape expected)
{
	expect(page->shape < VG_SHAPE_MAX);
	expect(expected == VG_SHAPE_MAX || page->shape == expected);
	expect(!page->n_left_out == !page->left_out[0]);
	expect(!page->next_token || page->next_token[0]);
	expect(!page->version || page->version[0]);
	for (size_t i = 0; i < page->n_unread; i++) {
		expect(!strcmp(page->unread[i], VG_LISTING_ANY_SCOPE) ||
		       !strncmp(page->unread[i], "regions/", 8));
		for (size_t k = 0; k < i; k++)
			expect(strcmp(page->unread[i], page->unread[k]) != 0);
	}
}

/* Nothing is gone from a listing that is compared with itself, and all of it is kept or taken away. */
static void check_sets(const struct vg_listing *listing)
{
	static const char *const all_scopes[] = {VG_LISTING_ANY_SCOPE};
	_cleanup_(vg_listing_done) struct vg_listing none = {}, kept = {}, same = {};
	_cleanup_free_ bool *gone = calloc(listing->n + 1, sizeof(*gone));

	expect(gone);
	expect(vg_listing_subtract(listing, listing, &none) == 0 && none.n == 0);
	expect(vg_listing_gone(listing, listing, gone) == 0);
	for (size_t i = 0; i < listing->n; i++)
		expect(!gone[i]);
	expect(vg_listing_keep(&kept, listing, all_scopes, 1) == 0);
	expect(vg_listing_equal(&kept, listing));
	expect(vg_listing_subtract(listing, &none, &same) == 0);
	vg_listing_done(&none);
	expect(vg_listing_subtract(&same, listing, &none) == 0 && none.n == 0);
}

static void check_listing(struct vg_listing *listing)
{
	expect(listing->n <= VG_LISTING_MAX_RANGES && listing->n <= listing->allocated);
	expect(listing->n_scopes <= VG_LISTING_MAX_SCOPES);
	for (size_t i = 0; i < listing->n; i++)
		check_range(listing, &listing->items[i]);
	vg_listing_sort(listing);
	for (size_t i = 1; i < listing->n; i++) {
		const struct vg_listed *before = &listing->items[i - 1], *item = &listing->items[i];
		const int order = vg_prefix_compare(&before->prefix, &item->prefix);

		expect(order < 0 || (order == 0 && before->use < item->use));
	}
	check_sets(listing);
}

/* The reader of NICs alone takes the same documents, and finds the same ranges. */
static void check_nics(const char *text, size_t length, const struct vg_listing *listing)
{
	struct vg_metadata_nic *nics = NULL;
	struct vg_diag diag = {};
	size_t n = 0, ranges = 0;

	expect(vg_metadata_nics_read("fuzz", text, length, &nics, &n, &diag) == 0);
	for (size_t i = 0; i < n; i++) {
		expect(strlen(nics[i].mac) == 0 || strlen(nics[i].mac) == 17);
		ranges += nics[i].subnet.n;
		for (size_t k = 0; k < nics[i].forwarded.n; k++)
			check_range(&nics[i].forwarded, &nics[i].forwarded.items[k]);
	}
	expect(ranges >= listing->n);
	vg_metadata_nics_free(nics, n);
}

/* ---- mutations that leave JSON what it is: of a thousand random ones hardly one does ---- */

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

static const char *const values[] = {
	"",
	"x",
	"0.0.0.0/0",
	"::/0",
	"10.0.0.0/8",
	"10.0.0.1/8",
	"10.0.0.0/33",
	"10.0.0.7",
	"fd20::/64",
	"FD20:0:0:0:0:0:0:0/64",
	"::ffff:0:0/96",
	"0.0.0.0",
	"255.255.255.255",
	"255.0.255.0",
	"PRIVATE",
	"PRIVATE_NAT",
	"GLOBAL_MANAGED_PROXY",
	"PRIVATE_SERVICE_CONNECT",
	"NO_RESULTS_ON_PAGE",
	"UNREACHABLE",
	"DELETING",
	"prod",
	"projects/1/networks/prod",
	"projects//networks/",
	"regions/a b",
	"regions/a",
	"projects/p/locations/b/connectors/c",
	"scope",
	"\\u001b",
	"\\u0000",
	"ipCidrRange",
	"ipv6CidrRange",
	"secondaryIpRanges",
	"subnetworks",
	"items",
	"prefixes",
	"connectors",
	"warning",
	"unreachables",
	"nextPageToken",
	"destRange",
	"mac",
};

/* The offset of the `n`th quotation mark, counted round and round; `size` where there is none. */
static size_t find_quote(const uint8_t *data, size_t size, unsigned n)
{
	size_t quotes = 0;

	for (size_t i = 0; i < size; i++)
		quotes += data[i] == '"';
	if (!quotes)
		return size;
	n %= quotes;
	for (size_t i = 0; i < size; i++) {
		if (data[i] == '"' && !n--)
			return i;
	}
	return size;
}

/* Puts a text that matters in the place of another one, as often as it changes bytes at random. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
	const char *value = values[seed / 2 % VG_ARRAY_SIZE(values)];
	const size_t length = strlen(value);
	size_t begin, end;

	begin = find_quote(data, size, seed / (2 * VG_ARRAY_SIZE(values)));
	if (seed % 2 || begin == size)
		return LLVMFuzzerMutate(data, size, max_size);
	begin++;
	for (end = begin; end < size && data[end] != '"';)
		end++;
	if (size - (end - begin) + length > max_size)
		return LLVMFuzzerMutate(data, size, max_size);
	memmove(data + begin + length, data + end, size - end);
	memcpy(data + begin, value, length);
	return size - (end - begin) + length;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data + 1;
	_cleanup_(vg_listing_done) struct vg_listing listing = {};
	_cleanup_(vg_page_done) struct vg_page page = {};
	struct vg_shape_wish wish;
	struct vg_diag diag = {};
	int r;

	if (!size)
		return 0;
	wish = wish_of(data[0]);
	r = vg_shape_read("fuzz", text, size - 1, &wish, &listing, &page, &diag);
	if (r < 0) {
		expect(r == -EINVAL || r == -E2BIG);
		check_message(&diag);
		return 0;
	}
	expect(vg_shape_is_json(text, size - 1));
	check_page(&page, wish.expected);
	if (page.shape == VG_SHAPE_NICS)
		check_nics(text, size - 1, &listing);
	check_listing(&listing);
	return 0;
}
