/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "tests/oracle/exchange.h"

static const struct vg_talk *pick_talk(struct vg_exchange *exchange, struct vg_random *random,
				       const struct vg_scenario *scenario, unsigned known)
{
	const unsigned n =
		exchange->n_talks < VG_EXCHANGE_TALKS ? exchange->n_talks : VG_EXCHANGE_TALKS;
	struct vg_talk *talk;

	if (n && vg_random_chance(random, known))
		return &exchange->talks[vg_random_below(random, n)];
	talk = &exchange->talks[exchange->n_talks++ % VG_EXCHANGE_TALKS];
	vg_traffic_talk(random, scenario, talk);
	return talk;
}

static void add_packet(struct vg_random *random, const struct vg_talk *talk, bool out,
		       struct vg_frame *frame)
{
	vg_talk_ip(talk, out, frame);
	if (talk->local.family == 6 && vg_random_chance(random, 20))
		vg_traffic_extensions(random, frame);
	vg_talk_l4(talk, out, vg_talk_tcp_flags(random), frame);
	vg_frame_finish(frame);
}

/* The identifiers are few, so that fragments of different datagrams meet. */
static __u32 pick_id(struct vg_random *random)
{
	static const __u32 ids[] = {1, 1, 1, 2, 0x10000, 0xffffffff};

	return VG_RANDOM_PICK(random, ids);
}

void vg_exchange_first(struct vg_random *random, const struct vg_talk *talk, bool out,
		       struct vg_frame *frame)
{
	static const __u8 kinds[] = {VG_EXT_HOP_BY_HOP, VG_EXT_ROUTING, VG_EXT_AH,
				     VG_EXT_DESTINATION, VG_EXT_FRAGMENT};

	vg_talk_ip(talk, out, frame);
	if (talk->local.family == 6) {
		if (vg_random_chance(random, 10))
			vg_frame_extension(frame, VG_EXT_DESTINATION, 0);
		vg_frame_fragment(frame, 0, true);
		if (vg_random_chance(random, 25))
			vg_frame_extension(frame, VG_RANDOM_PICK(random, kinds),
					   vg_random_below(random, 3));
	}
	vg_frame_refragment(frame, 0, true, pick_id(random));
	vg_talk_l4(talk, out, vg_talk_tcp_flags(random), frame);
	vg_frame_finish(frame);
	if (vg_random_chance(random, 25))
		vg_frame_cut(frame,
			     frame->l4 +
				     vg_random_below(random, (__u32)(frame->length - frame->l4)),
			     true);
}

static __u16 pick_offset(struct vg_random *random)
{
	static const __u16 offsets[] = {8, 8, 16, 16, 24, 24, 32, 40, 48, 64, 1480, 65528};

	return vg_random_chance(random, 90) ? VG_RANDOM_PICK(random, offsets)
					    : (__u16)(vg_random_between(random, 1, 8191) * 8);
}

void vg_exchange_later(struct vg_random *random, const struct vg_frame *first,
		       struct vg_frame *frame)
{
	static const __u8 protocols[] = {6, 17, 58, 132, 60, 59, 1, 33};
	const bool four = first->bytes[first->ip] >> 4 == 4;
	__u8 data[64];

	*frame = *first;
	vg_frame_cut(frame, four ? first->ip + 20 : first->fragment + 8, false);
	vg_random_fill(random, data, sizeof(data));
	vg_frame_bytes(frame, data, vg_random_below(random, sizeof(data) + 1));
	if (four) {
		const unsigned id = frame->bytes[frame->ip + 4] << 8 | frame->bytes[frame->ip + 5];

		vg_frame_refragment(frame, pick_offset(random), vg_random_chance(random, 50), id);
	} else {
		const __u8 *id = frame->bytes + frame->fragment + 4;

		vg_frame_refragment(frame, pick_offset(random), vg_random_chance(random, 50),
				    (__u32)id[0] << 24 | (__u32)id[1] << 16 | id[2] << 8 | id[3]);
	}
	if (vg_random_chance(random, 8))
		frame->bytes[four ? frame->ip + 9 : frame->fragment] =
			VG_RANDOM_PICK(random, protocols);
	if (vg_random_chance(random, 8))
		vg_frame_refragment(frame, pick_offset(random), false, pick_id(random));
	if (vg_random_chance(random, 4))
		frame->bytes[frame->ip + (four ? 16 : 24) + vg_random_below(random, 4)] ^= 1;
	vg_frame_finish(frame);
}

