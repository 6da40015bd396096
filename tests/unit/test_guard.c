/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "discovery/guard.c"

#define AFTER_US 1800000000ull
#define NOTHING "-" /* nothing is in force yet */

/*
 * "s 0-9": the subnets 10.0.0.0/20, 10.1.0.0/20 and so on; "p": proxy subnets of a region, from
 * 172.16.0.0/24; each kind once at most.
 */
static struct vg_listing listing_of(const char *text)
{
	struct vg_listing listing = {};

	for (; *text; text += strcspn(text, ",") + (strchr(text, ',') ? 1 : 0)) {
		char kind;
		unsigned first, last;

		assert_int_equal(sscanf(text, " %c%u-%u", &kind, &first, &last), 3);
		for (unsigned i = first; i <= last; i++) {
			const struct vg_prefix subnet = {{(10ull << 56) + ((__u64)i << 48), 0, 4},
							 20},
					       proxy = {
						       {(0xac10ull << 48) + ((__u64)i << 40), 0, 4},
						       24};

			assert_int_equal(vg_listing_add(&listing, kind == 's' ? &subnet : &proxy,
							kind == 's' ? VG_RANGE_SUBNET
								    : VG_RANGE_REGIONAL_PROXY,
							VG_LISTING_NO_SCOPE),
					 0);
		}
	}
	vg_listing_sort(&listing);
	return listing;
}

/* "10.0.0.0/20" and so on as "s0", proxies as "p0". */
static void print_listing(const struct vg_listing *listing, char *text, size_t size)
{
	size_t used = 0;

	*text = '\0';
	for (size_t i = 0; i < listing->n && used < size; i++) {
		const __u64 hi = listing->items[i].prefix.address.hi;
		const bool subnet = listing->items[i].use == VG_RANGE_SUBNET;

		used += (size_t)snprintf(text + used, size - used, "%s%c%u", i ? "," : "",
					 subnet ? 's' : 'p',
					 (unsigned)(subnet ? hi >> 48 : hi >> 40) & 0xff);
	}
}

/* Of an answer to what is in force. */
static int judge(struct vg_guard *guard, const struct vg_guard_rules *rules, const char *in_force,
		 const char *fresh, uint64_t now_us)
{
	_cleanup_(vg_listing_done) struct vg_listing old =
		listing_of(strcmp(in_force, NOTHING) == 0 ? "" : in_force);
	_cleanup_(vg_listing_done) struct vg_listing new = listing_of(fresh);

	return vg_guard_judge(guard, rules, strcmp(in_force, NOTHING) == 0 ? NULL : &old, &new,
			      now_us);
}

