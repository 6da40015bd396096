/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <string.h>
#include <sys/socket.h>
#include "share/cleanup.h"
#include "share/message.h"

#define NO_TEXT UINT32_MAX	   /* in place of a length */
#define AT_ONCE_BYTES (128u << 10) /* so long others of the event loop wait */

void vg_message_begin(struct vg_message *message)
{
	const struct vg_message_head head = {.version = VG_MESSAGE_VERSION};

	*message = (struct vg_message){};
	message->error = vg_bytes_add(&message->bytes, &head, sizeof(head));
}

static void put(struct vg_message *message, const void *data, size_t length)
{
	if (message->error == 0)
		message->error = vg_bytes_add(&message->bytes, data, length);
}

void vg_message_put_number(struct vg_message *message, uint32_t number)
{
	put(message, &number, sizeof(number));
}

void vg_message_put_bytes(struct vg_message *message, const void *data, size_t length)
{
	vg_message_put_number(message, (uint32_t)length);
	put(message, data, length);
	put(message, "", 1);
}

void vg_message_put_text(struct vg_message *message, const char *text)
{
	if (text)
		vg_message_put_bytes(message, text, strlen(text));
	else
		vg_message_put_number(message, NO_TEXT);
}

int vg_message_end(struct vg_message *message)
{
	struct vg_message_head head = {.version = VG_MESSAGE_VERSION};

	if (message->error < 0)
		return message->error;
	head.length = (uint32_t)(message->bytes.length - sizeof(head));
	memcpy(message->bytes.data, &head, sizeof(head));
	return 0;
}

void vg_message_done(struct vg_message *message)
{
	vg_bytes_done(&message->bytes);
}

struct vg_fields vg_message_fields(const struct vg_bytes *message)
{
	return (struct vg_fields){
		.at = message->data + sizeof(struct vg_message_head),
		.left = message->length - sizeof(struct vg_message_head),
	};
}

/* The next `length` bytes, or NULL. */
static const char *take(struct vg_fields *fields, size_t length)
{
	const char *taken = fields->at;

	if (fields->wrong || length > fields->left) {
		fields->wrong = true;
		return NULL;
	}
	fields->at += length;
	fields->left -= length;
	return taken;
}

uint32_t vg_fields_number(struct vg_fields *fields)
{
	const char *taken = take(fields, sizeof(uint32_t));
	uint32_t number = 0;

	if (taken)
		memcpy(&number, taken, sizeof(number));
	return number;
}

/* NULL with a length of NO_TEXT: it says that there is none. */
static const char *take_sized(struct vg_fields *fields, uint32_t *ret_length)
{
	const uint32_t length = vg_fields_number(fields);
	const char *taken = NULL;

	if (!fields->wrong && length != NO_TEXT)
		taken = take(fields, (size_t)length + 1);
	if (taken && taken[length] != '\0') {
		fields->wrong = true;
		taken = NULL;
	}
	*ret_length = length;
	return taken;
}

const char *vg_fields_text(struct vg_fields *fields)
{
	uint32_t length;
	const char *text = take_sized(fields, &length);

	if (text && strlen(text) != length) {
		fields->wrong = true;
		return NULL;
	}
	return text;
}

const char *vg_fields_bytes(struct vg_fields *fields, size_t *ret_length)
{
	uint32_t length;
	const char *bytes = take_sized(fields, &length);

	if (!bytes)
		fields->wrong = true;
	*ret_length = bytes ? length : 0;
	return bytes;
}

int vg_fields_end(const struct vg_fields *fields)
{
	return fields->wrong || fields->left ? -EPROTO : 0;
}

/* How many bytes are lacking, as far as is known. */
static int lacking(const struct vg_bytes *message, size_t max, size_t *ret_lacking)
{
	struct vg_message_head head;

	if (message->length < sizeof(head)) {
		*ret_lacking = sizeof(head) - message->length;
		return 0;
	}
	memcpy(&head, message->data, sizeof(head));
	if (head.version != VG_MESSAGE_VERSION)
		return -EPROTONOSUPPORT;
	if (head.length > max)
		return -EPROTO;
	*ret_lacking = sizeof(head) + head.length - message->length;
	return 0;
}

/* The control buffer has room for one: the kernel closes all others. */
static int take_descriptor(struct msghdr *header, int *ret_fd)
{
	const struct cmsghdr *control = CMSG_FIRSTHDR(header);
	int fd;

	if (!control || control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS ||
	    control->cmsg_len < CMSG_LEN(sizeof(fd)))
		return 0;
	memcpy(&fd, CMSG_DATA(control), sizeof(fd));
	if (*ret_fd >= 0) {
		close(fd);
		return -EPROTO;
	}
	*ret_fd = fd;
	return 0;
}

static ssize_t receive(int socket, char *at, size_t length, int *ret_fd)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec part = {at, length};
	struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
	ssize_t n;
	int r = 0;

	if (ret_fd) {
		header.msg_control = &control;
		header.msg_controllen = CMSG_LEN(sizeof(int));
	}
	n = recvmsg(socket, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	if (ret_fd)
		r = take_descriptor(&header, ret_fd);
	return r < 0 ? r : n;
}

int vg_message_receive(int socket, size_t max, struct vg_bytes *message, int *ret_fd)
{
	size_t more = 0;
	ssize_t n;
	int r;

	r = lacking(message, max, &more);
	if (r < 0)
		return r;
	if (more > AT_ONCE_BYTES)
		more = AT_ONCE_BYTES;
	r = vg_bytes_reserve(message, more);
	if (r < 0)
		return r;
	n = receive(socket, message->data + message->length, more, ret_fd);
	if (n <= 0)
		return n < 0 ? (int)n : -ECONNRESET;
	message->length += (size_t)n;
	message->data[message->length] = '\0';
	r = lacking(message, max, &more);
	if (r == 0 && (more > 0 || message->length < sizeof(struct vg_message_head)))
		r = -EAGAIN;
	return r;
}

int vg_message_send(int socket, const struct vg_message *message, size_t *sent, int fd)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(fd))];
	} control = {};
	const struct vg_bytes *bytes = &message->bytes;

	while (*sent < bytes->length) {
		struct iovec part = {bytes->data + *sent, bytes->length - *sent};
		struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
		ssize_t n;

		if (fd >= 0 && *sent == 0) {
			header.msg_control = &control;
			header.msg_controllen = sizeof(control);
			control.align = (struct cmsghdr){.cmsg_level = SOL_SOCKET,
							 .cmsg_type = SCM_RIGHTS,
							 .cmsg_len = CMSG_LEN(sizeof(fd))};
			memcpy(CMSG_DATA(&control.align), &fd, sizeof(fd));
		}
		n = sendmsg(socket, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		*sent += (size_t)n;
	}
	return 0;
}
