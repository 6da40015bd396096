/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Texts from outside, made fit for the comments and scalars of a config. */
#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <string.h>
#include "share/cleanup.h"
#include "tools/discover.h"

#define WIDTH 100
#define CUT "..."

static bool is_printable(char c)
{
	return c >= ' ' && c <= '~';
}

const char *vg_discover_name(const char *text, char *out)
{
	const size_t room = VG_DISCOVER_NAME_SIZE - 1;
	size_t n = strlen(text);
	const bool cut = n > room;

	n = cut ? room - strlen(CUT) : n;
	for (size_t i = 0; i < n; i++)
		out[i] = is_printable(text[i]) ? text[i] : '?';
	strcpy(out + n, cut ? CUT : "");
	return out;
}

/* `lead` up to its '#', then blanks as far as it goes. */
static void begin_line(FILE *out, const char *lead)
{
	const int mark = (int)strcspn(lead, "#") + 1;

	fprintf(out, "%.*s%*s", mark, lead, (int)strlen(lead) - mark, "");
}

void vg_write_comment(struct vg_writer *writer, const char *lead, const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	size_t column = strlen(lead);
	va_list arguments;
	const char *word;
	char *rest;
	int r;

	va_start(arguments, format);
	r = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (r < 0) {
		text = NULL;
		writer->error = writer->error ? writer->error : -ENOMEM;
		return;
	}
	for (char *c = text; *c; c++)
		*c = is_printable(*c) ? *c : '?';
	fputs(lead, writer->out);
	for (rest = text; (word = strsep(&rest, " "));) {
		if (!*word)
			continue;
		if (column > strlen(lead) && column + 1 + strlen(word) > WIDTH) {
			fputc('\n', writer->out);
			begin_line(writer->out, lead);
			column = strlen(lead);
		}
		column += (size_t)fprintf(writer->out, "%s%s", column > strlen(lead) ? " " : "",
					  word);
	}
	fputc('\n', writer->out);
}

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* Plain YAML that is a text and nothing else under any schema, in a flow list too. */
static bool is_plain(const char *text)
{
	static const char *const words[] = {"y",   "n",	   "yes",   "no",  "on",
					    "off", "true", "false", "null"};

	for (size_t i = 0; i < VG_ARRAY_SIZE(words); i++) {
		if (!strcasecmp(text, words[i]))
			return false;
	}
	return *text && strchr(LETTERS, *text) && !text[strspn(text, LETTERS "0123456789._-/")];
}

/*
 * JSON's quoting is YAML's, too, but for DEL, which YAML wants quoted. What is above U+FFFF JSON says in
 * a way that YAML doesn't know: the config's reader refuses it.
 */
void vg_write_scalar(struct vg_writer *writer, const char *text)
{
	_cleanup_free_ char *quoted = NULL;
	json_auto_t *json = NULL;

	if (is_plain(text)) {
		fputs(text, writer->out);
		return;
	}
	json = json_string(text);
	if (json)
		quoted = json_dumps(json, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
	if (!quoted) {
		writer->error = writer->error ? writer->error : -EILSEQ;
		return;
	}
	for (const char *c = quoted; *c; c++)
		fprintf(writer->out, *c == 0x7f ? "\\x%02x" : "%c", *c);
}