static void losses_are_held_back(void **state)
{
	static const struct {
		const char *name;
		unsigned max_shrink_percent;
		bool may_be_empty;
		const char *in_force, *fresh;
		const char *reason; /* NULL: it is believed */
	} cases[] = {
		{"the same", 0, false, "s0-9", "s0-9", NULL},
		{"more", 0, false, "s0-9", "s0-19", NULL},
		{"the first", 50, false, NOTHING, "s0-0", NULL},
		{"half of it", 50, false, "s0-9", "s0-4", NULL},
		{"more than half", 50, false, "s0-9", "s0-3",
		 "subnet: 6 of 10 ranges are gone (60%, max-shrink is 50%): 10.4.0.0/20, "
		 "10.5.0.0/20, 10.6.0.0/20, 10.7.0.0/20, ..."},
		{"just as many are new", 50, false, "s0-9", "s6-99",
		 "subnet: 6 of 10 ranges are gone (60%, max-shrink is 50%): 10.0.0.0/20, "
		 "10.1.0.0/20, 10.2.0.0/20, 10.3.0.0/20, ..."},
		{"one too many of three", 33, false, "s0-2", "s0-1",
		 "subnet: 1 of 3 ranges are gone (34%, max-shrink is 33%): 10.2.0.0/20"},
		{"none may go", 0, false, "s0-99", "s0-6,s8-99",
		 "subnet: 1 of 100 ranges are gone (1%, max-shrink is 0%): 10.7.0.0/20"},
		{"of one use all, of another none", 50, false, "s0-9,p0-1", "s0-9",
		 "regional-proxy: 2 of 2 ranges are gone (100%, max-shrink is 50%): "
		 "172.16.0.0/24, 172.16.1.0/24"},
		{"of each use half", 50, false, "s0-9,p0-1", "s0-4,p0-0", NULL},
		{"four in all", 50, false, "s0-3", "p0-0",
		 "subnet: 4 of 4 ranges are gone (100%, max-shrink is 50%): 10.0.0.0/20, "
		 "10.1.0.0/20, 10.2.0.0/20, 10.3.0.0/20"},
		{"all may go, and do", 100, false, "s0-9", "p0-0", NULL},
		{"empty", 100, false, "s0-9", "", "the answer has no ranges at all"},
		{"empty at first", 100, false, NOTHING, "", "the answer has no ranges at all"},
		{"empty again", 50, false, "", "", NULL},
		{"empty where it may be", 50, true, NOTHING, "", NULL},
		{"empty again where it may be", 50, true, "", "", NULL},
		{"empty after some where it may be", 50, true, "s0-0", "",
		 "subnet: 1 of 1 ranges are gone (100%, max-shrink is 50%): 10.0.0.0/20"},
		{"empty where it may be, and all may go", 100, true, "s0-0", "", NULL},
	};

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		const struct vg_guard_rules rules = {cases[i].max_shrink_percent, AFTER_US,
						     cases[i].may_be_empty};
		const int expected = cases[i].reason ? VG_GUARD_HELD : VG_GUARD_BELIEVED;
		_cleanup_(vg_guard_done) struct vg_guard guard = {};
		int r;

		r = judge(&guard, &rules, cases[i].in_force, cases[i].fresh, 1);
		if (r != expected || guard.holds != (expected == VG_GUARD_HELD) ||
		    strcmp(guard.reason, cases[i].reason ?: "") != 0)
			fail_msg("%s: %d, '%s'", cases[i].name, r, guard.reason);
	}
}

