/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The judge is judged on datagrams in fragments, worked out by hand from the design. */
#include "tests/unit/oracle_case.h"

static void fragment4(struct vg_frame *frame, const char *source, __u8 protocol, __u16 field,
		      __u16 port, size_t n)
{
	const struct vg_raw_address from = vg_raw_address(source), to = vg_raw_address(HERE4);

	vg_frame_begin(frame);
	vg_frame_ipv4(frame, &from, &to, field, 0);
	vg_frame_l4(frame, protocol, 4000, port);
	vg_frame_zeroes(frame, 60);
	vg_frame_cut(frame, frame->ip + 20 + n, false);
	vg_frame_finish(frame);
}

static void test_whole_headers(void **state)
{
	static const struct {
		__u8 protocol;
		size_t size;
	} cases[] = {{1, 8}, {58, 8}, {6, 20}, {17, 8}, {33, 12}, {132, 12}, {136, 8}};
	struct vg_frame frame;
	char name[32];

	(void)state;
	for (size_t i = 0; i < VG_ARRAY_SIZE(cases); i++) {
		const __u8 protocol = cases[i].protocol;
		const size_t size = cases[i].size;

		snprintf(name, sizeof(name), "protocol %u", protocol);
		fragment4(&frame, THERE4, protocol, VG_FRAGMENT_MORE, 22, size - 1);
		judged(name, &frame, "fragment", NO_SERVICE);
		fragment4(&frame, THERE4, protocol, VG_FRAGMENT_MORE, 22, size);
		judged(name, &frame, "unlisted", NO_SERVICE);
		fragment4(&frame, THERE4, protocol, (__u16)((size - 1) / 8), 22, 8);
		judged(name, &frame, size > 8 ? "fragment" : "unlisted", NO_SERVICE);
		fragment4(&frame, THERE4, protocol, (__u16)((size + 7) / 8), 22, 8);
		judged(name, &frame, "unlisted", NO_SERVICE);
	}
	fragment4(&frame, THERE4, 47, VG_FRAGMENT_MORE, 22, 0);
	judged("GRE without a byte", &frame, "unlisted", NO_SERVICE);
	fragment4(&frame, VPC4, 6, VG_FRAGMENT_MORE, 22, 19);
	judged("an admitted source, with services", &frame, "fragment", NO_SERVICE);
	scenario->n_services = 0;
	judged("an admitted source, without", &frame, "admitted", NO_SERVICE);
	fragment4(&frame, THERE4, 6, VG_FRAGMENT_MORE, 22, 19);
	judged("a refused source, which may reply", &frame, "fragment", NO_SERVICE);
	scenario->track = false;
	judged("a refused source", &frame, "unlisted", NO_SERVICE);
}

static void test_following4(void **state)
{
	struct vg_frame first, closed, later, early;

	(void)state;
	fragment4(&first, THERE4, 6, VG_FRAGMENT_MORE, 443, 24);
	fragment4(&closed, THERE4, 6, VG_FRAGMENT_MORE, 22, 24);
	fragment4(&later, THERE4, 6, 3, 22, 8);
	fragment4(&early, THERE4, 6, 2, 22, 8);
	judged("alone", &later, "unlisted", NO_SERVICE);
	judged("first", &first, "open", WEB);
	judged("later", &later, "open", WEB);
	judged("in the TCP header", &early, "fragment", NO_SERVICE);
	gate.now_s = 5029;
	judged("in time", &later, "open", WEB);
	gate.now_s = 5030;
	judged("too late", &later, "unlisted", NO_SERVICE);
	judged("first again", &first, "open", WEB);
	gate.nic = 1;
	judged("by another NIC", &later, "unlisted", NO_SERVICE);
	gate.nic = 0;
	vg_frame_refragment(&later, 24, true, 0x1235);
	judged("another id", &later, "unlisted", NO_SERVICE);
	vg_frame_refragment(&later, 24, true, 0x1234);
	later.bytes[later.ip + 9] = 17;
	judged("another protocol", &later, "unlisted", NO_SERVICE);
	later.bytes[later.ip + 9] = 6;
	judged("as it was", &later, "open", WEB);
	judged("to a closed port", &closed, "unlisted", NO_SERVICE);
	judged("forgotten", &later, "unlisted", NO_SERVICE);
}

