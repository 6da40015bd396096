/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Messages between vpcgated and vpcgate-outside, over a Unix stream socket: a head, then fields in an
 * order that both know. Numbers have the byte order of the machine that both are on. Neither side
 * believes the other: each length is checked, and nothing is kept in advance for what only was
 * announced.
 */
#ifndef VPCGATE_MESSAGE_H
#define VPCGATE_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "share/bytes.h"

/* Changes with any change of what is said. */
#define VG_MESSAGE_VERSION 1u

struct vg_message_head {
	uint32_t version;
	uint32_t length; /* of all fields */
};

/* A message that is written: begin, fields, end. */
struct vg_message {
	struct vg_bytes bytes;
	int error; /* of any of them: -ENOMEM */
};

void vg_message_begin(struct vg_message *message);
void vg_message_put_number(struct vg_message *message, uint32_t number);
void vg_message_put_text(struct vg_message *message, const char *text); /* NULL is fine */
void vg_message_put_bytes(struct vg_message *message, const void *data, size_t length);
int vg_message_end(struct vg_message *message);
void vg_message_done(struct vg_message *message); /* wipes */

/* What has come of one that is read. */
struct vg_fields {
	const char *at;
	size_t left;
	bool wrong; /* a field was not there, or not what it should be */
};

/* Of a message that is whole; it must outlive them. */
struct vg_fields vg_message_fields(const struct vg_bytes *message);
/* In case of nonsense 0, NULL or nothing, from then on, and vg_fields_end() tells. */
uint32_t vg_fields_number(struct vg_fields *fields);
/* A text without a NUL in it, or NULL. */
const char *vg_fields_text(struct vg_fields *fields);
/* `ret_length` bytes and a NUL behind them. */
const char *vg_fields_bytes(struct vg_fields *fields, size_t *ret_length);
/* -EPROTO: something was wrong, or there is more. */
int vg_fields_end(const struct vg_fields *fields);

/*
 * Takes what is there from a socket, without waiting. 0: the message is whole. -EAGAIN: there will be
 * more. -EPROTONOSUPPORT: another version. -EPROTO: one that is longer than `max`. -ECONNRESET: it ended before. -ENOMEM, or errno of recvmsg(). A descriptor
 * that comes with it goes to `ret_fd`, which holds -1 at first and is the caller's in any case; with
 * NULL it is closed, as are further ones.
 */
int vg_message_receive(int socket, size_t max, struct vg_bytes *message, int *ret_fd);
/* Sends what it takes, without waiting, with descriptor `fd` unless it is -1. 0: all is sent; -EAGAIN; errno. */
int vg_message_send(int socket, const struct vg_message *message, size_t *sent, int fd);

#endif