/* Each answer is published before the next one comes. */
static void answers_follow_each_other(void **state)
{
	static const struct {
		const char *name;
		struct {
			const char *fresh;
			uint64_t at_us;
			enum vg_guard_verdict verdict;
			const char *in_force; /* from then on */
		} answers[6];		      /* up to the one without a listing */
	} stories[] = {
		{"just before and after the time",
		 {{"s0-9", 1, VG_GUARD_BELIEVED, "s0-9"},
		  {"s0-1", 5, VG_GUARD_HELD, "s0-9"},
		  {"s0-1", AFTER_US + 4, VG_GUARD_HELD, "s0-9"},
		  {"s0-1", AFTER_US + 5, VG_GUARD_BELIEVED, "s0-1"}}},
		{"an answer that is fine begins the time anew",
		 {{"s0-9", 1, VG_GUARD_BELIEVED, "s0-9"},
		  {"s0-1", 5, VG_GUARD_HELD, "s0-9"},
		  {"s0-9", 6, VG_GUARD_BELIEVED, "s0-9"},
		  {"s0-1", AFTER_US + 5, VG_GUARD_HELD, "s0-9"}}},
		{"each range has a time of its own",
		 {{"s0-9", 1, VG_GUARD_BELIEVED, "s0-9"},
		  {"s0-3", 5, VG_GUARD_HELD, "s0-9"},
		  {"s0-2", AFTER_US, VG_GUARD_HELD, "s0-9"},
		  {"s0-2", AFTER_US + 5, VG_GUARD_BELIEVED, "s0-2"}}},
		{"what comes back is there again",
		 {{"s0-9", 1, VG_GUARD_BELIEVED, "s0-9"},
		  {"s0-1", 5, VG_GUARD_HELD, "s0-9"},
		  {"s0-1,s4-4", AFTER_US, VG_GUARD_HELD, "s0-9"},
		  {"s0-1", AFTER_US + 4, VG_GUARD_HELD, "s0-9"},
		  {"s0-1,s4-4", AFTER_US + 5, VG_GUARD_BELIEVED, "s0-1,s4-4"}}},
		{"what is added meanwhile counts at once",
		 {{"s0-9", 1, VG_GUARD_BELIEVED, "s0-9"},
		  {"s0-1,s20-21", 5, VG_GUARD_HELD, "s0-9,s20-21"},
		  {"s0-1,s20-22", 6, VG_GUARD_HELD, "s0-9,s20-22"},
		  {"s0-1,s20-22", AFTER_US + 5, VG_GUARD_BELIEVED, "s0-1,s20-22"}}},
		{"half each time is more than half",
		 {{"s0-15", 1, VG_GUARD_BELIEVED, "s0-15"},
		  {"s0-7", 5, VG_GUARD_BELIEVED, "s0-7"},
		  {"s0-3", 6, VG_GUARD_HELD, "s0-7"},
		  {"s0-1", AFTER_US + 4, VG_GUARD_HELD, "s0-7"},
		  {"s0-1", AFTER_US + 6, VG_GUARD_BELIEVED, "s0-1"}}},
		{"half again when the first half is long gone",
		 {{"s0-15", 1, VG_GUARD_BELIEVED, "s0-15"},
		  {"s0-7", 5, VG_GUARD_BELIEVED, "s0-7"},
		  {"s0-7", AFTER_US, VG_GUARD_BELIEVED, "s0-7"},
		  {"s0-3", AFTER_US + 5, VG_GUARD_BELIEVED, "s0-3"}}},
		{"half that has come back meanwhile",
		 {{"s0-15", 1, VG_GUARD_BELIEVED, "s0-15"},
		  {"s0-7", 5, VG_GUARD_BELIEVED, "s0-7"},
		  {"s0-15", 6, VG_GUARD_BELIEVED, "s0-15"},
		  {"s8-15", 7, VG_GUARD_BELIEVED, "s8-15"}}},
		{"what was added counts as well",
		 {{"s0-3", 1, VG_GUARD_BELIEVED, "s0-3"},
		  {"s0-9", 5, VG_GUARD_BELIEVED, "s0-9"},
		  {"s0-3", 6, VG_GUARD_HELD, "s0-9"}}},
		{"back from elsewhere",
		 {{"s0-3", 1, VG_GUARD_BELIEVED, "s0-3"},
		  {"s20-23", 5, VG_GUARD_HELD, "s0-3,s20-23"},
		  {"s0-3", 6, VG_GUARD_BELIEVED, "s0-3"}}},
		{"empty",
		 {{"s0-9", 1, VG_GUARD_BELIEVED, "s0-9"},
		  {"", 5, VG_GUARD_HELD, "s0-9"},
		  {"", AFTER_US, VG_GUARD_HELD, "s0-9"},
		  {"", AFTER_US + 5, VG_GUARD_BELIEVED, ""},
		  {"", AFTER_US + 6, VG_GUARD_BELIEVED, ""},
		  {"s0-9", AFTER_US + 7, VG_GUARD_BELIEVED, "s0-9"}}},
		{"a use that is whole isn't kept with another",
		 {{"s0-9,p0-3", 1, VG_GUARD_BELIEVED, "s0-9,p0-3"},
		  {"s0-4,p0-0", 5, VG_GUARD_HELD, "s0-4,p0-3"}}},
	};
	static const struct vg_guard_rules rules = {50, AFTER_US, false};

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(stories); i++) {
		_cleanup_(vg_listing_done) struct vg_listing in_force = {};
		_cleanup_(vg_guard_done) struct vg_guard guard = {};

		for (size_t k = 0; k < 6 && stories[i].answers[k].fresh; k++) {
			_cleanup_(vg_listing_done) struct vg_listing expected =
				listing_of(stories[i].answers[k].in_force);
			struct vg_listing fresh = listing_of(stories[i].answers[k].fresh);
			const int r = vg_guard_judge(&guard, &rules, k ? &in_force : NULL, &fresh,
						     stories[i].answers[k].at_us);
			char text[1024];

			vg_listing_done(&in_force);
			in_force = fresh;
			print_listing(&in_force, text, sizeof(text));
			if (r != (int)stories[i].answers[k].verdict || guard.holds != r ||
			    !vg_listing_equal(&in_force, &expected))
				fail_msg("%s: answer %zu: %d, in force: %s", stories[i].name, k, r,
					 text);
		}
	}
}