/* Alone, a later fragment may be for the strictest service; its first one tells that it isn't. */
static void test_following_by_a_strict_service(void **state)
{
	struct vg_frame refused, admitted, later;

	(void)state;
	scenario->services[OFFICE_DNS] = (struct vg_scenario_service){
		.protocol = 17, .port = 53, .has_also_admit = true, .also_admit = 1 << 1};
	scenario->also_admit = 1 << 2; /* load-balancer */
	scenario->n_services = 2;
	fragment4(&refused, "35.191.0.1", 17, VG_FRAGMENT_MORE, 53, 24);
	fragment4(&admitted, "35.191.0.1", 17, VG_FRAGMENT_MORE, 54, 24);
	fragment4(&later, "35.191.0.1", 17, 1, 0, 8);
	judged("alone", &later, "not-admitted", NO_SERVICE);
	judged("first of another port", &admitted, "admitted", NO_SERVICE);
	judged("later", &later, "admitted", NO_SERVICE);
	judged("first of the service", &refused, "not-admitted", OFFICE_DNS);
	judged("later, alone again", &later, "not-admitted", NO_SERVICE);
}

static void test_replies_in_fragments(void **state)
{
	const struct vg_talk dns = {.local = vg_raw_address(HERE4),
				    .remote = vg_raw_address(THERE4),
				    .protocol = 17,
				    .local_port = 53,
				    .remote_port = 4000};
	struct vg_frame first, later;

	(void)state;
	fragment4(&first, THERE4, 17, VG_FRAGMENT_MORE, 53, 24);
	fragment4(&later, THERE4, 17, 3, 0, 8);
	send(&dns, 0);
	judged("first", &first, "reply", NO_SERVICE);
	judged("later", &later, "reply", NO_SERVICE);
	expect_flow("only the first counts", VG_FLOW_OPEN, 1, 5000, 100);
}

/* Next headers one after the other, the L4 last. */
static void fragment6(struct vg_frame *frame, unsigned before, __u16 offset, unsigned behind,
		      size_t cut)
{
	const struct vg_raw_address from = vg_raw_address(THERE6), to = vg_raw_address(HERE6);

	vg_frame_begin(frame);
	vg_frame_ipv6(frame, &from, &to, 64);
	for (unsigned i = 0; i < before; i++)
		vg_frame_extension(frame, VG_EXT_DESTINATION, 0);
	vg_frame_fragment(frame, offset, true);
	for (unsigned i = 0; i < behind; i++)
		vg_frame_extension(frame, VG_EXT_DESTINATION, 0);
	vg_frame_l4(frame, 6, 4000, 443);
	vg_frame_cut(frame, frame->length - cut, true);
}

static void test_fragments6(void **state)
{
	struct vg_frame frame, later;

	(void)state;
	fragment6(&frame, 1, 0, 1, 0);
	judged("first", &frame, "open", WEB);
	fragment6(&later, 2, 32, 0, 0);
	judged("behind the headers", &later, "open", WEB);
	fragment6(&later, 2, 24, 0, 0);
	judged("in the last of them", &later, "fragment", NO_SERVICE);
	gate.now_s = 5059;
	fragment6(&later, 0, 32, 0, 0);
	judged("in time", &later, "open", WEB);
	gate.now_s = 5060;
	judged("too late", &later, "unlisted", NO_SERVICE);
	fragment6(&later, 0, 16, 0, 0);
	judged("in a TCP header, by its own word", &later, "fragment", NO_SERVICE);
	later.bytes[later.fragment] = 60;
	judged("by its own word in nothing", &later, "unlisted", NO_SERVICE);
	fragment6(&frame, 0, 0, 0, 1);
	judged("19 bytes of TCP", &frame, "fragment", NO_SERVICE);
	fragment6(&frame, 0, 0, 7, 0);
	judged("eight headers", &frame, "open", WEB);
	fragment6(&frame, 0, 0, 8, 0);
	judged("nine headers", &frame, "fragment", NO_SERVICE);
	fragment6(&frame, 0, 0, 1, 21);
	judged("seven bytes of options", &frame, "fragment", NO_SERVICE);
	fragment6(&frame, 8, 0, 0, 0);
	judged("the fragment header is the ninth", &frame, "unlisted", NO_SERVICE);
	fragment6(&frame, 0, 0, 1, 0);
	frame.bytes[frame.fragment] = VG_EXT_FRAGMENT;
	judged("one that cuts nothing off in it", &frame, "open", WEB);
	frame.bytes[frame.fragment + 8 + 3] = 1;
	judged("fragments in fragments", &frame, "fragment", NO_SERVICE);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_whole_headers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_following4, setup, teardown),
		cmocka_unit_test_setup_teardown(test_following_by_a_strict_service, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_replies_in_fragments, setup, teardown),
		cmocka_unit_test_setup_teardown(test_fragments6, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