void vg_exchange_error(struct vg_random *random, const struct vg_talk *talk,
		       const struct vg_raw_address *source, struct vg_frame *frame)
{
	static const size_t sizes[] = {20, 28, 40, 44, 48, 60, 68, 1000, 1000, 1000, 1000};
	const bool out = vg_random_chance(random, 95);
	size_t n = VG_RANDOM_PICK(random, sizes);
	struct vg_frame quoted;

	if (vg_random_chance(random, 15))
		n = vg_random_below(random, 90);
	vg_frame_begin(&quoted);
	if (vg_random_chance(random, 15)) {
		vg_exchange_first(random, talk, out, &quoted);
		if (vg_random_chance(random, 40)) {
			const struct vg_frame first = quoted;

			vg_exchange_later(random, &first, &quoted);
		}
	} else {
		add_packet(random, talk, out, &quoted);
	}
	if (vg_random_chance(random, 10))
		vg_traffic_distort(random, &quoted);
	if (quoted.length < quoted.ip + 40)
		vg_frame_zeroes(&quoted, 40);
	vg_talk_error(source, vg_talk_error_type(random, source->family), &quoted, n, frame);
	if (vg_random_chance(random, 5))
		frame->bytes[frame->ip + (source->family == 4 ? 19 : 39)] ^= 1;
	vg_frame_finish(frame);
}

static void next_fragment(struct vg_exchange *exchange, struct vg_random *random,
			  const struct vg_scenario *scenario, struct vg_frame *ret_frame)
{
	const unsigned n =
		exchange->n_firsts < VG_EXCHANGE_FIRSTS ? exchange->n_firsts : VG_EXCHANGE_FIRSTS;

	if (n && vg_random_chance(random, 60)) {
		const struct vg_frame *first = &exchange->firsts[vg_random_below(random, n)];

		vg_exchange_later(random, first, ret_frame);
		return;
	}
	vg_exchange_first(random, pick_talk(exchange, random, scenario, 50), false, ret_frame);
	exchange->firsts[exchange->n_firsts++ % VG_EXCHANGE_FIRSTS] = *ret_frame;
}

bool vg_exchange_next(struct vg_exchange *exchange, struct vg_random *random,
		      const struct vg_scenario *scenario, struct vg_frame *ret_frame)
{
	const __u32 dice = vg_random_below(random, 100);
	const bool out = dice >= 45 && dice < 57;
	const struct vg_talk *talk;

	if (dice < 45 || (out && vg_random_chance(random, 15))) {
		vg_traffic_random(random, scenario, ret_frame);
		return out;
	}
	vg_frame_begin(ret_frame);
	vg_traffic_tags(random, ret_frame);
	if (out) {
		add_packet(random, pick_talk(exchange, random, scenario, 40), true, ret_frame);
	} else if (dice < 70) {
		add_packet(random, pick_talk(exchange, random, scenario, 85), false, ret_frame);
	} else if (dice < 83) {
		talk = pick_talk(exchange, random, scenario, 70);
		struct vg_raw_address source =
			vg_traffic_source(random, scenario, talk->local.family);

		vg_exchange_error(random, talk, &source, ret_frame);
	} else {
		next_fragment(exchange, random, scenario, ret_frame);
	}
	if (vg_random_chance(random, 12))
		vg_traffic_distort(random, ret_frame);
	return out;
}