static void losses_may_be_accepted(void **state)
{
	static const struct vg_guard_rules rules = {50, AFTER_US, false};
	_cleanup_(vg_listing_done) struct vg_listing old = listing_of("s0-9");
	_cleanup_(vg_listing_done) struct vg_listing fresh = listing_of("s0-1,s20-20");
	_cleanup_(vg_listing_done) struct vg_listing expected = listing_of("s0-1,s20-20");
	_cleanup_(vg_listing_done) struct vg_listing accepted = {}, none = {}, empty = {};
	_cleanup_(vg_guard_done) struct vg_guard guard = {};

	(void)state;
	assert_int_equal(vg_guard_judge(&guard, &rules, &old, &fresh, 1), VG_GUARD_HELD);
	assert_int_equal(fresh.n, 11);
	assert_int_equal(vg_guard_without(&guard, &fresh, &accepted), 0);
	assert_true(vg_listing_equal(&accepted, &expected));
	assert_true(guard.holds);
	assert_int_equal(vg_guard_judge(&guard, &rules, NULL, &none, 1), VG_GUARD_HELD);
	assert_int_equal(vg_guard_without(&guard, NULL, &empty), 0);
	assert_int_equal(empty.n, 0);
}

/* Where a range is listed is kept with it; `shared` is the answer's. */
static void kept_ranges_keep_their_scope(void **state)
{
	static const struct vg_guard_rules rules = {0, AFTER_US, false};
	_cleanup_(vg_listing_done) struct vg_listing old = {}, fresh = {.shared = true};
	_cleanup_(vg_guard_done) struct vg_guard guard = {};
	const struct vg_prefix first = {{10ull << 56, 0, 4}, 20},
			       second = {{11ull << 56, 0, 4}, 20};
	__u16 scope;

	(void)state;
	assert_int_equal(vg_listing_scope(&old, "regions/r", &scope), 0);
	assert_int_equal(vg_listing_add(&old, &first, VG_RANGE_SUBNET, scope), 0);
	assert_int_equal(vg_listing_scope(&fresh, "regions/s", &scope), 0);
	assert_int_equal(vg_listing_add(&fresh, &second, VG_RANGE_SUBNET, scope), 0);
	assert_int_equal(vg_guard_judge(&guard, &rules, &old, &fresh, 1), VG_GUARD_HELD);
	assert_int_equal(fresh.n, 2);
	assert_true(fresh.shared);
	assert_string_equal(fresh.scopes[fresh.items[0].scope], "regions/r");
	assert_string_equal(fresh.scopes[fresh.items[1].scope], "regions/s");
	assert_int_equal(guard.first_us, 1);
	assert_int_equal(guard.last_us, 1);
}

/* The longest reason there is, and the largest listings, in time. */
static void large_losses_are_explained(void **state)
{
	static const struct vg_guard_rules rules = {99, AFTER_US, false};
	_cleanup_(vg_listing_done) struct vg_listing old = {}, new = {};
	_cleanup_(vg_guard_done) struct vg_guard guard = {};

	(void)state;
	for (size_t i = 0; i < VG_LISTING_MAX_RANGES; i++) {
		const struct vg_prefix prefix = {
			{0x20010db8aaaaaaaa, 0xbbbbcccc00000000 + (i << 8), 6}, 120};

		vg_listing_add(i < 1000 ? &new : &old, &prefix, VG_RANGE_REGIONAL_PROXY,
			       VG_LISTING_NO_SCOPE);
	}
	assert_int_equal(vg_guard_judge(&guard, &rules, &old, &new, 1), VG_GUARD_HELD);
	assert_string_equal(guard.reason,
			    "regional-proxy: 249000 of 249000 ranges are gone (100%, max-shrink is "
			    "99%): 2001:db8:aaaa:aaaa:bbbb:cccc:3:e800/120, "
			    "2001:db8:aaaa:aaaa:bbbb:cccc:3:e900/120, "
			    "2001:db8:aaaa:aaaa:bbbb:cccc:3:ea00/120, "
			    "2001:db8:aaaa:aaaa:bbbb:cccc:3:eb00/120, ...");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(losses_are_held_back),
		cmocka_unit_test(answers_follow_each_other),
		cmocka_unit_test(losses_may_be_accepted),
		cmocka_unit_test(kept_ranges_keep_their_scope),
		cmocka_unit_test(large_losses_are_explained),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
