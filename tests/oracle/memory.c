/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "tests/oracle/memory.h"

#include <stdlib.h>
#include <string.h>

/* Room for one more element at the end of a list. */
static void *grow(void *items, size_t n, size_t *allocated, size_t size)
{
	if (n < *allocated)
		return items;
	*allocated = *allocated ? *allocated * 2 : 16;
	items = reallocarray(items, *allocated, size);
	if (!items)
		abort();
	return items;
}

void vg_memory_clear(struct vg_memory *memory)
{
	memory->n_flows = 0;
	memory->n_notes = 0;
	memory->n_fragments = 0;
}

void vg_memory_done(struct vg_memory *memory)
{
	free(memory->flows);
	free(memory->notes);
	free(memory->fragments);
	*memory = (struct vg_memory){0};
}

static bool same_address(const struct vg_raw_address *a, const struct vg_raw_address *b)
{
	return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

bool vg_tuple_equal(const struct vg_tuple *a, const struct vg_tuple *b)
{
	return a->protocol == b->protocol && a->remote_port == b->remote_port &&
	       a->local_port == b->local_port && same_address(&a->remote, &b->remote) &&
	       same_address(&a->local, &b->local);
}

struct vg_memory_flow *vg_memory_flow(const struct vg_memory *memory, const struct vg_tuple *tuple)
{
	for (size_t i = 0; i < memory->n_flows; i++)
		if (vg_tuple_equal(&memory->flows[i].tuple, tuple))
			return &memory->flows[i];
	return NULL;
}

struct vg_memory_flow *vg_memory_live(const struct vg_memory *memory, const struct vg_tuple *tuple,
				      __u32 now_s)
{
	struct vg_memory_flow *flow = vg_memory_flow(memory, tuple);

	return flow && now_s - flow->seen_s < flow->lifetime_s ? flow : NULL;
}

void vg_memory_open(struct vg_memory *memory, const struct vg_tuple *tuple, __u32 lifetime_s,
		    __u32 now_s)
{
	struct vg_memory_flow *flow = vg_memory_flow(memory, tuple);

	if (flow) {
		memory->expired++;
	} else {
		memory->flows = grow(memory->flows, memory->n_flows, &memory->allocated_flows,
				     sizeof(memory->flows[0]));
		flow = &memory->flows[memory->n_flows++];
	}
	memory->opened++;
	*flow = (struct vg_memory_flow){
		.tuple = *tuple,
		.state = VG_FLOW_NEW,
		.opened_s = now_s,
		.seen_s = now_s,
		.lifetime_s = lifetime_s,
	};
}

struct vg_memory_note *vg_memory_noted(const struct vg_memory *memory, const struct vg_tuple *tuple)
{
	for (size_t i = 0; i < memory->n_notes; i++)
		if (vg_tuple_equal(&memory->notes[i].tuple, tuple))
			return &memory->notes[i];
	return NULL;
}

/* The note that a new one of that tuple displaces, or NULL. */
static struct vg_memory_note *displaced(const struct vg_memory *memory,
					const struct vg_tuple *tuple)
{
	struct vg_memory_note *note = vg_memory_noted(memory, tuple);

	for (size_t i = 0; !note && memory->note_place && i < memory->n_notes; i++)
		if (memory->note_place(&memory->notes[i].tuple) == memory->note_place(tuple))
			note = &memory->notes[i];
	return note;
}

void vg_memory_note(struct vg_memory *memory, const struct vg_tuple *tuple, __u32 now_s)
{
	struct vg_memory_note *note = displaced(memory, tuple);

	if (!note) {
		memory->notes = grow(memory->notes, memory->n_notes, &memory->allocated_notes,
				     sizeof(memory->notes[0]));
		note = &memory->notes[memory->n_notes++];
	}
	*note = (struct vg_memory_note){.tuple = *tuple, .seen_s = now_s};
}

struct vg_memory_fragment *vg_memory_fragment(const struct vg_memory *memory,
					      const struct vg_fragment_name *name)
{
	for (size_t i = 0; i < memory->n_fragments; i++) {
		const struct vg_fragment_name *there = &memory->fragments[i].name;

		if (there->id == name->id && there->protocol == name->protocol &&
		    there->nic == name->nic && same_address(&there->source, &name->source) &&
		    same_address(&there->destination, &name->destination))
			return &memory->fragments[i];
	}
	return NULL;
}

void vg_memory_remember(struct vg_memory *memory, const struct vg_memory_fragment *fragment)
{
	struct vg_memory_fragment *there = vg_memory_fragment(memory, &fragment->name);

	if (!there) {
		memory->fragments = grow(memory->fragments, memory->n_fragments,
					 &memory->allocated_fragments, sizeof(*there));
		there = &memory->fragments[memory->n_fragments++];
	}
	*there = *fragment;
}

void vg_memory_forget(struct vg_memory *memory, const struct vg_fragment_name *name)
{
	struct vg_memory_fragment *there = vg_memory_fragment(memory, name);

	if (there)
		*there = memory->fragments[--memory->n_fragments];
}
