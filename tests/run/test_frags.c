// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Frames in several buffers (jumbo MTU, xdp.frags): the IP length is held against the whole frame,
 * and the whole frame is counted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <linux/bpf.h>
#include "core/explain.h"
#include "share/cleanup.h"
#include "tests/oracle/rig.h"

#define FRAME_SIZE 9014

static const char policy_text[] = "interfaces: [t0]\n"
				  "ingress: internal\n"
				  "sources:\n"
				  "  vpc: [10.178.0.0/20, \"fd20:1:2::/48\"]\n";

static const struct vg_target nic = {.ifindex = 1, .name = "t0"};
static struct vg_rig rig;

static void make_ip4(__u8 frame[FRAME_SIZE], const char *source, unsigned total)
{
	memset(frame, 0, FRAME_SIZE);
	frame[12] = 8;
	frame[14] = 0x45;
	frame[16] = total >> 8;
	frame[17] = total;
	frame[22] = 64;
	frame[23] = 17;
	memcpy(frame + 26, source, 4);
}

static void make_ip6(__u8 frame[FRAME_SIZE], const char *source, unsigned payload)
{
	memset(frame, 0, FRAME_SIZE);
	memcpy(frame + 12, "\x86\xdd\x60", 3);
	frame[18] = payload >> 8;
	frame[19] = payload;
	frame[20] = 17;
	memcpy(frame + 22, source, 16);
}

/* Runs the frame; exactly this outcome must be counted, with all of its bytes. */
static void expect(const __u8 *frame, int action, enum vg_outcome outcome, unsigned set)
{
	struct vg_interface_counters before = {0}, after = {0};
	const int slot = vg_rig_slot(&rig, VG_LABEL_INTERFACE, VG_MAX_INTERFACES, "t0");
	const unsigned source = set ? vg_rig_slot(&rig, VG_LABEL_SOURCE, VG_MAX_SOURCES, "vpc") : 0;
	const struct vg_count *b = &before.count[outcome][source],
			      *a = &after.count[outcome][source];

	assert_true(slot >= 0);
	assert_int_equal(vg_rig_interface(&rig, slot, &before), 0);
	assert_int_equal(vg_dataplane_test_run(rig.dataplane, frame, FRAME_SIZE, 0, 1, NULL),
			 action);
	assert_int_equal(vg_rig_interface(&rig, slot, &after), 0);
	assert_int_equal(a->packets - b->packets, 1);
	assert_int_equal(a->bytes - b->bytes, FRAME_SIZE);
}

static void test_ip4(void **state)
{
	__u8 frame[FRAME_SIZE];

	(void)state;
	make_ip4(frame, "\x0a\xb2\x00\x09", FRAME_SIZE - 14);
	expect(frame, XDP_PASS, VG_PASS_ADMITTED, 1);
	make_ip4(frame, "\xcb\x00\x71\x09", FRAME_SIZE - 14);
	expect(frame, XDP_DROP, VG_DROP_UNLISTED, 0);
	make_ip4(frame, "\x0a\xb2\x00\x09", FRAME_SIZE - 13);
	expect(frame, XDP_DROP, VG_DROP_MALFORMED, 0);
	frame[14] = 0x65;
	expect(frame, XDP_DROP, VG_DROP_MALFORMED, 0);
	frame[14] = 0x44;
	expect(frame, XDP_DROP, VG_DROP_MALFORMED, 0);
}

static void test_ip6(void **state)
{
	static const char inside[] = "\xfd\x20\x00\x01\x00\x02\0\0\0\0\0\0\0\0\0\x09";
	static const char outside[] = "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x09";
	__u8 frame[FRAME_SIZE];

	(void)state;
	make_ip6(frame, inside, FRAME_SIZE - 54);
	expect(frame, XDP_PASS, VG_PASS_ADMITTED, 1);
	make_ip6(frame, outside, FRAME_SIZE - 54);
	expect(frame, XDP_DROP, VG_DROP_UNLISTED, 0);
	make_ip6(frame, inside, FRAME_SIZE - 53);
	expect(frame, XDP_DROP, VG_DROP_MALFORMED, 0);
}

static void test_non_ip(void **state)
{
	__u8 frame[FRAME_SIZE] = {[12] = 0x88, [13] = 0xcc};

	(void)state;
	expect(frame, XDP_DROP, VG_DROP_NON_IP, 0);
}

/* Ports beyond the linear part are hidden: a service stricter than the interface isn't reached. */
static void test_l4_beyond_the_linear_part(void **state)
{
	static const char strict[] =
		"interfaces: [t0]\n"
		"ingress: all\n"
		"sources: {vpc: [\"fd20:1:2::/48\"]}\n"
		"services:\n"
		"  - {name: ssh, protocol: tcp, port: 22, ingress: internal}\n";
	static const char outside[] = "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x09";
	static const char inside[] = "\xfd\x20\x00\x01\x00\x02\0\0\0\0\0\0\0\0\0\x09";
	_cleanup_(vg_policy_free_p) struct vg_policy *policy = NULL;
	__u8 frame[FRAME_SIZE];

	(void)state;
	assert_int_equal(vg_rig_publish(&rig, strict, strlen(strict), &nic, 1, &policy), 0);
	for (int i = 0; i < 2; i++) {
		make_ip6(frame, i ? inside : outside, FRAME_SIZE - 54);
		frame[20] = 60; /* two destination options headers of 2,048 bytes each */
		frame[54] = 60;
		frame[55] = 255;
		frame[54 + 2048] = 6;
		frame[55 + 2048] = 255;
		frame[54 + 4096 + 3] = 22;
		frame[54 + 4096 + 12] = 0x50;
		frame[54 + 4096 + 13] = 2;
		expect(frame, i ? XDP_PASS : XDP_DROP, i ? VG_PASS_ADMITTED : VG_DROP_UNLISTED, i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ip4),
		cmocka_unit_test(test_ip6),
		cmocka_unit_test(test_non_ip),
		cmocka_unit_test(test_l4_beyond_the_linear_part),
	};
	_cleanup_(vg_policy_free_p) struct vg_policy *policy = NULL;
	struct vg_state pinned;
	int r = vg_rig_open(&rig);

	if (r >= 0)
		r = vg_rig_publish(&rig, policy_text, strlen(policy_text), &nic, 1, &policy);
	if (r >= 0)
		r = vg_dataplane_state(rig.dir, &pinned, NULL);
	if (r < 0) {
		vg_rig_close(&rig);
		return r == -EPERM ? VG_RIG_SKIP : 1;
	}
	if (!pinned.frags) {
		vg_rig_close(&rig);
		puts("this kernel has no multi-buffer XDP (Linux 5.18)");
		return VG_RIG_SKIP;
	}
	r = cmocka_run_group_tests(tests, NULL, NULL);
	vg_rig_close(&rig);
	return r;
}
