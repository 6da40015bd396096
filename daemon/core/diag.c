/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "core/diag.h"

/* Bytes of the printable UTF-8 sequence at `s`, or 0 where none starts there. */
static unsigned utf8_length(const unsigned char *s)
{
	unsigned length, code;

	if (s[0] < 0x80)
		return s[0] >= 0x20 && s[0] != 0x7f;
	if ((s[0] & 0xe0) == 0xc0)
		length = 2;
	else if ((s[0] & 0xf0) == 0xe0)
		length = 3;
	else if ((s[0] & 0xf8) == 0xf0)
		length = 4;
	else
		return 0;

	code = s[0] & (0x7f >> length);
	for (unsigned i = 1; i < length; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (s[i] & 0x3f);
	}
	/* C1 controls, over-long forms, surrogates, and what lies past Unicode */
	if (code < 0xa0 || (length == 3 && code < 0x800) || (length == 4 && code < 0x10000) ||
	    (code >= 0xd800 && code < 0xe000) || code > 0x10ffff)
		return 0;
	return length;
}

/*
 * Messages quote what the file holds, and end on terminals, in one-line logs and in JSON: whatever
 * is not printable UTF-8 becomes a question mark.
 */
static void make_printable(char *text)
{
	for (unsigned char *s = (unsigned char *)text; *s;) {
		unsigned length = utf8_length(s);

		if (!length) {
			*s = '?';
			length = 1;
		}
		s += length;
	}
}

int vg_diag_set(struct vg_diag *diag, int error, const char *file, struct vg_position at,
		const char *format, ...)
{
	va_list arguments;

	if (!diag)
		return -error;

	snprintf(diag->file, sizeof(diag->file), "%s", file ? file : "");
	diag->at = at;
	va_start(arguments, format);
	vsnprintf(diag->text, sizeof(diag->text), format, arguments);
	va_end(arguments);
	make_printable(diag->file);
	make_printable(diag->text);
	return -error;
}

void vg_diag_format(const struct vg_diag *diag, char *out, unsigned size)
{
	if (!diag->file[0])
		snprintf(out, size, "%s", diag->text);
	else if (!diag->at.line)
		snprintf(out, size, "%s: %s", diag->file, diag->text);
	else
		snprintf(out, size, "%s:%u:%u: %s", diag->file, diag->at.line, diag->at.column,
			 diag->text);
}
