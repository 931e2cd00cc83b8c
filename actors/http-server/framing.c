/* framing.c - whether a request is framed in the one way that nobody can read differently. */
#include "framing.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct judgement {
	const char *reason; /* NULL: nothing is wrong so far */
	const char *next;   /* where the next header line must begin; NULL: anywhere */
	const char *encoding, *length;
	unsigned n_hosts, n_lengths, n_encodings;
};

static bool is_token(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c <= ' ' || c >= 0x7f || strchr("\"(),/:;<=>?@[\\]{}", c))
			return false;
	}
	return size > 0;
}

static bool is_value(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)text[i];

		if ((c < ' ' && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

static bool is_host(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text <= ' ' || (unsigned char)*text >= 0x7f ||
		    strchr("\"#,/<>?@\\^`{|}", *text))
			return false;
	return true;
}

/* libmicrohttpd before 1.0 takes a bare LF for the end of a line, a NUL for the end of a value,
 * the continuation of a line for more of the header's *name*, and a line that begins with a
 * colon for the end of the header. It reads lines where they lie, and puts a NUL on the colon
 * and on each of CR and LF: so each line begins two bytes after the value before it, and the
 * header is as long as its lines are, unless it has done one of these. */
static bool lies_where_it_should(struct judgement *judgement, const char *name,
				 size_t name_size, const char *value, size_t value_size)
{
	const char *start = judgement->next;

	if (!start)
		return true;
	judgement->next = value + value_size + 2;
	const char *blank = name + name_size + 1;
	if (name != start || value < blank)
		return false;
	return strspn(blank, " \t") == (size_t)(value - blank);
}

/* The request's line, before its headers. */
static bool line_lies_where_it_should(const char *verb, struct framing_target target,
				      const char *version)
{
	return target.text && target.text - verb == (ptrdiff_t)strlen(verb) + 1 &&
	       version - target.text == (ptrdiff_t)target.size + 1;
}

static bool is(const char *name, size_t size, const char *wanted)
{
	return strlen(wanted) == size && strncasecmp(name, wanted, size) == 0;
}

static enum MHD_Result judge_line(void *context, enum MHD_ValueKind kind, const char *name,
				  size_t name_size, const char *value, size_t value_size)
{
	struct judgement *judgement = context;

	(void)kind;
	if (!value)
		value = "", value_size = 0;
	if (!is_token(name, name_size))
		judgement->reason = "a header's name is no token";
	else if (!is_value(value, value_size))
		judgement->reason = "a control character in a header";
	else if (!lies_where_it_should(judgement, name, name_size, value, value_size))
		judgement->reason = "a header line is folded, holds a NUL or lacks its CR";
	else if (is(name, name_size, MHD_HTTP_HEADER_HOST)) {
		if (!is_host(value))
			judgement->reason = "the Host is no host";
		judgement->n_hosts++;
	} else if (is(name, name_size, MHD_HTTP_HEADER_CONTENT_LENGTH)) {
		judgement->length = value;
		judgement->n_lengths++;
	} else if (is(name, name_size, MHD_HTTP_HEADER_TRANSFER_ENCODING)) {
		judgement->encoding = value;
		judgement->n_encodings++;
	}
	return judgement->reason ? MHD_NO : MHD_YES;
}

static const char *judge_body(const struct judgement *judgement, bool is_1_1,
			      unsigned long long *ret_length)
{
	*ret_length = 0;
	if (judgement->n_encodings > 0) {
		if (judgement->n_lengths > 0)
			return "both Content-Length and Transfer-Encoding";
		if (judgement->n_encodings > 1 || !is_1_1 ||
		    strcasecmp(judgement->encoding, "chunked") != 0)
			return "a Transfer-Encoding other than \"chunked\"";
	} else if (judgement->n_lengths > 0) {
		if (judgement->n_lengths > 1 || !judgement->length[0] ||
		    judgement->length[strspn(judgement->length, "0123456789")])
			return "Content-Length is not one number";
		/* libmicrohttpd has refused what is too large for it. */
		*ret_length = strtoull(judgement->length, NULL, 10);
	}
	return NULL;
}

const char *framing_judge(struct MHD_Connection *connection, const char *verb,
			  const char *version, struct framing_target target, bool *ret_has_body,
			  unsigned long long *ret_length)
{
	struct judgement judgement = {0};
	bool is_1_1 = strcmp(version, MHD_HTTP_VERSION_1_1) == 0;
	bool is_strict_itself = strncmp(MHD_get_version(), "0.", 2) != 0;

	if (!is_1_1 && strcmp(version, MHD_HTTP_VERSION_1_0) != 0)
		return "a version other than HTTP/1.1 and HTTP/1.0";
	if (!is_strict_itself) {
		if (!line_lies_where_it_should(verb, target, version))
			return "a blank or a NUL too many in the request's line";
		judgement.next = version + strlen(version) + 2;
	}
	MHD_get_connection_values_n(connection, MHD_HEADER_KIND, judge_line, &judgement);
	if (judgement.reason)
		return judgement.reason;
	if (!is_strict_itself) {
		size_t size = MHD_get_connection_info(connection,
						      MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE)
				      ->header_size;

		if (judgement.next - verb + 2 != (ptrdiff_t)size)
			return "a header line has no name, or its end is not CR LF";
	}
	if (judgement.n_hosts > 1 || (is_1_1 && judgement.n_hosts == 0))
		return "not one Host";
	*ret_has_body = judgement.n_lengths + judgement.n_encodings > 0;
	return judge_body(&judgement, is_1_1, ret_length);
}
