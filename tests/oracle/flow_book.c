/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "tests/oracle/flow_book.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void vg_flow_book_init(struct vg_flow_book *book, const struct vg_ledger *ledger)
{
	*book = (struct vg_flow_book){.ledger = ledger,
				      .maps = VG_RIG_FLOWS_NONE,
				      .memory = {.note_place = vg_rig_note_place}};
}

void vg_flow_book_done(struct vg_flow_book *book)
{
	vg_rig_flows_close(&book->maps);
	vg_memory_done(&book->memory);
}

int vg_flow_book_open(struct vg_flow_book *book)
{
	vg_rig_flows_close(&book->maps);
	return vg_rig_flows_open(book->ledger->rig, &book->maps);
}

/* ---- checks ---- */

static void print_tuple(const struct vg_tuple *tuple)
{
	const struct vg_raw_prefix remote = {.address = tuple->remote,
					     .length = (__u8)vg_raw_bits(&tuple->remote)};
	const struct vg_raw_prefix local = {.address = tuple->local,
					    .length = (__u8)vg_raw_bits(&tuple->local)};
	char from[VG_RAW_TEXT_SIZE], to[VG_RAW_TEXT_SIZE];

	fprintf(stderr, "protocol %d, remote %s port %d, local %s port %d\n", tuple->protocol,
		vg_raw_format(&remote, from), tuple->remote_port, vg_raw_format(&local, to),
		tuple->local_port);
}

int vg_flow_book_check_flow(const struct vg_flow_book *book, const struct vg_tuple *tuple)
{
	const struct vg_memory_flow *want = vg_memory_flow(&book->memory, tuple);
	struct vg_flow got;
	const int r = vg_rig_flow_get(&book->maps, tuple, &got);

	if (!want && r == -ENOENT)
		return 0;
	if (want && r == 0 && want->state == got.state && want->packets == got.packets &&
	    want->bytes == got.bytes && want->opened_s == got.opened_s &&
	    want->seen_s == got.seen_s && want->lifetime_s == got.lifetime_s)
		return 0;
	print_tuple(tuple);
	if (want)
		fprintf(stderr,
			"expected state %d, %" PRIu64 " packets, %" PRIu64
			" bytes, opened %u, seen %u, lifetime %u\n",
			want->state, (uint64_t)want->packets, (uint64_t)want->bytes, want->opened_s,
			want->seen_s, want->lifetime_s);
	if (r == 0)
		fprintf(stderr,
			"there is state %u, %" PRIu64 " packets, %" PRIu64
			" bytes, opened %u, seen %u, lifetime %u\n",
			got.state, (uint64_t)got.packets, (uint64_t)got.bytes, got.opened_s,
			got.seen_s, got.lifetime_s);
	return r < 0 && r != -ENOENT ? r : -EBADMSG;
}

int vg_flow_book_check_counters(const struct vg_flow_book *book)
{
	__u64 counts[VG_FLOW_COUNTER_MAX];
	const int r = vg_rig_flow_counters(&book->maps, counts);

	if (r < 0)
		return r;
	if (counts[VG_FLOW_OPENED] == book->memory.opened &&
	    counts[VG_FLOW_EXPIRED] == book->memory.expired && !counts[VG_FLOW_FULL])
		return 0;
	fprintf(stderr,
		"flow counters: %+" PRId64 " opened, %+" PRId64 " expired off, %" PRIu64 " full\n",
		(int64_t)(counts[VG_FLOW_OPENED] - book->memory.opened),
		(int64_t)(counts[VG_FLOW_EXPIRED] - book->memory.expired),
		(uint64_t)counts[VG_FLOW_FULL]);
	return -EBADMSG;
}

static int check_note(const struct vg_flow_book *book, const struct vg_memory_note *note)
{
	__u32 seen_s = 0;
	const int r = vg_rig_note_get(&book->maps, &note->tuple, &seen_s);

	if (r < 0 || seen_s == note->seen_s)
		return r;
	fprintf(stderr, "noted at %u instead of %u: ", seen_s, note->seen_s);
	print_tuple(&note->tuple);
	return -EBADMSG;
}

static unsigned slot_of(const struct vg_flow_book *book, const struct vg_memory_fragment *fragment)
{
	return book->ledger->nics[fragment->name.nic].slot;
}

static struct vg_fragment expected_fragment(const struct vg_flow_book *book,
					    const struct vg_memory_fragment *fragment)
{
	return (struct vg_fragment){
		.seen_s = fragment->seen_s,
		.outcome = (__u16)fragment->outcome,
		.service = fragment->service < 0
				   ? VG_NO_SERVICE
				   : (__u16)book->ledger->service_slots[fragment->service],
		.headers_end = fragment->headers_end,
	};
}

static int check_fragment(const struct vg_flow_book *book,
			  const struct vg_memory_fragment *fragment)
{
	const struct vg_fragment want = expected_fragment(book, fragment);
	struct vg_fragment got = {0};
	const int r =
		vg_rig_fragment_get(&book->maps, &fragment->name, slot_of(book, fragment), &got);

	if (r == 0 && memcmp(&want, &got, sizeof(want)) == 0)
		return 0;
	fprintf(stderr,
		"fragment: seen %u instead of %u, outcome %u instead of %u, service slot %u "
		"instead of %u, headers end at %u instead of %u\n",
		got.seen_s, want.seen_s, got.outcome, want.outcome, got.service, want.service,
		got.headers_end, want.headers_end);
	return -EBADMSG;
}

