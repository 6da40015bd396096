/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "discovery/taken.h"
#include "tests/unit/listing_text.h"

#define AFTER_US 1800000000ull

/* Each answer comes into force where it is believed. */
static void too_much_is_held_back(void **state)
{
	static const struct {
		const char *name, *whole;
		struct {
			const char *fresh;
			uint64_t at_us;
			const char *reason; /* NULL: it is believed */
		} answers[5]; /* the first is in force before; up to the one without a listing */
	} stories[] = {
		{"less", "10.0.0.0/8", {{"10.0.0.0/9", 1, NULL}, {"10.0.0.0/10", 2, NULL}}},
		{"half of what is left",
		 "10.0.0.0/8",
		 {{"10.0.0.0/9", 1, NULL}, {"10.0.0.0/9 10.128.0.0/10", 2, NULL}}},
		{"more than half",
		 "10.0.0.0/8",
		 {{"10.0.0.0/9", 1, NULL},
		  {"10.0.0.0/9 10.128.0.0/10 10.192.0.0/12", 2,
		   "it would take away 62% of what is left of others (max-shrink is 50%)"}}},
		{"a little of each of many",
		 "10.0.0.0/8 11.0.0.0/8 12.0.0.0/8",
		 {{"13.0.0.0/8", 1, NULL},
		  {"10.1.0.0/16 11.1.0.0/16 12.1.0.0/16 13.0.0.0/8", 2, NULL}}},
		{"much of what isn't there",
		 "10.0.0.0/8",
		 {{"12.0.0.0/8", 1, NULL}, {"12.0.0.0/8 13.0.0.0/8 14.0.0.0/7", 2, NULL}}},
		{"all of one family",
		 "10.0.0.0/8 fd20::/20",
		 {{"12.0.0.0/8", 1, NULL},
		  {"12.0.0.0/8 fd00::/8", 2,
		   "it would take away 100% of what is left of others (max-shrink is 50%)"}}},
		{"step by step",
		 "10.0.0.0/8",
		 {{"12.0.0.0/8", 1, NULL},
		  {"10.0.0.0/9", 2, NULL},
		  {"10.0.0.0/9 10.128.0.0/10", 3,
		   "it would take away 75% of what is left of others (max-shrink is 50%)"},
		  {"10.0.0.0/9 10.128.0.0/10", AFTER_US + 2,
		   "it would take away 75% of what is left of others (max-shrink is 50%)"},
		  {"10.0.0.0/9 10.128.0.0/10", AFTER_US + 3, NULL}}},
		{"step by step, but slowly",
		 "10.0.0.0/8",
		 {{"12.0.0.0/8", 1, NULL},
		  {"10.0.0.0/9", 2, NULL},
		  {"10.0.0.0/9 10.128.0.0/10", AFTER_US + 2, NULL},
		  {"10.0.0.0/9 10.128.0.0/10 10.192.0.0/11", 2 * AFTER_US + 2, NULL}}},
		{"it passes",
		 "10.0.0.0/8",
		 {{"12.0.0.0/8", 1, NULL},
		  {"10.0.0.0/8", 2,
		   "it would take away 100% of what is left of others (max-shrink is 50%)"},
		  {"12.0.0.0/8", 3, NULL},
		  {"10.0.0.0/8", AFTER_US + 2,
		   "it would take away 100% of what is left of others (max-shrink is 50%)"}}},
	};
	static const struct vg_guard_rules rules = {50, AFTER_US, false};

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(stories); i++) {
		_cleanup_(vg_listing_done) struct vg_listing whole = listing_of(stories[i].whole);
		struct vg_listing in_force = listing_of(stories[i].answers[0].fresh);
		struct vg_taken taken = {};

		for (size_t k = 1; k < 5 && stories[i].answers[k].fresh; k++) {
			struct vg_listing fresh = listing_of(stories[i].answers[k].fresh);
			const char *reason = stories[i].answers[k].reason;
			const int r = vg_taken_judge(&taken, &rules, &whole, &in_force, &fresh,
						     stories[i].answers[k].at_us);

			if (r != (reason ? VG_GUARD_HELD : VG_GUARD_BELIEVED) ||
			    taken.holds != !!reason ||
			    (reason && strcmp(taken.reason, reason) != 0))
				fail_msg("%s: answer %zu: %d, '%s'", stories[i].name, k, r,
					 taken.reason);
			vg_listing_done(reason ? &fresh : &in_force);
			if (!reason)
				in_force = fresh;
		}
		vg_listing_done(&in_force);
		vg_taken_done(&taken);
	}
}

static void shares_add_up(void **state)
{
	static const struct {
		const char *listing;
		double ipv4, ipv6;
	} cases[] = {
		{"", 0, 0},
		{"0.0.0.0/0", 1, 0},
		{"::/0 128.0.0.0/1", 0.5, 1},
		{"10.0.0.0/8 11.0.0.0/8", 1.0 / 128, 0},
		{"10.0.0.0/32", 1.0 / 4294967296.0, 0},
		{"fd20::/64 fd30::/65", 0, 1.5 / 18446744073709551616.0},
		{"fd20::1/128", 0, 1.0 / 18446744073709551616.0 / 18446744073709551616.0},
	};

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		_cleanup_(vg_listing_done) struct vg_listing listing = listing_of(cases[i].listing);

		if (vg_listing_share(&listing, 4) != cases[i].ipv4 ||
		    vg_listing_share(&listing, 6) != cases[i].ipv6)
			fail_msg("'%s'", cases[i].listing);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(too_much_is_held_back),
		cmocka_unit_test(shares_add_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