int vg_flow_book_check(const struct vg_flow_book *book)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < book->memory.n_flows; i++)
		r = vg_flow_book_check_flow(book, &book->memory.flows[i].tuple);
	for (size_t i = 0; r == 0 && i < book->memory.n_notes; i++)
		r = check_note(book, &book->memory.notes[i]);
	for (size_t i = 0; r == 0 && i < book->memory.n_fragments; i++)
		r = check_fragment(book, &book->memory.fragments[i]);
	return r;
}

/* ---- time ---- */

int vg_flow_book_age_flow(struct vg_flow_book *book, size_t index, __u32 seconds)
{
	struct vg_memory_flow *flow = &book->memory.flows[index];
	const struct vg_flow older = {
		.packets = flow->packets,
		.bytes = flow->bytes,
		.opened_s = flow->opened_s - seconds,
		.seen_s = flow->seen_s - seconds,
		.lifetime_s = flow->lifetime_s,
		.state = (__u8)flow->state,
	};
	const int r = vg_rig_flow_put(&book->maps, &flow->tuple, &older);

	flow->opened_s -= seconds;
	flow->seen_s -= seconds;
	return r < 0 ? r : vg_rig_forget_sent(&book->maps, &flow->tuple);
}

int vg_flow_book_age_note(struct vg_flow_book *book, size_t index, __u32 seconds)
{
	struct vg_memory_note *note = &book->memory.notes[index];
	int r = check_note(book, note);

	note->seen_s -= seconds;
	if (r == 0)
		r = vg_rig_note_put(&book->maps, &note->tuple, note->seen_s);
	return r < 0 ? r : vg_rig_forget_sent(&book->maps, &note->tuple);
}

int vg_flow_book_age_fragment(struct vg_flow_book *book, size_t index, __u32 seconds)
{
	struct vg_memory_fragment *fragment = &book->memory.fragments[index];
	struct vg_fragment older;
	int r = check_fragment(book, fragment);

	fragment->seen_s -= seconds;
	older = expected_fragment(book, fragment);
	return r < 0 ? r
		     : vg_rig_fragment_put(&book->maps, &fragment->name, slot_of(book, fragment),
					   &older);
}

/* ---- forgetting ---- */

static bool may_revive(const struct vg_memory_flow *flow)
{
	return flow->tuple.protocol == 6 && flow->state == VG_FLOW_OPEN;
}

int vg_flow_book_sweep(struct vg_flow_book *book, __u32 now_s)
{
	struct vg_memory *memory = &book->memory;

	for (size_t i = 0; i < memory->n_flows;) {
		const struct vg_memory_flow *flow = &memory->flows[i];
		struct vg_flow there;

		if (vg_rig_flow_get(&book->maps, &flow->tuple, &there) == 0) {
			i++;
			continue;
		}
		if (now_s - flow->seen_s < flow->lifetime_s + (may_revive(flow) ? 600 : 0)) {
			fprintf(stderr, "a flow that isn't over, or may come back, is gone: ");
			print_tuple(&flow->tuple);
			return -EBADMSG;
		}
		memory->flows[i] = memory->flows[--memory->n_flows];
	}
	return 0;
}

int vg_flow_book_forget(struct vg_flow_book *book, bool count)
{
	const struct vg_memory *memory = &book->memory;
	int r = 0;

	for (size_t i = 0; r == 0 && i < memory->n_flows; i++)
		r = vg_rig_flow_delete(&book->maps, &memory->flows[i].tuple);
	for (size_t i = 0; r == 0 && i < memory->n_notes; i++)
		r = vg_rig_note_put(&book->maps, &memory->notes[i].tuple, 0);
	for (size_t i = 0; r == 0 && i < memory->n_fragments; i++)
		r = vg_rig_fragment_delete(&book->maps, &memory->fragments[i].name,
					   slot_of(book, &memory->fragments[i]));
	if (r < 0)
		return r;
	vg_memory_clear(&book->memory);
	if (!count || vg_rig_flows_are_empty(&book->maps))
		return 0;
	fprintf(stderr, "there are flows or fragments that should not be\n");
	return -EBADMSG;
}

int vg_flow_book_reset(struct vg_flow_book *book)
{
	__u64 counts[VG_FLOW_COUNTER_MAX] = {0};
	int r;

	vg_memory_clear(&book->memory);
	r = vg_rig_flows_clear(&book->maps);
	if (r == 0)
		r = vg_rig_flow_counters(&book->maps, counts);
	if (r == 0)
		r = vg_rig_forget_recent(book->ledger->rig);
	if (r < 0 && r != -ENOENT)
		return r;
	book->memory.opened = counts[VG_FLOW_OPENED];
	book->memory.expired = counts[VG_FLOW_EXPIRED];
	return 0;
}
